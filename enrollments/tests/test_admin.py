from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse

from common import ids
from common.models import Event
from common.tests.factories import SYSTEM, a_learner, a_person, usr
from common.tests.recorded import recording
from common.tests.staff import REQUEST_ID, StaffClient, a_viewer, address, errors, messages, text
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_open_course, archive, close, crs, seats_and_line
from enrollments import rules, services
from enrollments.admin import EnrollmentAdmin
from enrollments.models import Enrollment
from enrollments.tests.factories import (
    a_full_course,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    line,
    revoke,
    row_of,
    status_of,
    withdraw,
    wle,
)
from enrollments.types import Status

pytestmark = pytest.mark.django_db

LIST = "/admin/enrollments/enrollment/"
WAITLIST = "/admin/enrollments/placeinline/"


@pytest.fixture
def client() -> StaffClient:
    return StaffClient()


def listed(client: StaffClient, path: str = LIST, **query: str) -> list[UUID]:
    response = client.get(path, query)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


def at(row_id: UUID, step: str = "change") -> str:
    return address(f"enrollments_enrollment_{step}", row_id)


def a_row_in(status: Status) -> UUID:
    """The id of a row in this state, reached as the system reaches it."""
    course_id, (seated,), (waiting, _) = a_full_course(waiting=2)
    waiting_id = row_of(course_id, waiting)
    match status:
        case Status.WAITING:
            return waiting_id
        case Status.LEFT:
            withdraw(course_id, waiting)
            return waiting_id
        case Status.EXPIRED:
            close(course_id)
            archive(course_id)
            services.expire_waitlist(course_id=course_id, actor=SYSTEM)
            return waiting_id
    row_id = row_of(course_id, seated)
    match status:
        case Status.COMPLETED:
            complete(row_id)
        case Status.REVOKED:
            revoke(row_id)
        case Status.WITHDRAWN:
            withdraw(course_id, seated)
    return row_id


class TestList:
    def test_shows_who_is_where_since_when_and_how(self, client: StaffClient) -> None:
        course_id = an_open_course(title="Knots")
        an_enrollment(course_id, a_learner(display_name="Ada", email="ada@example.org"))
        assert "Ada ada@example.org Knots active self" in text(client.get(LIST))

    def test_filters_by_status_and_source(self, client: StaffClient) -> None:
        course_id, (seated,), (waiting,) = a_full_course(waiting=1)
        assert listed(client, status="waiting") == [row_of(course_id, waiting)]
        withdraw(course_id, seated)
        assert listed(client, status="withdrawn") == [row_of(course_id, seated)]
        assert listed(client, status="active", source="waitlist") == [row_of(course_id, waiting)]
        assert listed(client, source="staff") == []
        assert listed(client, status="bogus") == []

    def test_filters_by_course_without_listing_all_courses(self, client: StaffClient) -> None:
        course_id, other = an_open_course(title="Knots"), an_open_course(title="Bread and butter")
        mine = an_enrollment(course_id).id
        an_enrollment(other)
        assert listed(client, course=crs(course_id)) == listed(client, course=str(course_id)) == [mine]
        assert listed(client, course="nonsense") == []
        page = client.get(LIST, {"course": crs(course_id), "status": "active", "q": crs(course_id)})
        options = page.content.decode()
        options = options[options.index("filter-autocomplete") : options.index("</select>")]
        assert "Knots" in options
        assert "Bread" not in options
        assert '<input type="hidden" name="status" value="active">' in options
        assert f'<input type="hidden" name="q" value="{crs(course_id)}">' in options

    def test_finds_courses_to_filter_by_as_they_are_typed(self, client: StaffClient) -> None:
        an_open_course(title="Knots for sailors")
        an_open_course(title="Bread")
        asked = {"app_label": "enrollments", "model_name": "enrollment", "field_name": "course", "term": "sail"}
        found = client.get(address("autocomplete"), asked).json()
        assert [each["text"] for each in found["results"]] == ["Knots for sailors"]
        assert (
            StaffClient(a_viewer("enrollments.view_enrollment")).get(address("autocomplete"), asked).status_code == 403
        )

    def test_is_searched_by_whole_emails_and_ids(self, client: StaffClient) -> None:
        course_id = an_open_course()
        learner = a_learner(email="Ada@example.org")
        mine = an_enrollment(course_id, learner).id
        other = an_enrollment(course_id).id
        for query in ("ada@EXAMPLE.org", f" {usr(learner)} ", enr(mine), wle(mine)):
            assert listed(client, q=query) == [mine]
        assert listed(client, q=crs(course_id)) == [other, mine]
        for query in ("ada", "example.org", "enr_nonsense", "%"):
            assert listed(client, q=query) == []

    @pytest.mark.parametrize("query", [{}, {"status": "active"}])
    def test_begins_with_the_newest(self, client: StaffClient, query: dict[str, str]) -> None:
        course_id = an_open_course()
        first, second = an_enrollment(course_id).id, an_enrollment(course_id).id
        assert listed(client, **query) == [second, first]


