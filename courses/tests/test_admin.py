from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.http import HttpResponse

from common import clock, jobs
from common.events import services as events
from common.models import Event
from common.tests.factories import a_person, staff_member, usr
from common.tests.recorded import recording
from common.tests.staff import REQUEST_ID, StaffClient, a_viewer, address, errors, messages, text
from common.tests.unchanged import nothing_changed
from common.types import Actor
from courses import rules
from courses import services as courses
from courses.models import Course
from courses.tests.factories import (
    a_closed_course,
    a_draft,
    an_archived_course,
    an_open_course,
    change,
    crs,
    places_of,
)
from enrollments.tests.factories import a_full_course, an_enrollment, withdraw

pytestmark = pytest.mark.django_db

MAKERS = {
    courses.CourseStatus.DRAFT: a_draft,
    courses.CourseStatus.OPEN: an_open_course,
    courses.CourseStatus.CLOSED: a_closed_course,
    courses.CourseStatus.ARCHIVED: an_archived_course,
}
BECOMES = {"open": "open", "close": "closed", "archive": "archived"}
LIST = "/admin/courses/course/"


@pytest.fixture
def client() -> StaffClient:
    return StaffClient()


def listed(client: StaffClient, **query: str) -> list[UUID]:
    response = client.get(LIST, query)
    assert response.status_code == 200
    return [course.pk for course in response.context["cl"].result_list]


def at(course_id: UUID, step: str = "change") -> str:
    return address(f"courses_course_{step}", course_id)


def filled(response: HttpResponse, **changes: Any) -> dict[str, Any]:
    """What the form of a page would send, with these changes."""
    form = response.context["form"]  # type: ignore[attr-defined]
    shown = {field.name: field.value() for field in form}
    sent = {name: field.field.widget.format_value(shown[name]) for name, field in ((f.name, f) for f in form)}
    sent["waitlist_enabled"] = "on" if shown.get("waitlist_enabled") else None
    return {name: value for name, value in {**sent, **changes}.items() if value is not None}


class TestList:
    def test_shows_what_staff_need_at_a_glance(self, client: StaffClient) -> None:
        a_full_course(title="Knots", waiting=3, capacity=2, instructor="Ada")
        page = client.get(LIST)
        shown = text(page)
        assert "Knots Ada open 2 / 2 3" in shown
        assert '<progress class="full" value="2" max="2"' in page.content.decode()

    def test_says_that_an_open_course_is_outside_its_window(self, client: StaffClient) -> None:
        an_open_course(enrollment_opens_at=clock.now() + timedelta(days=1))
        assert "open, outside its window" in text(client.get(LIST))

    def test_filters_by_status(self, client: StaffClient) -> None:
        made = {status: make() for status, make in MAKERS.items()}
        for status, course_id in made.items():
            assert listed(client, status=status) == [course_id]
        assert listed(client, status="bogus") == []

    def test_filters_by_whether_learners_can_come_in_now(self, client: StaffClient) -> None:
        taking, closed = an_open_course(), a_closed_course()
        later = an_open_course(enrollment_opens_at=clock.now() + timedelta(days=1))
        assert listed(client, open="yes") == [taking]
        assert listed(client, open="no") == [later, closed]

    def test_filters_by_whether_somebody_waits(self, client: StaffClient) -> None:
        waited_for, _, _ = a_full_course(waiting=1)
        other, _, _ = a_full_course()
        assert listed(client, waiting="yes") == [waited_for]
        assert listed(client, waiting="no") == [other]

    def test_searches_words_slugs_and_ids(self, client: StaffClient) -> None:
        knots = a_draft(title="Knots for sailors", instructor="Grace Hopper", slug="kn-1")
        bread = a_draft(title="Bread")
        assert listed(client, q="knot sail") == [knots]
        assert listed(client, q="hopper") == [knots]
        assert listed(client, q="kn-1") == [knots]
        assert listed(client, q=crs(bread)) == [bread]
        assert listed(client, q="ailors") == []
        assert listed(client, q="'%") == []

    @pytest.mark.parametrize("order", ["0", "-0", "5", "-5"])
    def test_can_be_sorted_by_title_and_rating(self, client: StaffClient, order: str) -> None:
        first, second = a_draft(title="apples"), a_draft(title="Bananas")
        Course.objects.filter(pk=first).update(rating_average="4.5", rating_count=2)
        expected = [first, second] if order in {"0", "-5"} else [second, first]
        assert listed(client, o=order) == expected


