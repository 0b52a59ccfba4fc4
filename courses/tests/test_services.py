from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from common import db
from common.db import NotInTransaction
from common.errors import InvalidInput, PreconditionFailed
from common.models import Event
from common.tests.factories import NOW, SYSTEM
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses import services as courses
from courses.models import Course as CourseRow
from courses.models import CoursePlaces
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    archive,
    change,
    close,
    crs,
    places_of,
    reopen,
    seats_and_line,
)

pytestmark = pytest.mark.django_db
UNKNOWN = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
HOUR = timedelta(hours=1)

MAKERS = {
    courses.CourseStatus.DRAFT: a_draft,
    courses.CourseStatus.OPEN: an_open_course,
    courses.CourseStatus.CLOSED: a_closed_course,
    courses.CourseStatus.ARCHIVED: an_archived_course,
}
STEPS = {
    courses.CourseStatus.OPEN: (reopen, "opened", "The course is open."),
    courses.CourseStatus.CLOSED: (close, "closed", "The course is closed."),
    courses.CourseStatus.ARCHIVED: (archive, "archived", "The course is archived."),
}
LEGAL = {("draft", "open"), ("open", "closed"), ("closed", "open"), ("draft", "archived"), ("closed", "archived")}


def create(**values: Any) -> courses.Course:
    return courses.create_course(values={"title": "Knots", **values}, actor=SYSTEM, now=NOW)


def update_at(course_id: UUID, version: int, **changes: Any) -> courses.CourseChanged:
    return courses.update_course(
        course_id=course_id,
        changes=changes,  # type: ignore[arg-type]
        expected_version=version,
        actor=SYSTEM,
        now=NOW,
    )


def version_of(course_id: UUID) -> int:
    return CourseRow.objects.get(pk=course_id).version


def let_wait(course_id: UUID, count: int) -> None:
    """So many people wait, as far as the course knows: those who do are another app's."""
    with transaction.atomic():
        courses.move_places(course_id=course_id, seats=0, waiting=count)


def told(events: list[Event]) -> list[tuple[str, str, str, str, str]]:
    return [(event.type, event.subject, event.course, event.actor, event.request_id) for event in events]


class TestCreateCourse:
    def test_makes_a_draft_with_what_was_said(self) -> None:
        course = create(
            slug="splices",
            summary="Ropes",
            description="How ropes become one.",
            instructor="Ada",
            capacity=7,
            waitlist_enabled=True,
            enrollment_opens_at=NOW,
            enrollment_closes_at=NOW + HOUR,
        )
        row = CourseRow.objects.get(pk=course.id)
        assert course == courses.Course(
            id=course.id,
            slug="splices",
            title="Knots",
            summary="Ropes",
            description="How ropes become one.",
            instructor="Ada",
            status=courses.CourseStatus.DRAFT,
            is_open=False,
            capacity=7,
            seats_taken=0,
            seats_available=7,
            waitlist_enabled=True,
            waitlist_length=0,
            enrollment_opens_at=NOW,
            enrollment_closes_at=NOW + HOUR,
            rating=course.rating,
            created_at=row.created_at,
            updated_at=row.updated_at,
            version=1,
        )
        assert (course.rating.average, course.rating.count) == (None, 0)

    def test_leaves_what_was_not_said_empty_or_unlimited(self) -> None:
        course = create()
        assert (course.slug, course.summary, course.description, course.instructor) == ("knots", "", "", "")
        assert (course.capacity, course.seats_available, course.waitlist_enabled) == (None, None, False)
        assert (course.enrollment_opens_at, course.enrollment_closes_at) == (None, None)

    def test_makes_a_slug_of_the_title_and_another_one_if_it_is_taken(self) -> None:
        first, second, third = create(), create(), create()
        assert first.slug == "knots"
        assert len({first.slug, second.slug, third.slug}) == 3
        assert second.slug.startswith("knots-")
        assert third.slug.startswith("knots-")

    def test_refuses_a_slug_that_another_course_has(self) -> None:
        create(slug="splices")
        with nothing_changed(), pytest.raises(courses.SlugAlreadyUsed, match="“splices”"):
            create(slug="splices")

    def test_refuses_a_window_that_closes_before_it_opens(self) -> None:
        with nothing_changed(), pytest.raises(InvalidInput) as refusal:
            create(enrollment_opens_at=NOW, enrollment_closes_at=NOW)
        assert refusal.value.field == "enrollment_closes_at"

    def test_records_one_event(self) -> None:
        create()
        with recording() as events:
            course = create()
        public_id = crs(course.id)
        assert told(events) == [("course.created", public_id, public_id, SYSTEM.name, SYSTEM.request_id)]
        assert events[0].data == {"course_id": public_id, "slug": course.slug, "title": "Knots"}


