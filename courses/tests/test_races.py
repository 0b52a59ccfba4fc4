"""Rivals for one slug and one version."""

from uuid import UUID

import pytest

from common.errors import PreconditionFailed
from common.tests.factories import NOW, SYSTEM
from common.tests.races import meet, wave
from courses import services as courses
from courses.models import Course as CourseRow
from courses.tests.factories import an_open_course

pytestmark = pytest.mark.django_db(transaction=True)


def create(**values: str) -> courses.Course:
    return courses.create_course(values={"title": "Knots", **values}, actor=SYSTEM, now=NOW)  # type: ignore[typeddict-item]


def rename(course_id: UUID, title: str) -> courses.CourseChanged:
    return courses.update_course(
        course_id=course_id, changes={"title": title}, expected_version=2, actor=SYSTEM, now=NOW
    )


class TestOneSlug:
    def test_belongs_to_the_first_who_asked_for_it(self) -> None:
        _, refused = meet(lambda: create(slug="splices"), lambda: create(slug="splices"))
        assert isinstance(refused, courses.SlugAlreadyUsed)
        assert CourseRow.objects.count() == 1

    def test_made_of_one_title_by_many_at_once_is_never_refused(self) -> None:
        made = wave(lambda _: create(), range(10))
        slugs = [each.slug for each in made if isinstance(each, courses.Course)]
        assert len(set(slugs)) == 10
        assert slugs.count("knots") == 1


class TestOneVersion:
    def test_is_changed_once(self) -> None:
        course_id = an_open_course()
        _, refused = meet(lambda: rename(course_id, "Splices"), lambda: rename(course_id, "Hitches"))
        assert isinstance(refused, PreconditionFailed)
        row = CourseRow.objects.get(pk=course_id)
        assert (row.title, row.version) == ("Splices", 3)