class TestPage:
    @pytest.mark.parametrize("status", Status)
    def test_offers_the_steps_that_the_rules_allow(self, client: StaffClient, status: Status) -> None:
        row_id = a_row_in(status)
        page = client.get(at(row_id)).content.decode()
        possible = rules.TRANSITIONS[status]
        assert (at(row_id, "complete") in page) == (Status.COMPLETED in possible)
        assert (at(row_id, "revoke") in page) == (Status.REVOKED in possible)
        assert (at(row_id, "withdraw") in page) == bool({Status.WITHDRAWN, Status.LEFT} & possible)

    def test_shows_the_place_in_line_and_what_happened(self, client: StaffClient) -> None:
        course_id, (seated,), _ = a_full_course(waiting=1)
        ada = a_person(display_name="Ada")
        row_id = a_place_in_line(course_id, ada.pk).id
        assert "position 2, number 2" in text(client.get(at(row_id)))
        withdraw(course_id, seated)
        assert "position 1, number 2" in text(client.get(at(row_id)))
        client.post(at(row_id, "withdraw"), {"seen": "waiting"})
        page = client.get(at(row_id))
        assert "position —, number 2" in text(page)
        assert [entry.type for entry in page.context["timeline"]] == ["waitlist.left", "waitlist.joined"]
        assert "Ada was taken off the waitlist" in text(page)
        assert f"by {client.person.display_name} , request {REQUEST_ID}" in text(page)

    def test_is_named_as_what_it_is(self, client: StaffClient) -> None:
        waiting, active = a_row_in(Status.WAITING), a_row_in(Status.ACTIVE)
        assert wle(waiting) in text(client.get(at(waiting)))
        assert enr(active) in text(client.get(at(active)))

    def test_is_where_a_place_in_line_leads(self, client: StaffClient) -> None:
        row_id = a_row_in(Status.WAITING)
        assert f'href="{at(row_id)}"' in client.get(WAITLIST).content.decode()
        assert client.get(address("enrollments_placeinline_change", row_id))["Location"] == at(row_id)

    def test_of_a_person_leads_to_their_enrollments(self, client: StaffClient) -> None:
        learner = a_learner()
        expected = f"{LIST}?q={usr(learner)}"
        for viewer in (client, StaffClient(a_person(is_staff=True, is_superuser=True))):
            assert f'href="{expected}"' in viewer.get(address("common_user_change", learner)).content.decode()