class TestUpdateCourse:
    def test_changes_what_is_named_and_nothing_else(self) -> None:
        course_id = an_open_course(summary="Ropes", capacity=3, waitlist_enabled=True)
        before = courses.get_course(course_id=course_id, with_drafts=True, now=NOW)
        changed = change(course_id, title="Splices", capacity=5)
        after = changed.course
        assert (changed.outcome, changed.message, changed.triggered) == ("updated", "The course was changed.", [])
        assert (after.title, after.capacity, after.version) == ("Splices", 5, before.version + 1)
        assert (after.slug, after.summary, after.waitlist_enabled) == ("knots", "Ropes", True)
        assert (after.status, after.created_at) == (before.status, before.created_at)
        assert after == courses.get_course(course_id=course_id, with_drafts=True, now=NOW)

    def test_without_changes_changes_nothing(self) -> None:
        course_id = an_open_course()
        with nothing_changed():
            assert change(course_id).outcome == "unchanged"

    def test_refuses_a_capacity_below_the_seats_taken(self) -> None:
        course_id = an_open_course(capacity=3)
        with transaction.atomic():
            courses.move_places(course_id=course_id, seats=2, waiting=0)
        with nothing_changed(), pytest.raises(courses.CapacityBelowEnrollment) as refusal:
            change(course_id, capacity=1, title="Splices")
        assert refusal.value.details == {"seats_taken": 2}
        assert change(course_id, capacity=2).course.seats_available == 0

    def test_refuses_a_slug_that_another_course_has(self) -> None:
        create(slug="splices")
        course_id = an_open_course()
        with nothing_changed(), pytest.raises(courses.SlugAlreadyUsed, match="“splices”"):
            change(course_id, slug="splices", capacity=9)

    @pytest.mark.parametrize("changes", [{"enrollment_opens_at": NOW + HOUR}, {"enrollment_closes_at": NOW - HOUR}])
    def test_refuses_half_a_window_that_does_not_fit_the_other_half(self, changes: dict[str, Any]) -> None:
        course_id = an_open_course(enrollment_opens_at=NOW, enrollment_closes_at=NOW + HOUR)
        with nothing_changed(), pytest.raises(InvalidInput):
            change(course_id, **changes)

    @pytest.mark.parametrize("changes", [{"title": "Splices"}, {"capacity": 5}, {"title": "Splices", "capacity": 5}])
    def test_refuses_when_the_course_has_changed_since_the_caller_saw_it(self, changes: dict[str, Any]) -> None:
        course_id = an_open_course()
        version = version_of(course_id)
        change(course_id, summary="Ropes")
        with nothing_changed(), pytest.raises(PreconditionFailed):
            update_at(course_id, version, **changes)
        assert update_at(course_id, version + 1, **changes).course.version == version + 2

    @pytest.mark.parametrize("changes", [{"capacity": 1}, {"enrollment_closes_at": NOW - HOUR}])
    def test_says_that_it_has_changed_before_anything_else_is_wrong(self, changes: dict[str, Any]) -> None:
        course_id = an_open_course(enrollment_opens_at=NOW)
        with transaction.atomic():
            courses.move_places(course_id=course_id, seats=2, waiting=0)
        version = version_of(course_id)
        change(course_id, summary="Ropes")
        with nothing_changed(), pytest.raises(PreconditionFailed):
            update_at(course_id, version, **changes)

    @pytest.mark.parametrize("changes", [{"title": "Splices"}, {"capacity": 5}])
    def test_does_not_know_a_course_that_is_none(self, changes: dict[str, Any]) -> None:
        with nothing_changed(), pytest.raises(courses.CourseNotFound):
            change(UNKNOWN, **changes)

    @pytest.mark.parametrize(
        ("changes", "seats"),
        [
            ({"capacity": 4}, 2),
            ({"capacity": 9}, 3),
            ({"capacity": None}, 3),
            ({"capacity": 2}, 0),
            ({"title": "Splices"}, 0),
        ],
    )
    def test_wakes_the_promotion_of_as_many_as_seats_came_free(self, changes: dict[str, Any], seats: int) -> None:
        course_id = an_open_course(capacity=2, waitlist_enabled=True)
        with transaction.atomic():
            courses.move_places(course_id=course_id, seats=2, waiting=3)
        with recording() as events:
            changed = change(course_id, **changes)
        assert changed.triggered == (["waitlist_promotion"] if seats else [])
        assert events[0].data["seats_to_hand_over"] == seats

    def test_records_one_event_with_the_names_of_what_changed(self) -> None:
        course_id = an_open_course()
        with recording() as events:
            change(course_id, title="Splices", capacity=5)
        public_id = crs(course_id)
        assert told(events) == [("course.updated", public_id, public_id, SYSTEM.name, SYSTEM.request_id)]
        assert events[0].data == {"course_id": public_id, "changed": ["capacity", "title"], "seats_to_hand_over": 0}


