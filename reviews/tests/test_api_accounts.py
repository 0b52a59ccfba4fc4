"""Writing a review takes an active account: whatever else there is to say of the request, without one it is 401.

The account is looked up by the statement that looks at all the rest, and not before.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import ids
from common.accounts.errors import Unauthenticated
from common.models import User
from common.tests.factories import a_person, client_of
from common.tests.problems import refused
from courses.tests.factories import an_open_course
from reviews.models import Review
from reviews.tests.factories import CLEAN, an_author, reviews_of, write

pytestmark = pytest.mark.django_db
TEXT = {"rating": 4, "comment": CLEAN}


def deactivate(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


class TestWithoutAnAccount:
    @pytest.mark.parametrize("key", [{}, {"HTTP_IDEMPOTENCY_KEY": "one"}], ids=["no key", "a key"])
    @pytest.mark.parametrize("body", [TEXT, {"what": "ever"}], ids=["a review", "a wrong body"])
    @pytest.mark.parametrize("course", [an_open_course, ids.new_uuid], ids=["a course", "no course"])
    def test_writing_is_refused_as_to_a_stranger(
        self, course: Callable[[], UUID], body: dict[str, object], key: dict[str, str]
    ) -> None:
        person, course_id = a_person(), course()
        deactivate(person)
        answer = client_of(person).post(reviews_of(course_id), body, **key)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_an_enrollment_is_not_enough(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        deactivate(author)
        refused(client_of(author).post(reviews_of(course_id), TEXT), 401, "unauthenticated")
        with pytest.raises(Unauthenticated):
            write(course_id, author)
        assert not Review.objects.exists()

    def test_an_answer_that_was_kept_is_not_told(self) -> None:
        course_id = an_open_course()
        author = an_author(course_id)
        client, path = client_of(author, Idempotency_Key="one"), reviews_of(course_id)
        assert client.post(path, TEXT).status_code == client.post(path, TEXT).status_code == 201
        deactivate(author)
        refused(client.post(path, TEXT), 401, "unauthenticated")


def test_a_review_is_written_without_asking_for_the_account_first() -> None:
    course_id = an_open_course()
    client = client_of(an_author(course_id))
    with CaptureQueriesContext(connection) as asked:
        assert client.post(reviews_of(course_id), TEXT).status_code == 201
    assert len([query for query in asked if "common_user" in query["sql"]]) == 1