class TestSteps:
    def test_complete(self, client: StaffClient) -> None:
        row_id = a_row_in(Status.ACTIVE)
        with recording() as events:
            response = client.post(at(row_id, "complete"), {"reason": " Passed. "})
        assert response["Location"] == at(row_id)
        (event,) = events
        assert (event.type, event.actor, event.request_id) == (
            "enrollment.completed",
            usr(client.person.pk),
            REQUEST_ID,
        )
        assert event.data["reason"] == "Passed."
        assert Enrollment.objects.get(pk=row_id).status == "completed"

    def test_revoke_wants_a_reason(self, client: StaffClient) -> None:
        row_id = a_row_in(Status.ACTIVE)
        for reason in ("", "  ", "x" * 501, "\0"):
            with nothing_changed():
                assert list(errors(client.post(at(row_id, "revoke"), {"reason": reason}))) == ["reason"]

    def test_revoke_gives_the_seat_to_the_head_of_the_line(self, client: StaffClient) -> None:
        course_id, (seated,), (first, second) = a_full_course(waiting=2)
        row_id = row_of(course_id, seated)
        assert "2 people wait: if the course is open, the first of them" in text(client.get(at(row_id, "revoke")))
        response = client.post(at(row_id, "revoke"), {"reason": "Never came."})
        assert messages(response) == ["The enrollment is revoked. Its seat went to the head of the waitlist."]
        assert [status_of(course_id, each) for each in (seated, first, second)] == ["revoked", "active", "waiting"]
        assert Event.objects.get(type="enrollment.revoked").data["reason"] == "Never came."

    @pytest.mark.parametrize("step", ["complete", "revoke"])
    def test_show_why_they_were_refused(self, client: StaffClient, step: str) -> None:
        row_id = a_row_in(Status.WITHDRAWN)
        with nothing_changed():
            refused = client.post(at(row_id, step), {"reason": "x"})
        (said,) = errors(refused)["__all__"]
        assert said.startswith("An enrollment that is withdrawn cannot become")

    def test_withdraw_takes_out_of_the_course(self, client: StaffClient) -> None:
        course_id, (seated,), (waiting,) = a_full_course(waiting=1)
        form = client.get(at(row_of(course_id, seated), "withdraw"))
        assert form.context["form"]["seen"].value() == "active"
        response = client.post(at(row_of(course_id, seated), "withdraw"), {"seen": "active"})
        assert messages(response)[0].endswith(" is withdrawn.")
        assert (status_of(course_id, seated), status_of(course_id, waiting)) == ("withdrawn", "active")
        assert Event.objects.get(type="enrollment.withdrawn").actor == usr(client.person.pk)

    def test_withdraw_takes_off_the_waitlist(self, client: StaffClient) -> None:
        course_id, _, (_, second) = a_full_course(waiting=2)
        row_id = row_of(course_id, second)
        assert "loses position 2 in line." in text(client.get(at(row_id, "withdraw")))
        response = client.post(at(row_id, "withdraw"), {"seen": "waiting"})
        assert messages(response)[0].endswith(" is off the waitlist.")
        assert seats_and_line(course_id) == (1, 1)

    def test_withdraw_does_nothing_to_who_got_a_seat_meanwhile(self, client: StaffClient) -> None:
        course_id, (seated,), (waiting,) = a_full_course(waiting=1)
        row_id = row_of(course_id, waiting)
        withdraw(course_id, seated)
        with nothing_changed():
            refused = client.post(at(row_id, "withdraw"), {"seen": "waiting"})
        (said,) = errors(refused)["__all__"]
        assert said.endswith("it has changed and is active now.")
        assert refused.context["form"]["seen"].value() == "active"

    def test_withdraw_on_an_old_page_does_nothing_to_a_new_enrollment(self, client: StaffClient) -> None:
        course_id, learner = an_open_course(), a_learner()
        old = an_enrollment(course_id, learner).id
        withdraw(course_id, learner)
        an_enrollment(course_id, learner)
        with nothing_changed():
            assert errors(client.post(at(old, "withdraw"), {"seen": "active"}))
            assert errors(client.post(at(old, "withdraw"), {"seen": "withdrawn"}))

    def test_withdraw_leaves_the_completed(self, client: StaffClient) -> None:
        row_id = a_row_in(Status.COMPLETED)
        with nothing_changed():
            refused = client.post(at(row_id, "withdraw"), {"seen": "completed"})
        assert "keeps its seat" in errors(refused)["__all__"][0]