class TestTheLifeOfACourse:
    """open_course, close_course, archive_course."""

    @pytest.mark.parametrize("status", MAKERS)
    @pytest.mark.parametrize("wanted", STEPS)
    def test_has_five_legal_steps_and_no_other(
        self, status: courses.CourseStatus, wanted: courses.CourseStatus
    ) -> None:
        course_id = MAKERS[status](capacity=3)
        step, outcome, message = STEPS[wanted]
        if (status, wanted) not in LEGAL:
            with nothing_changed(), pytest.raises(courses.InvalidTransition) as refusal:
                step(course_id)
            assert refusal.value.details == {"current_status": status.value}
            return
        version = version_of(course_id)
        with recording() as events:
            changed = step(course_id)
        assert (changed.outcome, changed.message, changed.triggered) == (outcome, message, [])
        assert (changed.course.status, changed.course.version) == (wanted, version + 1)
        public_id = crs(course_id)
        assert told(events) == [(f"course.{outcome}", public_id, public_id, SYSTEM.name, SYSTEM.request_id)]
        assert events[0].data == {
            "course_id": public_id,
            "from": status.value,
            "seats_to_hand_over": 0,
            "waiting": 0,
        }

    @pytest.mark.parametrize("wanted", STEPS)
    def test_is_not_that_of_a_course_that_is_none(self, wanted: courses.CourseStatus) -> None:
        with nothing_changed(), pytest.raises(courses.CourseNotFound):
            STEPS[wanted][0](UNKNOWN)

    def test_wakes_the_promotion_when_it_reopens_with_free_seats(self) -> None:
        course_id = a_closed_course(capacity=2, waitlist_enabled=True)
        let_wait(course_id, 3)
        with recording() as events:
            assert reopen(course_id).triggered == ["waitlist_promotion"]
        assert (events[0].data["seats_to_hand_over"], events[0].data["waiting"]) == (2, 3)

    def test_wakes_nothing_when_it_reopens_outside_its_window(self) -> None:
        course_id = a_closed_course(capacity=2, waitlist_enabled=True, enrollment_opens_at=NOW + HOUR)
        let_wait(course_id, 3)
        assert reopen(course_id).triggered == []

    @pytest.mark.parametrize(("waiting", "triggered"), [(0, []), (2, ["waitlist_expiry"])])
    def test_wakes_the_expiry_when_it_is_over_and_somebody_waits(self, waiting: int, triggered: list[str]) -> None:
        course_id = a_closed_course(capacity=0, waitlist_enabled=True)
        let_wait(course_id, waiting)
        assert archive(course_id).triggered == triggered


