"""Concurrency: ETag, If-None-Match and If-Match on everything single that can be changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from common.models import User
from common.tests.factories import ApiClient, a_person, client_of, staff_member
from common.tests.problems import pointers, refused
from common.tests.races import holding, rival
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course, crs
from enrollments.tests.factories import a_full_course, an_enrollment, complete, withdraw

CHANGES: dict[str, Any] = {"users/me": {"display_name": "New"}, "courses/": {"title": "New"}}
Single = tuple[ApiClient, str]


def patch(client: ApiClient, path: str, body: Any, **headers: str) -> HttpResponse:
    return client.patch(path, body, content_type="application/json", headers=headers)


def an_account() -> Single:
    return client_of(a_person()), "users/me"


def a_course() -> Single:
    return client_of(staff_member()), f"courses/{crs(an_open_course())}"


def a_standing() -> Single:
    ada, course_id = a_person(), an_open_course()
    an_enrollment(course_id, ada.pk)
    return client_of(ada), f"courses/{crs(course_id)}/enrollments/me"


def a_change(path: str) -> Any:
    return next(change for prefix, change in CHANGES.items() if path.startswith(prefix))


each_single = pytest.mark.parametrize("make", [an_account, a_course, a_standing])
each_patched = pytest.mark.parametrize("make", [an_account, a_course])


@pytest.mark.django_db
class TestIfNoneMatch:
    @each_single
    @pytest.mark.parametrize("header", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_of_what_the_client_has_is_304(self, make: Callable[[], Single], header: str, method: str) -> None:
        client, path = make()
        etag = client.get(path)["ETag"]
        response = getattr(client, method)(path, headers={"If-None-Match": header.format(etag=etag)})
        assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
        assert "Content-Type" not in response

    @each_single
    @pytest.mark.parametrize("header", ['"other"', "", "garbage", '"', "{bare}"])
    def test_of_anything_else_is_200(self, make: Callable[[], Single], header: str) -> None:
        client, path = make()
        header = header.format(bare=client.get(path)["ETag"].strip('"'))
        assert client.get(path, headers={"If-None-Match": header}).status_code == 200

    @each_patched
    def test_of_what_has_changed_is_200(self, make: Callable[[], Single]) -> None:
        client, path = make()
        old = client.get(path)["ETag"]
        assert patch(client, path, a_change(path)).status_code == 200
        response = client.get(path, headers={"If-None-Match": old})
        assert (response.status_code, response["ETag"] != old) == (200, True)

    def test_of_a_course_whose_seats_have_filled_is_200(self) -> None:
        course_id = an_open_course(capacity=5)
        client, path = client_of(), f"courses/{crs(course_id)}"
        old = client.get(path)["ETag"]
        an_enrollment(course_id)
        response = client.get(path, headers={"If-None-Match": old})
        assert response.json()["seats_available"] == 4

    def test_of_a_place_in_line_that_has_moved_up_is_200(self) -> None:
        ada = a_person()
        course_id, _, (first,) = a_full_course(waiting=1)
        client, path = client_of(ada), f"courses/{crs(course_id)}/enrollments/me"
        client.post(f"courses/{crs(course_id)}/enrollments")
        old = client.get(path)["ETag"]
        withdraw(course_id, first)
        response = client.get(path, headers={"If-None-Match": old})
        assert response.json()["waitlist_entry"]["position"] == 1


@pytest.mark.django_db
class TestIfMatch:
    @each_patched
    @pytest.mark.parametrize("header", ["{etag}", '"other", {etag}', "*"])
    def test_of_the_present_version_changes_it(self, make: Callable[[], Single], header: str) -> None:
        client, path = make()
        header = header.format(etag=client.get(path)["ETag"])
        response = patch(client, path, a_change(path), **{"If-Match": header})
        assert response.status_code == 200
        assert response["ETag"] == client.get(path)["ETag"]

    @each_patched
    @pytest.mark.parametrize("header", ["{old}", "W/{etag}", '"other"', "", "garbage", "{bare}", '"', "W/*"])
    def test_of_anything_else_changes_nothing(self, make: Callable[[], Single], header: str) -> None:
        client, path = make()
        old = client.get(path)["ETag"]
        patch(client, path, a_change(path))
        etag = client.get(path)["ETag"]
        header = header.format(old=old, etag=etag, bare=etag.strip('"'))
        with nothing_changed():
            refused(patch(client, path, a_change(path), **{"If-Match": header}), 412, "precondition_failed")

    @each_patched
    def test_may_be_left_out(self, make: Callable[[], Single]) -> None:
        client, path = make()
        assert patch(client, path, a_change(path)).status_code == 200

    @each_patched
    @pytest.mark.parametrize("body", ["{bad", '{"bogus": 1}', "null"])
    def test_comes_before_the_body(self, make: Callable[[], Single], body: str) -> None:
        client, path = make()
        refused(client.generic("PATCH", path, body, headers={"If-Match": '"old"'}), 412, "precondition_failed")
        etag = client.get(path)["ETag"]
        pointers(client.generic("PATCH", path, body, headers={"If-Match": etag}))

    def test_comes_after_who_may_call_and_what_there_is(self) -> None:
        path = f"courses/{crs(an_open_course())}"
        stale = {"If-Match": '"old"'}
        refused(patch(client_of(), path, {}, **stale), 401, "unauthenticated")
        refused(patch(client_of(a_person()), path, {}, **stale), 403, "permission_denied")
        refused(patch(client_of(staff_member()), "courses/nope", {}, **stale), 404, "course_not_found")
        mine = client_of(a_person()).delete(f"{path}/enrollments/me", headers=stale)
        refused(mine, 404, "enrollment_not_found")

    def test_of_an_edit_does_not_mind_that_seats_fill(self) -> None:
        course_id = an_open_course(capacity=5)
        client, path = client_of(staff_member()), f"courses/{crs(course_id)}"
        etag = client.get(path)["ETag"]
        an_enrollment(course_id)
        assert patch(client, path, {"title": "New"}, **{"If-Match": etag}).status_code == 200

    @pytest.mark.parametrize("step", ["close", "archive", "open"])
    def test_of_an_edit_minds_each_step_of_the_course(self, step: str) -> None:
        course_id = an_open_course()
        client, path = client_of(staff_member()), f"courses/{crs(course_id)}"
        for before in {"close": [], "archive": ["close"], "open": ["close"]}[step]:
            client.post(f"{path}/{before}")
        etag = client.get(path)["ETag"]
        client.post(f"{path}/{step}")
        refused(patch(client, path, {"title": "New"}, **{"If-Match": etag}), 412, "precondition_failed")

    @pytest.mark.parametrize("header", ["{etag}", "*", '"other", {etag}'])
    def test_of_ones_standing_withdraws(self, header: str) -> None:
        client, path = a_standing()
        header = header.format(etag=client.get(path)["ETag"])
        assert client.delete(path, headers={"If-Match": header}).status_code == 200

    def test_of_a_standing_that_has_changed_withdraws_nothing(self) -> None:
        ada, course_id = a_person(), an_open_course()
        enrollment = an_enrollment(course_id, ada.pk)
        client, path = client_of(ada), f"courses/{crs(course_id)}/enrollments/me"
        etag = client.get(path)["ETag"]
        complete(enrollment.id)
        with nothing_changed():
            refused(client.delete(path, headers={"If-Match": etag}), 412, "precondition_failed")

    def test_of_a_place_in_line_does_not_match_the_seat_that_it_became(self) -> None:
        ada = a_person()
        course_id, (seated,), _ = a_full_course()
        client, path = client_of(ada), f"courses/{crs(course_id)}/enrollments/me"
        client.post(f"courses/{crs(course_id)}/enrollments")
        etag = client.get(path)["ETag"]
        withdraw(course_id, seated)
        with nothing_changed():
            refused(client.delete(path, headers={"If-Match": etag}), 412, "precondition_failed")

    def test_of_a_place_in_line_does_not_mind_that_the_line_moves(self) -> None:
        ada = a_person()
        course_id, _, (first,) = a_full_course(waiting=1)
        client, path = client_of(ada), f"courses/{crs(course_id)}/enrollments/me"
        client.post(f"courses/{crs(course_id)}/enrollments")
        etag = client.get(path)["ETag"]
        withdraw(course_id, first)
        assert client.delete(path, headers={"If-Match": etag}).json()["outcome"] == "left_waitlist"


@pytest.mark.django_db
class TestNoChange:
    @each_patched
    @pytest.mark.parametrize("body", ["{}", ""])
    def test_keeps_the_version_and_records_nothing(self, make: Callable[[], Single], body: str) -> None:
        client, path = make()
        etag = client.get(path)["ETag"]
        with nothing_changed():
            response = client.generic("PATCH", path, body)
        assert (response.status_code, response["ETag"]) == (200, etag)


@pytest.mark.django_db(transaction=True)
class TestRivals:
    def test_with_one_version_change_a_course_once(self) -> None:
        staff, course_id = staff_member(), an_open_course()
        path = f"courses/{crs(course_id)}"
        etag = client_of(staff).get(path)["ETag"]

        def edit(title: str) -> HttpResponse:
            return patch(client_of(staff), path, {"title": title}, **{"If-Match": etag})

        with holding(lambda: edit("First")) as first, rival(lambda: edit("Second")) as second:
            assert second.waits_for(first)
            first.commit()
            refused(second.result(), 412, "precondition_failed")
        assert client_of().get(path).json()["title"] == "First"

    def test_with_one_version_change_an_account_once(self) -> None:
        ada = a_person()
        etag = client_of(ada).get("users/me")["ETag"]

        def rename(name: str) -> HttpResponse:
            return patch(client_of(ada), "users/me", {"display_name": name}, **{"If-Match": etag})

        with holding(lambda: rename("First")) as first, rival(lambda: rename("Second")) as second:
            assert second.waits_for(first)
            first.commit()
            refused(second.result(), 412, "precondition_failed")
        assert User.objects.get(pk=ada.pk).display_name == "First"

    def test_with_the_version_of_a_place_in_line_do_not_give_up_a_seat(self) -> None:
        ada = a_person()
        course_id, (seated,), _ = a_full_course()
        client, path = client_of(ada), f"courses/{crs(course_id)}/enrollments/me"
        client.post(f"courses/{crs(course_id)}/enrollments")
        etag = client.get(path)["ETag"]
        leave = lambda: client_of(ada).delete(path, headers={"If-Match": etag})  # noqa: E731
        with holding(lambda: withdraw(course_id, seated)) as first, rival(leave) as second:
            assert second.waits_for(first)
            first.commit()
            refused(second.result(), 412, "precondition_failed")
        assert client.get(path).json()["standing"] == "enrolled"