class TestPage:
    @pytest.mark.parametrize("status", MAKERS)
    def test_offers_the_steps_that_the_rules_allow(self, client: StaffClient, status: courses.CourseStatus) -> None:
        course_id = MAKERS[status]()
        page = client.get(at(course_id)).content.decode()
        offered = {status for step, status in BECOMES.items() if at(course_id, step) in page}
        assert offered == set(rules.TRANSITIONS[status])
        assert (at(course_id, "edit") in page) == (status != courses.CourseStatus.ARCHIVED)

    def test_offers_nothing_to_who_may_only_look(self) -> None:
        course_id = an_open_course()
        page = StaffClient(a_viewer("courses.view_course")).get(at(course_id)).content.decode()
        assert "Knots" in page
        assert at(course_id) + "edit/" not in page
        assert 'method="post" action="/admin/courses' not in page
        assert "Roster" not in page

    def test_shows_seats_and_window(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(capacity=2, waiting=1, description="All about <b>knots</b>")
        shown = text(client.get(at(course_id)))
        assert "2 / 2 taken 0 free 1 waiting" in shown
        assert crs(course_id) in shown
        assert "&lt;b&gt;knots" in shown

    def test_tells_what_happened_who_did_it_and_in_which_request(self, client: StaffClient) -> None:
        ada = a_person(display_name="Ada")
        course_id = a_draft(title="Knots")
        client.post(at(course_id, "open"))
        an_enrollment(course_id, ada.pk)
        withdraw(course_id, ada.pk)
        change(course_id, title="Better knots", capacity=7)
        lines = [
            (" ".join(text_of(entry.sentence)), entry.details)
            for entry in client.get(at(course_id)).context["timeline"]
        ]
        assert lines == [
            ("The course was changed", ["capacity, title"]),
            ("Ada was withdrawn", []),
            ("Ada was enrolled", []),
            ("The course was opened", []),
            ("The course was created", []),
        ]
        opened = f"by {client.person.display_name} , request {REQUEST_ID}"
        assert opened in text(client.get(at(course_id)))

    def test_keeps_learners_from_who_may_not_see_enrollments(self) -> None:
        course_id = an_open_course()
        an_enrollment(course_id, a_person(display_name="Ada").pk)
        moderator = StaffClient(a_person(is_staff=True, groups=("Moderators",)))
        page = moderator.get(at(course_id))
        assert [entry.type for entry in page.context["timeline"]] == ["course.opened", "course.created"]
        assert "Ada" not in text(page)

    def test_keeps_reviews_from_who_may_not_see_them(self, client: StaffClient) -> None:
        course_id = an_open_course()
        reporter = a_person(display_name="Reporter")
        with transaction.atomic():
            events.record(
                type="review.reported",
                subject="rev_00000000000000000000000000",
                course=crs(course_id),
                data={"author_id": usr(reporter.pk)},
                actor=Actor(name=usr(reporter.pk)),
            )
        assert "Reporter" not in text(client.get(at(course_id)))

    def test_leads_to_the_roster_the_line_and_the_way_in(self, client: StaffClient) -> None:
        course_id = an_open_course()
        page = client.get(at(course_id)).content.decode()
        for name in (
            "enrollments_enrollment_changelist",
            "enrollments_placeinline_changelist",
            "enrollments_enrollment_enroll",
        ):
            assert f'href="{address(name)}?course={crs(course_id)}"' in page

    def test_has_the_timeline_for_a_history(self, client: StaffClient) -> None:
        course_id = a_draft()
        assert client.get(at(course_id, "history"))["Location"] == f"{at(course_id)}#timeline"


def text_of(html: str) -> list[str]:
    return [part.split("<")[0].strip() for part in html.replace("</a>", "").split(">") if part.split("<")[0].strip()]


class TestTransitions:
    @pytest.mark.parametrize(
        ("make", "step", "event_type"),
        [
            (a_draft, "open", "course.opened"),
            (an_open_course, "close", "course.closed"),
            (a_closed_course, "archive", "course.archived"),
        ],
    )
    def test_do_what_the_button_says(self, client: StaffClient, make: Any, step: str, event_type: str) -> None:
        course_id = make()
        with recording() as recorded:
            response = client.post(at(course_id, step))
        assert response["Location"] == at(course_id)
        assert places_of(course_id).status == BECOMES[step]
        assert messages(response) == [f"The course is {BECOMES[step]}."]
        (event,) = recorded
        assert (event.type, event.actor) == (event_type, usr(client.person.pk))
        assert event.request_id == REQUEST_ID

    def test_show_why_they_were_refused(self, client: StaffClient) -> None:
        course_id = an_open_course()
        with nothing_changed():
            response = client.post(at(course_id, "archive"))
        assert errors(response) == {"__all__": ["A course that is open cannot become archived."]}

    def test_say_what_archiving_will_do_before_it_does(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(waiting=2)
        client.post(at(course_id, "close"))
        shown = text(client.get(at(course_id, "archive")))
        assert "This cannot be undone. 1 learner keeps the seat. 2 people who wait lose their places in line." in shown
        response = client.post(at(course_id, "archive"))
        assert messages(response)[-1].endswith("Those who wait are being told that it is over.")
        assert [name for name, _ in jobs.waiting()] == ["enrollments.expire_waitlist"]

    def test_say_that_the_line_moves(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        client.post(at(course_id, "close"))
        change(course_id, capacity=2)
        response = client.post(at(course_id, "open"))
        assert messages(response)[-1] == "The course is open. Free seats are being given to those who wait."


class TestEdit:
    def test_changes_what_was_changed_and_nothing_else(self, client: StaffClient) -> None:
        course_id = a_draft(title="Knots", description="One\nTwo", instructor="Ada")
        form = client.get(at(course_id, "edit"))
        sent = filled(form, title="Better knots", description="One\r\nTwo")
        with recording() as recorded:
            response = client.post(at(course_id, "edit"), sent)
        assert messages(response) == ["The course was changed."]
        (event,) = recorded
        assert event.data["changed"] == ["title"]
        course = Course.objects.get(pk=course_id)
        assert (course.title, course.description, course.instructor) == ("Better knots", "One\nTwo", "Ada")

    def test_records_nothing_when_nothing_was_changed(self, client: StaffClient) -> None:
        course_id = a_draft(description="One\nTwo", enrollment_opens_at=clock.now())
        for step in ("edit", "admission"):
            sent = filled(client.get(at(course_id, step)))
            with nothing_changed():
                response = client.post(at(course_id, step), sent)
            assert messages(response)[-1] == "Nothing was to be changed."

    def test_does_not_let_two_editors_overwrite_each_other(self, client: StaffClient) -> None:
        course_id = a_draft(title="Knots", summary="Old")
        mine = filled(client.get(at(course_id, "edit")), title="Mine", summary="Old")
        change(course_id, title="Theirs")
        with nothing_changed():
            refused = client.post(at(course_id, "edit"), mine)
        assert errors(refused)["title"] == ["Now: Theirs"]
        assert set(errors(refused)) == {"__all__", "title"}
        again = filled(refused)
        assert again["title"] == "Mine"
        client.post(at(course_id, "edit"), again)
        assert Course.objects.get(pk=course_id).title == "Mine"

    def test_shows_a_used_slug_at_its_field(self, client: StaffClient) -> None:
        a_draft(slug="taken")
        course_id = a_draft()
        sent = filled(client.get(at(course_id, "edit")), slug="taken")
        with nothing_changed():
            assert list(errors(client.post(at(course_id, "edit"), sent))) == ["slug"]
            assert list(errors(client.post(at(course_id, "edit"), {**sent, "slug": "Not A Slug"}))) == ["slug"]
            assert list(errors(client.post(at(course_id, "edit"), {**sent, "slug": "fine", "title": ""}))) == ["title"]


class TestAdmission:
    def test_shows_at_the_capacity_that_more_seats_are_taken(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(capacity=2, waiting=1)
        form = client.get(at(course_id, "admission"))
        assert "2 seats are taken, 1 person waits." in text(form)
        with nothing_changed():
            refused = client.post(at(course_id, "admission"), filled(form, capacity="1"))
        assert errors(refused) == {"capacity": ["2 seats are taken, so the capacity cannot be 1."]}

    def test_shows_at_the_window_that_it_is_none(self, client: StaffClient) -> None:
        course_id = a_draft()
        window = {"enrollment_opens_at": "2030-01-02T00:00", "enrollment_closes_at": "2030-01-01T00:00"}
        with nothing_changed():
            refused = client.post(at(course_id, "admission"), filled(client.get(at(course_id, "admission")), **window))
        assert list(errors(refused)) == ["enrollment_closes_at"]

    def test_lets_the_line_move_when_there_are_more_seats(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        response = client.post(at(course_id, "admission"), filled(client.get(at(course_id, "admission")), capacity="5"))
        assert messages(response) == ["The course was changed. Free seats are being given to those who wait."]
        assert [name for name, _ in jobs.waiting()] == ["enrollments.promote_waitlist"]
        assert places_of(course_id).capacity == 5

    def test_takes_the_limit_away_with_the_number(self, client: StaffClient) -> None:
        course_id = a_draft(capacity=3, waitlist_enabled=True)
        sent = filled(client.get(at(course_id, "admission")), capacity="")
        sent.pop("waitlist_enabled")
        client.post(at(course_id, "admission"), {**sent, "enrollment_opens_at": "2030-01-02T08:30"})
        places = places_of(course_id)
        assert (places.capacity, places.waitlist_enabled) == (None, False)
        assert f"{places.enrollment_opens_at:%Y-%m-%d %H:%M %Z}" == "2030-01-02 08:30 UTC"


class TestNew:
    def test_makes_a_draft(self, client: StaffClient) -> None:
        sent = {"title": "Knots and Bends", "capacity": "12", "waitlist_enabled": "on", "enrollment_opens_at": ""}
        response = client.post(address("courses_course_new"), sent)
        course = Course.objects.select_related("places").get()
        assert response["Location"] == at(course.pk)
        assert (course.slug, course.places.status, course.places.capacity) == ("knots-and-bends", "draft", 12)
        assert Event.objects.get(type="course.created").actor == usr(client.person.pk)

    def test_shows_what_is_wrong(self, client: StaffClient) -> None:
        a_draft(slug="taken")
        for sent, field in (
            ({}, "title"),
            ({"title": "Knots", "slug": "taken"}, "slug"),
            ({"title": "Knots", "capacity": "-1"}, "capacity"),
            ({"title": "Knots\0"}, "title"),
        ):
            with nothing_changed():
                assert list(errors(client.post(address("courses_course_new"), sent))) == [field]

    def test_is_offered_to_who_may_add_courses(self) -> None:
        assert "New course" in text(StaffClient(staff_member()).get(LIST))
        assert "New course" not in text(StaffClient(a_viewer("courses.view_course")).get(LIST))
