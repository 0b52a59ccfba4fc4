"""The event feed over HTTP: everything that happens, once, in commit order."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.core import signing

from common import jobs
from common.tests.factories import ApiClient, a_person, client_of, staff_member, usr
from common.tests.problems import parameters, refused
from common.tests.races import holding
from courses.tests.factories import a_draft, an_open_course, crs
from enrollments.tests.factories import a_full_course

MEMBERS = {
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "data",
    "actor",
    "requestid",
}
# The contract's list, by hand.
TYPES = """
    course.created course.updated course.opened course.closed course.archived
    enrollment.created enrollment.withdrawn enrollment.completed enrollment.revoked enrollment.repaired
    waitlist.joined waitlist.left waitlist.promoted waitlist.expired
    review.created review.updated review.retracted review.reported review.held review.approved review.hidden
    import.completed
"""


def reader(**headers: str) -> ApiClient:
    """The analytics pipeline."""
    return client_of(a_person(permissions=("common.view_event",)), **headers)


def feed(client: ApiClient, **query: Any) -> dict[str, Any]:
    response = client.get("events", query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def types(body: dict[str, Any]) -> list[str]:
    return [event["type"] for event in body["data"]]


@pytest.mark.django_db
class TestAccess:
    def test_needs_the_permission(self) -> None:
        refused(client_of().get("events"), 401, "unauthenticated")
        for person in (a_person(), staff_member(), a_person(groups=("Moderators",))):
            refused(client_of(person).get("events"), 403, "permission_denied")
        assert reader().get("events").status_code == 200
        assert client_of(a_person(is_superuser=True)).get("events").status_code == 200

    @pytest.mark.parametrize(
        "query", ["cursor=x", "type=nope", "type=", "limit=0", "limit=101", "after=%00", "sort=newest"]
    )
    def test_is_strict(self, query: str) -> None:
        assert parameters(reader().get(f"events?{query}")) == {query.partition("=")[0]}


@pytest.mark.django_db
class TestEvents:
    def test_are_cloudevents(self) -> None:
        staff = staff_member()
        course = client_of(staff, X_Request_ID="create-1").post("courses", {"title": "Knots"}).json()
        (event,) = feed(reader())["data"]
        assert set(event) == MEMBERS
        assert re.fullmatch(r"evt_[0-7][0-9a-hjkmnp-tv-z]{25}", event["id"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["time"])
        assert {name: event[name] for name in MEMBERS - {"id", "time"}} == {
            "specversion": "1.0",
            "source": settings.EVENT_SOURCE,
            "type": "course.created",
            "subject": course["id"],
            "datacontenttype": "application/json",
            "data": {"course_id": course["id"], "slug": "knots", "title": "Knots"},
            "actor": usr(staff.pk),
            "requestid": "create-1",
        }

    def test_tell_everything_that_happens_in_order(self) -> None:
        staff, people = client_of(staff_member()), [a_person() for _ in range(4)]
        course = staff.post("courses", {"title": "Knots", "capacity": 1, "waitlist_enabled": True}).json()["id"]
        staff.post(f"courses/{course}/open")
        enrolled = [client_of(person).post(f"courses/{course}/enrollments").json() for person in people]
        client_of(people[0]).delete(f"courses/{course}/enrollments/me")
        client_of(people[3]).delete(f"courses/{course}/enrollments/me")
        staff.patch(f"courses/{course}", {"capacity": 2}, content_type="application/json")
        jobs.run_pending()
        roster = staff.get(f"courses/{course}/enrollments?status=active").json()["data"]
        staff.post(f"enrollments/{roster[1]['id']}/complete")
        client_of(people[0]).post(f"courses/{course}/enrollments")
        staff.post(f"courses/{course}/close")
        staff.post(f"enrollments/{roster[0]['id']}/revoke")
        staff.post(f"courses/{course}/archive")
        jobs.run_pending()
        body = feed(reader(), limit=100)
        assert types(body) == [
            "course.created",
            "course.opened",
            "enrollment.created",
            "waitlist.joined",
            "waitlist.joined",
            "waitlist.joined",
            "enrollment.withdrawn",
            "waitlist.promoted",
            "waitlist.left",
            "course.updated",
            "waitlist.promoted",
            "enrollment.completed",
            "waitlist.joined",
            "course.closed",
            "enrollment.revoked",
            "course.archived",
            "waitlist.expired",
        ]
        assert {event["data"]["course_id"] for event in body["data"]} == {course}
        assert body["data"][2]["subject"] == enrolled[0]["enrollment"]["id"]
        assert body["data"][3]["subject"] == enrolled[1]["waitlist_entry"]["id"]
        assert len({event["id"] for event in body["data"]}) == len(body["data"])

    def test_say_who_was_the_cause_also_in_what_follows_later(self) -> None:
        staff = staff_member()
        course_id, _, _ = a_full_course(waiting=1)
        client_of(staff, X_Request_ID="grow-1").patch(
            f"courses/{crs(course_id)}", {"capacity": 2}, content_type="application/json"
        )
        jobs.run_pending()
        updated, promoted = feed(reader(), limit=100)["data"][-2:]
        assert (updated["actor"], promoted["actor"]) == (usr(staff.pk), "system:waitlist-promotion")
        assert updated["requestid"] == promoted["requestid"] == "grow-1"

    def test_come_from_nothing_that_was_refused(self) -> None:
        course = crs(an_open_course(capacity=0))
        client = reader()
        before = feed(client)["data"]
        client_of(a_person()).post(f"courses/{course}/enrollments")
        client_of(staff_member()).post(f"courses/{course}/open")
        client_of(staff_member()).post("courses", {"title": ""})
        assert feed(client)["data"] == before


@pytest.mark.django_db
class TestCursor:
    def test_is_always_there_and_leads_on(self) -> None:
        client = reader()
        empty = feed(client)
        assert (empty["data"], empty["page"]["has_more"]) == ([], False)
        assert empty["page"]["next_cursor"]
        for _ in range(3):
            a_draft()
        first = feed(client, after=empty["page"]["next_cursor"], limit=2)
        second = feed(client, after=first["page"]["next_cursor"], limit=2)
        third = feed(client, after=second["page"]["next_cursor"], limit=2)
        assert [len(page["data"]) for page in (first, second, third)] == [2, 1, 0]
        assert [page["page"]["has_more"] for page in (first, second, third)] == [True, False, False]
        a_draft(title="Bends")
        (event,) = feed(client, after=third["page"]["next_cursor"])["data"]
        assert event["data"]["title"] == "Bends"

    def test_never_expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        analyst = a_person(permissions=("common.view_event",))
        then = signing.time.time() - 400 * 86_400
        with monkeypatch.context() as past:
            past.setattr(signing.time, "time", lambda: then)
            cursor = feed(client_of(analyst))["page"]["next_cursor"]
        a_draft()
        assert types(feed(client_of(analyst), after=cursor)) == ["course.created"]

    def test_is_bound_to_its_filter_and_its_reader(self) -> None:
        a_draft()
        client = reader()
        cursor = feed(client)["page"]["next_cursor"]
        refused(client.get("events", {"after": cursor, "type": "course.created"}), 400, "invalid_cursor")
        refused(reader().get("events", {"after": cursor}), 400, "invalid_cursor")
        refused(client.get("courses", {"cursor": cursor}), 400, "invalid_cursor")
        refused(client.get("events", {"after": cursor[:-1]}), 400, "invalid_cursor")
        refused(client.get("events", {"after": ""}), 400, "invalid_cursor")

    def test_may_be_asked_for_by_every_type_there_is(self) -> None:
        client = reader()
        for kind in TYPES.split():
            assert feed(client, type=kind)["data"] == []

    def test_works_with_a_filter(self) -> None:
        for _ in range(3):
            an_open_course()
        client = reader()
        first = feed(client, type="course.opened", limit=2)
        second = feed(client, type="course.opened", limit=2, after=first["page"]["next_cursor"])
        assert types(first) + types(second) == ["course.opened"] * 3
        assert len({event["id"] for event in first["data"] + second["data"]}) == 3


@pytest.mark.django_db(transaction=True)
class TestCommitOrder:
    def test_lets_no_reader_overtake_what_is_not_committed_yet(self) -> None:
        client = reader()
        start = feed(client)["page"]["next_cursor"]
        with holding(lambda: a_draft(title="slow")) as slow:
            a_draft(title="fast")
            page = feed(client, after=start)
            assert [event["data"]["title"] for event in page["data"]] == ["fast"]
            slow.commit()
            slow.result()
        page = feed(client, after=page["page"]["next_cursor"])
        assert [event["data"]["title"] for event in page["data"]] == ["slow"]
        assert feed(client, after=page["page"]["next_cursor"])["data"] == []
        assert [event["data"]["title"] for event in feed(client, after=start)["data"]] == ["fast", "slow"]
