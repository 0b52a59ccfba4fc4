"""Enrolling alone takes an active account: whatever else there is to say of the request, without one it is 401.

The account is looked up by the statement that takes the place, and not before.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import ids
from common.accounts.errors import Unauthenticated
from common.models import User
from common.tests.factories import ApiClient, a_person, client_of
from common.tests.problems import refused
from courses.tests.factories import an_open_course, close, crs
from enrollments.models import Enrollment
from enrollments.tests.factories import enroll

pytestmark = pytest.mark.django_db


def deactivate(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


def delete(person: User) -> None:
    person.delete()


@pytest.fixture(params=[deactivate, delete])
def lose_account(request: pytest.FixtureRequest) -> Callable[[User], None]:
    lose: Callable[[User], None] = request.param
    return lose


def a_closed_course() -> UUID:
    course_id = an_open_course()
    close(course_id)
    return course_id


class TestWithoutAnAccount:
    @pytest.mark.parametrize(
        "path",
        [
            pytest.param(lambda: f"courses/{crs(an_open_course())}/enrollments", id="a free seat"),
            pytest.param(lambda: f"courses/{crs(an_open_course(capacity=0))}/enrollments", id="a full course"),
            pytest.param(lambda: f"courses/{crs(a_closed_course())}/enrollments", id="a closed course"),
            pytest.param(lambda: f"courses/{crs(ids.new_uuid())}/enrollments", id="no such course"),
            pytest.param(lambda: "courses/nonsense/enrollments", id="no id"),
            pytest.param(lambda: f"courses/{crs(an_open_course())}/enrollments?what=ever", id="a query"),
        ],
    )
    @pytest.mark.parametrize("key", [{}, {"HTTP_IDEMPOTENCY_KEY": "one"}], ids=["no key", "a key"])
    def test_enrolling_is_refused_as_to_a_stranger(
        self, path: Callable[[], str], key: dict[str, str], lose_account: Callable[[User], None]
    ) -> None:
        person, address = a_person(), path()
        client = client_of(person)
        lose_account(person)
        answer = client.post(address, **key)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert not Enrollment.objects.filter(learner_id=person.pk).exists()

    def test_a_wrong_body_does_not_matter_any_more(self, lose_account: Callable[[User], None]) -> None:
        person, course = a_person(), crs(an_open_course())
        client = client_of(person)
        lose_account(person)
        refused(client.post(f"courses/{course}/enrollments", {"what": "ever"}), 401, "unauthenticated")

    def test_an_answer_that_was_kept_is_not_told(self) -> None:
        person, course = a_person(), crs(an_open_course())
        client = client_of(person)
        assert client.post(f"courses/{course}/enrollments", HTTP_IDEMPOTENCY_KEY="one").status_code == 201
        assert client.post(f"courses/{course}/enrollments", HTTP_IDEMPOTENCY_KEY="one").status_code == 201
        deactivate(person)
        refused(client.post(f"courses/{course}/enrollments", HTTP_IDEMPOTENCY_KEY="one"), 401, "unauthenticated")

    def test_the_use_case_says_so_as_well(self, lose_account: Callable[[User], None]) -> None:
        person, course_id = a_person(), an_open_course()
        person_id = person.pk
        lose_account(person)
        with pytest.raises(Unauthenticated):
            enroll(course_id, person_id)


def test_a_seat_is_taken_without_asking_for_the_account_first() -> None:
    client: ApiClient = client_of(a_person())
    path = f"courses/{crs(an_open_course())}/enrollments"
    with CaptureQueriesContext(connection) as asked:
        assert client.post(path).status_code == 201
    assert len([query for query in asked if "common_user" in query["sql"]]) == 1
