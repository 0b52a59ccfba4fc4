"""Retries: an `Idempotency-Key` makes a POST happen once, whatever the client repeats."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.http import HttpResponse

from common import idempotency
from common.models import IdempotencyRecord, User
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from common.tests.problems import parameters, pointers, refused
from common.tests.races import holding, wave
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_open_course, close, crs, reopen
from enrollments.tests.factories import a_full_course, an_enrollment, enr


def keyed(person: User, key: str = "key-1") -> ApiClient:
    return client_of(person, Idempotency_Key=key)


# Every POST of a signed-in person: who sends it, where to, what, and what comes of it.
POSTS: dict[str, tuple[Callable[[], tuple[User, str]], Any, int]] = {
    "create a course": (lambda: (staff_member(), "courses"), {"title": "Knots"}, 201),
    "open a course": (lambda: (staff_member(), f"courses/{crs(a_draft())}/open"), None, 200),
    "close a course": (lambda: (staff_member(), f"courses/{crs(an_open_course())}/close"), {}, 200),
    "archive a course": (lambda: (staff_member(), f"courses/{crs(a_closed_course())}/archive"), None, 200),
    "enroll": (lambda: (a_person(), f"courses/{crs(an_open_course())}/enrollments"), None, 201),
    "wait": (lambda: (a_person(), f"courses/{crs(a_full_course()[0])}/enrollments"), {}, 202),
    "complete": (
        lambda: (staff_member(), f"enrollments/{enr(an_enrollment(an_open_course()).id)}/complete"),
        {"reason": "done"},
        200,
    ),
    "revoke": (lambda: (staff_member(), f"enrollments/{enr(an_enrollment(an_open_course()).id)}/revoke"), None, 200),
}


@pytest.mark.django_db
class TestReplay:
    @pytest.mark.parametrize("name", POSTS)
    def test_gives_the_first_answer_and_does_nothing(self, name: str) -> None:
        prepare, body, status = POSTS[name]
        person, path = prepare()
        first = keyed(person).post(path, body)
        with nothing_changed():
            again = keyed(person).post(path, body)
        assert (first.status_code, again.status_code) == (status, status)
        assert again.content == first.content
        for header in ("Location", "ETag", "Content-Type"):
            assert again.headers.get(header) == first.headers.get(header)
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true"
        assert again["X-Request-ID"] != first["X-Request-ID"]

    def test_has_a_location_where_the_first_had_one(self) -> None:
        staff = staff_member()
        assert keyed(staff).post("courses", {"title": "A"})["Location"]
        assert keyed(staff).post("courses", {"title": "A"})["Location"].startswith("/api/v1/courses/crs_")

    def test_comes_even_when_the_world_has_moved_on(self) -> None:
        ada, course_id = a_person(), an_open_course()
        path = f"courses/{crs(course_id)}/enrollments"
        first = keyed(ada).post(path)
        close(course_id)
        assert keyed(ada).post(path).content == first.content

    def test_comes_for_a_day(self) -> None:
        staff = staff_member()
        first = keyed(staff).post("courses", {"title": "Knots"})
        age(settings.IDEMPOTENCY_KEPT_FOR - timedelta(minutes=1))
        assert idempotency.forget_expired() == 0
        assert keyed(staff).post("courses", {"title": "Knots"}).content == first.content

    @pytest.mark.parametrize("swept", [True, False])
    def test_comes_no_more_after_a_day(self, swept: bool) -> None:
        staff = staff_member()
        keyed(staff).post("courses", {"title": "Knots"})
        age(timedelta(hours=24, minutes=1))
        if swept:
            assert idempotency.forget_expired() == 1
        again = keyed(staff).post("courses", {"title": "Bends"})
        assert (again.status_code, "Idempotency-Replayed" in again) == (201, False)
        assert count_courses(staff) == 2
        assert keyed(staff).post("courses", {"title": "Bends"})["Idempotency-Replayed"] == "true"

    def test_is_for_nobody_who_has_lost_the_permission(self) -> None:
        staff = staff_member()
        keyed(staff).post("courses", {"title": "Knots"})
        staff.groups.clear()
        refused(keyed(staff).post("courses", {"title": "Knots"}), 403, "permission_denied")

    def test_does_not_hold_without_a_key(self) -> None:
        staff = staff_member()
        for _ in range(2):
            assert "Idempotency-Replayed" not in client_of(staff).post("courses", {"title": "Knots"})
        assert count_courses(staff) == 2
        assert not IdempotencyRecord.objects.exists()


def count_courses(staff: User) -> int:
    return len(client_of(staff).get("courses").json()["data"])


def age(by: timedelta) -> None:
    """Every kept answer is older by so much."""
    IdempotencyRecord.objects.update(created_at=F("created_at") - by)


@pytest.mark.django_db
class TestKey:
    @pytest.mark.parametrize(
        "key", ["a", "x" * 255, "!~", '"quoted"', "a,b;c=d", "8f14e45f-ea2a-4b21-9d5c-1a2b3c4d5e6f"]
    )
    def test_is_1_to_255_visible_ascii_characters(self, key: str) -> None:
        assert keyed(staff_member(), key).post("courses", {"title": "Knots"}).status_code == 201
        assert IdempotencyRecord.objects.get().key == key

    @pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "é", "\x7f", "🎉".encode().decode("latin-1")])
    def test_is_nothing_else(self, key: str) -> None:
        client = keyed(staff_member(), key)
        with nothing_changed():
            assert parameters(client.post("courses", {"title": "Knots"})) == {"Idempotency-Key"}

    def test_belongs_to_its_caller(self) -> None:
        path = f"courses/{crs(an_open_course())}/enrollments"
        ada, bob = a_person(), a_person()
        first, other = keyed(ada).post(path), keyed(bob).post(path)
        assert (first.status_code, other.status_code) == (201, 201)
        assert first.json()["enrollment"]["id"] != other.json()["enrollment"]["id"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("courses", '{"title":"Bends"}'),
            ("courses", '{"title": "Knots"}'),
            ("courses", '{"title":"Knots","summary":""}'),
            ("courses", "{bad"),
            ("courses", ""),
            ("courses/{course}/open", '{"title":"Knots"}'),
            ("courses/{course}/archive", "{}"),
        ],
    )
    def test_is_good_for_one_request_only(self, path: str, body: str) -> None:
        staff, course = staff_member(), crs(a_draft())
        keyed(staff).generic("POST", "courses", '{"title":"Knots"}')
        with nothing_changed():
            response = keyed(staff).generic("POST", path.format(course=course), body)
        refused(response, 422, "idempotency_key_reused")

    def test_of_a_refusal_may_be_tried_again(self) -> None:
        ada, course_id = a_person(), a_closed_course()
        path = f"courses/{crs(course_id)}/enrollments"
        with nothing_changed():
            refused(keyed(ada).post(path), 409, "course_closed")
            assert pointers(keyed(ada).post(path, {"x": 1})) == {"/x"}
        reopen(course_id)
        assert keyed(ada).post(path).status_code == 201
        assert keyed(ada).post(path)["Idempotency-Replayed"] == "true"

    def test_of_a_refusal_may_be_used_for_another_request(self) -> None:
        staff = staff_member()
        assert pointers(keyed(staff).post("courses", {})) == {"/title"}
        assert keyed(staff).post("courses", {"title": "Knots"}).status_code == 201

    def test_counts_only_for_who_may_call(self) -> None:
        with nothing_changed():
            refused(client_of(Idempotency_Key="a b").post("courses", {"title": "A"}), 401, "unauthenticated")
        learner = a_person()
        with nothing_changed():
            refused(keyed(learner, "a b").post("courses", {"title": "A"}), 403, "permission_denied")

    def test_is_ignored_when_signing_in(self) -> None:
        person = {"email": "ada@example.org", "password": "correct horse battery"}
        client = client_of(Idempotency_Key="not even valid")
        client.post("auth/register", {**person, "display_name": "Ada"})
        first, second = client.post("auth/token", person), client.post("auth/token", person)
        assert first.json()["refresh"] != second.json()["refresh"]
        assert client.post("auth/token/refresh", {"refresh": first.json()["refresh"]}).status_code == 200
        refused(client.post("auth/token/refresh", {"refresh": first.json()["refresh"]}), 401, "unauthenticated")
        assert client.post("auth/token/revoke", {"refresh": second.json()["refresh"]}).status_code == 204
        assert not IdempotencyRecord.objects.exists()

    def test_is_ignored_where_the_method_itself_can_be_repeated(self) -> None:
        client = keyed(a_person())
        assert client.get("users/me").status_code == 200
        assert client.patch("users/me", {"display_name": "A"}, content_type="application/json").status_code == 200
        assert client.patch("users/me", {"display_name": "B"}, content_type="application/json").status_code == 200
        assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_are_told_to_wait_while_the_first_runs(self) -> None:
        ada, path = a_person(), f"courses/{crs(an_open_course())}/enrollments"
        with holding(lambda: keyed(ada).post(path)) as first:
            refused(keyed(ada).post(path), 409, "idempotency_key_in_flight")
            refused(keyed(ada).post(path, {}), 409, "idempotency_key_in_flight")
            first.commit()
            assert first.result().status_code == 201
        assert keyed(ada).post(path)["Idempotency-Replayed"] == "true"

    def test_go_first_when_the_first_comes_to_nothing(self) -> None:
        ada, path = a_person(), f"courses/{crs(an_open_course())}/enrollments"
        with holding(lambda: keyed(ada).post(path)) as first:
            first.undo()
            first.result()
        response = keyed(ada).post(path)
        assert (response.status_code, "Idempotency-Replayed" in response) == (201, False)

    def test_of_another_caller_do_not_wait(self) -> None:
        bob, course = staff_member(), staff_member()
        with holding(lambda: keyed(course).post("courses", {"title": "Knots"})):
            assert keyed(bob).post("courses", {"title": "Bends"}).status_code == 201

    def test_by_the_dozen_have_one_effect(self) -> None:
        staff = staff_member()

        def create(_: int) -> HttpResponse:
            return keyed(staff).post("courses", {"title": "Knots"})

        with recording() as events:
            answers = wave(create, range(12))
        bodies = {answer.content for answer in answers if answer.status_code == 201}
        assert len(bodies) == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert (
            len([answer for answer in answers if answer.status_code == 201 and "Idempotency-Replayed" not in answer])
            == 1
        )
        assert [event.type for event in events] == ["course.created"]
        for answer in answers:
            if answer.status_code == 409:
                refused(answer, 409, "idempotency_key_in_flight")