class TestClaimPlace:
    def claim(self, course_id: UUID, *, unless: str = "SELECT WHERE false") -> courses.Seat | courses.PlaceInLine:
        return courses.claim_place(course_id=course_id, now=NOW, unless=db.Part("standing", unless, {}), then=[])

    def test_gives_nothing_to_whom_the_caller_excludes(self) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        with pytest.raises(courses.CourseFull):
            self.claim(course_id, unless="SELECT")
        assert seats_and_line(course_id) == (0, 0)

    def test_gives_seats_first_and_then_places_in_line(self) -> None:
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        first, second, third = (self.claim(course_id) for _ in range(3))
        assert isinstance(first, courses.Seat)
        assert second == courses.PlaceInLine(claimed_at=first.claimed_at, number=1, position=1)
        assert third == courses.PlaceInLine(claimed_at=first.claimed_at, number=2, position=2)
        assert seats_and_line(course_id) == (1, 2)

    def test_gives_a_place_in_line_while_somebody_waits_even_if_a_seat_is_free(self) -> None:
        course_id = an_open_course(capacity=5, waitlist_enabled=True)
        let_wait(course_id, 1)
        place = self.claim(course_id)
        assert place == courses.PlaceInLine(claimed_at=place.claimed_at, number=1, position=2)

    @pytest.mark.parametrize(
        ("values", "waiting"),
        [({"capacity": 0}, 0), ({"capacity": 5}, 1), ({"capacity": None}, 1)],
    )
    def test_refuses_when_there_is_neither_a_seat_nor_a_line(self, values: dict[str, Any], waiting: int) -> None:
        course_id = an_open_course(**values)
        let_wait(course_id, waiting)
        with nothing_changed(), pytest.raises(courses.CourseFull):
            self.claim(course_id)

    @pytest.mark.parametrize(
        ("opens_in", "closes_in", "is_open"),
        [(None, None, True), (0, None, True), (1, None, False), (None, 0, False), (None, 1, True), (-1, 0, False)],
    )
    def test_keeps_to_the_window_as_the_rules_do(
        self, opens_in: int | None, closes_in: int | None, is_open: bool
    ) -> None:
        window = {
            "enrollment_opens_at": None if opens_in is None else NOW + opens_in * timedelta(microseconds=1),
            "enrollment_closes_at": None if closes_in is None else NOW + closes_in * timedelta(microseconds=1),
        }
        course_id = an_open_course(**window)
        assert courses.is_open(places_of(course_id), now=NOW) is is_open
        if is_open:
            assert isinstance(self.claim(course_id), courses.Seat)
            return
        with nothing_changed(), pytest.raises(courses.CourseClosed):
            self.claim(course_id)

    def test_knows_neither_a_draft_nor_a_course_that_is_none(self) -> None:
        draft_id = a_draft()
        for course_id in (draft_id, UNKNOWN):
            with nothing_changed(), pytest.raises(courses.CourseNotFound):
                self.claim(course_id)


class TestTheSteps:
    @pytest.mark.parametrize(
        ("step", "arguments"),
        [
            (courses.lock_places, {}),
            (courses.move_places, {"seats": 1, "waiting": 1}),
        ],
    )
    def test_refuse_outside_of_the_transaction_of_a_use_case(self, step: Any, arguments: dict[str, Any]) -> None:
        course_id = an_open_course()
        with nothing_changed(), pytest.raises(NotInTransaction):
            step(course_id=course_id, **arguments)

    def test_lock_the_places_as_they_are(self) -> None:
        course_id = an_open_course(capacity=4)
        with transaction.atomic():
            assert courses.lock_places(course_id=course_id) == places_of(course_id)

    def test_know_no_course_that_is_none(self) -> None:
        with transaction.atomic(), pytest.raises(courses.CourseNotFound):
            courses.lock_places(course_id=UNKNOWN)

    def test_move_the_counters_of_one_course(self) -> None:
        course_id, other_id = an_open_course(capacity=4), an_open_course(capacity=4)
        with transaction.atomic():
            courses.move_places(course_id=course_id, seats=3, waiting=2)
            courses.move_places(course_id=course_id, seats=-1, waiting=-2)
        assert (seats_and_line(course_id), seats_and_line(other_id)) == ((2, 0), (0, 0))
        assert CoursePlaces.objects.get(pk=course_id).last_queue_number == 0