class TestEnroll:
    def enroll(self, client: StaffClient, course_id: UUID, email: str) -> HttpResponse:
        return client.post(address("enrollments_enrollment_enroll"), {"course": str(course_id), "email": email})

    def test_gives_a_seat(self, client: StaffClient) -> None:
        course_id = an_open_course(title="Knots")
        learner = a_person(email="Ada@example.org", display_name="Ada")
        response = self.enroll(client, course_id, "ada@example.ORG")
        row = Enrollment.objects.get()
        assert response["Location"] == at(row.pk)
        assert messages(response) == ["Ada is enrolled in Knots."]
        assert (row.learner_id, row.status, row.source) == (learner.pk, "active", "staff")
        assert Event.objects.get(type="enrollment.created").actor == usr(client.person.pk)

    def test_gives_a_place_in_line_and_says_so(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(waiting=1, title="Knots")
        a_person(email="ada@example.org", display_name="Ada")
        response = self.enroll(client, course_id, "ada@example.org")
        assert messages(response) == ["Knots is full: Ada waits at position 2."]
        assert len(line(course_id)) == 2

    def test_starts_with_the_course_that_it_comes_from(self, client: StaffClient) -> None:
        course_id = an_open_course(title="Knots")
        page = client.get(address("enrollments_enrollment_enroll"), {"course": crs(course_id)})
        assert f'<option value="{course_id}" selected>Knots</option>' in page.content.decode()

    def test_shows_why_it_was_refused(self, client: StaffClient) -> None:
        learner = a_person(email="ada@example.org")
        open_course = an_open_course()
        an_enrollment(open_course, learner.pk)
        full, _, _ = a_full_course(waitlist_enabled=False)
        for course_id, email, field, said in (
            (open_course, "ada@example.org", "__all__", "The learner is enrolled in this course already."),
            (full, "ada@example.org", "__all__", "All 1 seats of this course are taken and it keeps no waitlist."),
            (a_closed_course(), "ada@example.org", "__all__", "This course takes nobody now: it is closed."),
            (a_draft(), "ada@example.org", "__all__", "There is no course with this id."),
            (open_course, "nobody@example.org", "email", "Nobody has an account with this email."),
            (ids.new_uuid(), "ada@example.org", "course", "Select a valid choice."),
        ):
            with nothing_changed():
                assert errors(self.enroll(client, course_id, email))[field][0].startswith(said)


class TestManyAtOnce:
    def send(self, client: StaffClient, action: str, rows: list[UUID], **sent: Any) -> HttpResponse:
        return client.post(LIST, {"action": action, "index": "0", ACTION_CHECKBOX_NAME: rows, **sent})

    def test_asks_first_and_names_each(self, client: StaffClient) -> None:
        course_id = an_open_course(title="Knots")
        rows = [an_enrollment(course_id, a_learner(display_name=name)).id for name in ("Ada", "Grace")]
        with nothing_changed():
            page = self.send(client, "revoke_selected", rows)
            assert "2 enrollments" in text(page)
            assert "Ada in Knots" in text(page)
            assert "Grace in Knots" in text(page)
            assert all(f'value="{row}"' in page.content.decode() for row in rows)
            assert "reason" in errors(self.send(client, "revoke_selected", rows, confirmed="yes", reason=""))

    def test_does_each_and_says_what_was_refused(self, client: StaffClient) -> None:
        rows = [a_row_in(status) for status in (Status.ACTIVE, Status.ACTIVE, Status.WITHDRAWN, Status.WAITING)]
        with recording() as events:
            response = self.send(client, "complete_selected", rows, confirmed="yes", reason="The course is over.")
        (said,) = messages(response)
        first, *lines = said.split("<br>")
        assert first == "2 completed."
        assert sorted(each.split(")")[0] for each in lines) == [
            "1 not: An enrollment that is withdrawn cannot become completed. (invalid_transition",
            "1 not: There is no enrollment with this id. (enrollment_not_found",
        ]
        assert [(event.type, event.data["reason"]) for event in events] == [
            ("enrollment.completed", "The course is over.")
        ] * 2

    def test_gives_freed_seats_to_those_who_wait(self, client: StaffClient) -> None:
        course_id, seated, waiting = a_full_course(capacity=2, waiting=3)
        rows = [row_of(course_id, each) for each in seated]
        self.send(client, "revoke_selected", rows, confirmed="yes", reason="No.")
        assert [status_of(course_id, each) for each in waiting] == ["active", "active", "waiting"]

    def test_takes_at_most_so_many(self, client: StaffClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("common.admin.bulk.MOST_ROWS", 2)
        course_id = an_open_course()
        rows = [an_enrollment(course_id).id for _ in range(3)]
        with nothing_changed():
            response = self.send(client, "complete_selected", rows, confirmed="yes")
        assert messages(response) == ["At most 2 at once."]

    def test_never_takes_the_rows_of_all_pages(self, client: StaffClient) -> None:
        row = a_row_in(Status.ACTIVE)
        with nothing_changed():
            response = self.send(client, "complete_selected", [row], confirmed="yes", select_across="1")
        assert "one by one" in messages(response)[0]
        assert "across all pages" not in client.get(LIST).content.decode()

    def test_takes_no_nonsense(self, client: StaffClient) -> None:
        a_row_in(Status.ACTIVE)
        sent = {"action": "complete_selected", "index": "0", ACTION_CHECKBOX_NAME: "nonsense"}
        with nothing_changed():
            assert client.post(LIST, sent).status_code == 400

    def test_is_offered_to_who_may_change_enrollments(self) -> None:
        a_row_in(Status.ACTIVE)
        assert len(EnrollmentAdmin.actions) == 2
        assert "complete_selected" in StaffClient().get(LIST).content.decode()
        viewer = StaffClient(a_viewer("enrollments.view_enrollment"))
        assert "complete_selected" not in viewer.get(LIST).content.decode()


class TestWaitlist:
    def test_is_in_queue_order_with_positions(self, client: StaffClient) -> None:
        course_id, _, (first, second, third) = a_full_course(waiting=3)
        _, _, (elsewhere,) = a_full_course(waiting=1)
        withdraw(course_id, first)
        rows = client.get(WAITLIST, {"course": crs(course_id)}).context["cl"].result_list
        assert [(row.learner_id, row.position) for row in rows] == [(second, 1), (third, 2)]
        everybody = client.get(WAITLIST).context["cl"].result_list
        assert [(row.learner_id, row.position) for row in everybody] == [(second, 1), (third, 2), (elsewhere, 1)]
        found = client.get(WAITLIST, {"q": usr(third)}).context["cl"].result_list
        assert [(row.learner_id, row.position) for row in found] == [(third, 2)]

    def test_holds_only_those_who_wait(self, client: StaffClient) -> None:
        for status in set(Status) - {Status.WAITING}:
            row_id = a_row_in(status)
            assert row_id not in listed(client, WAITLIST)

    def test_shows_who_waits_for_a_closed_course_too(self, client: StaffClient) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        close(course_id)
        assert len(listed(client, WAITLIST, course=crs(course_id))) == 1
