"""Partners enroll their people: whom they mean, what they see, and what is not theirs."""

from typing import Any
from uuid import UUID

import pytest

from common.models import Event, User
from common.tests.factories import NOW, SYSTEM, ApiClient, a_person, client_of
from common.tests.problems import pointers, refused
from common.tests.races import wave
from common.tests.recorded import recording
from common.tests.unchanged import nothing_changed
from courses.tests.factories import a_closed_course, a_draft, an_open_course, archive, change, close, crs
from enrollments import services as enrollments
from enrollments.models import Enrollment as EnrollmentRow
from enrollments.models import PartnerLearner
from enrollments.tests.factories import (
    a_full_course,
    a_partner,
    a_place_in_line,
    an_enrollment,
    complete,
    enr,
    expire,
    partner_client,
    promote,
    ptn,
    revoke,
    status_of,
    withdraw,
    wle,
)

pytestmark = pytest.mark.django_db

ADA = {"external_id": "e-1", "email": "ada@example.org", "name": "Ada"}
BEN = {"external_id": "e-2", "email": "ben@example.org", "name": "Ben"}


def bring(client: ApiClient, course_id: UUID, learner: dict[str, str] = ADA, **changes: Any) -> Any:
    return client.post("partner/enrollments", {"course_id": crs(course_id), "learner": {**learner, **changes}})


def brought(client: ApiClient, course_id: UUID, learner: dict[str, str] = ADA) -> str:
    """The reference of what bringing this learner came to."""
    response = bring(client, course_id, learner)
    assert response.status_code in {201, 202}, response.content
    return str(response.json()["reference"])


def listed(client: ApiClient, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("partner/enrollments", query).json()["data"]
    return rows


def person(email: str) -> User:
    return User.objects.get(email__iexact=email)


class TestEnrolling:
    def test_gives_a_seat_and_an_account_without_a_password(self) -> None:
        course_id = an_open_course()
        response = bring(partner_client(), course_id)
        row = EnrollmentRow.objects.get()
        assert (response.status_code, response.json()) == (
            201,
            {
                "result": "enrolled",
                "reference": enr(row.pk),
                "course_id": crs(course_id),
                "external_id": "e-1",
                "waitlist_position": None,
            },
        )
        ada = person("ada@example.org")
        assert (row.learner_id, row.source, ada.display_name) == (ada.pk, "partner", "Ada")
        assert ada.is_active
        assert not ada.has_usable_password()

    def test_gives_a_place_in_line_whose_reference_stays_when_the_seat_comes(self) -> None:
        course_id, _, _ = a_full_course(waiting=2)
        client = partner_client()
        response = bring(client, course_id)
        assert response.status_code == 202
        body = response.json()
        assert (body["result"], body["waitlist_position"]) == ("waitlisted", 3)
        change(course_id, capacity=9)
        promote(course_id)
        [row] = listed(client)
        assert (row["reference"], row["status"], row["waitlist_position"]) == (body["reference"], "enrolled", None)

    @pytest.mark.parametrize(
        ("scene", "status", "code"),
        [
            (a_closed_course, 409, "course_closed"),
            (lambda: an_open_course(capacity=0), 409, "course_full"),
            (a_draft, 404, "course_not_found"),
        ],
    )
    def test_is_refused_as_for_everybody_and_makes_nobody(self, scene: Any, status: int, code: str) -> None:
        client, course_id = partner_client(), scene()
        bring(client, an_open_course(), BEN)
        with nothing_changed():
            refused(bring(client, course_id), status, code)

    def test_twice_is_refused_with_what_exists(self) -> None:
        client, course_id = partner_client(), an_open_course()
        reference = brought(client, course_id)
        with nothing_changed():
            assert refused(bring(client, course_id), 409, "already_enrolled")["enrollment_id"] == reference

    def test_is_refused_for_who_waits_without_the_partner(self) -> None:
        course_id, _, _ = a_full_course()
        ada = a_person(email="ada@example.org")
        entry = a_place_in_line(course_id, ada.pk)
        client = partner_client()
        brought(client, an_open_course(), BEN)
        with nothing_changed():
            body = refused(bring(client, course_id), 409, "already_waitlisted")
        assert body["waitlist_entry_id"] == wle(entry.id)

    def test_happens_once_for_one_idempotency_key(self) -> None:
        course_id = an_open_course()
        partner_id = a_partner()
        keyed = partner_client(partner_id, Idempotency_Key="k")
        first = bring(keyed, course_id)
        with nothing_changed():
            again = bring(keyed, course_id)
        assert (again.status_code, again.content) == (201, first.content)
        assert again["Idempotency-Replayed"] == "true"
        refused(bring(keyed, course_id, BEN), 422, "idempotency_key_reused")

    def test_under_another_partners_idempotency_key_is_another_request(self) -> None:
        first = bring(partner_client(Idempotency_Key="k"), an_open_course())
        second = bring(partner_client(Idempotency_Key="k"), an_open_course(), BEN)
        assert (first.status_code, second.status_code) == (201, 201)


class TestWhoIsMeant:
    def test_is_who_has_the_email_whatever_its_case(self) -> None:
        ada = a_person(email="Ada@Example.org", display_name="Countess")
        brought(partner_client(), an_open_course())
        assert EnrollmentRow.objects.get().learner_id == ada.pk
        ada.refresh_from_db()
        assert (ada.email, ada.display_name) == ("Ada@Example.org", "Countess")

    def test_stays_who_the_external_id_meant_at_first(self) -> None:
        client = partner_client()
        brought(client, an_open_course())
        other = a_person(email="other@example.org")
        bring(client, an_open_course(), email="other@example.org", name="Other")
        ada = person("ada@example.org")
        assert set(EnrollmentRow.objects.values_list("learner_id", flat=True)) == {ada.pk}
        assert ada.display_name == "Ada"
        assert User.objects.count() == 2
        assert other.pk != ada.pk

    def test_is_each_partners_own_matter(self) -> None:
        course_id = an_open_course()
        brought(partner_client(), course_id)
        brought(partner_client(), course_id, {**BEN, "external_id": "e-1"})
        assert PartnerLearner.objects.filter(external_id="e-1").count() == 2
        assert EnrollmentRow.objects.values("learner_id").distinct().count() == 2

    def test_may_have_two_external_ids_but_one_seat(self) -> None:
        client, course_id = partner_client(), an_open_course()
        brought(client, course_id)
        with nothing_changed():
            refused(bring(client, course_id, external_id="e-9"), 409, "already_enrolled")
        brought(client, an_open_course(), {**ADA, "external_id": "e-9"})
        assert User.objects.count() == 1


class TestBody:
    @pytest.mark.parametrize(
        ("body", "places"),
        [
            ({}, {"/course_id", "/learner"}),
            ({"course_id": "crs_x", "learner": "Ada"}, {"/learner"}),
            ({"course_id": "crs_x", "learner": None}, {"/learner"}),
            ({"course_id": "crs_x", "learner": {}}, {"/learner/external_id", "/learner/email", "/learner/name"}),
            ({"course_id": 5, "learner": ADA}, {"/course_id"}),
            ({"course_id": "crs_x", "learner": ADA, "x": 1}, {"/x"}),
            ({"course_id": "crs_x", "learner": {**ADA, "admin": True}}, {"/learner/admin"}),
            ({"course_id": "crs_x", "learner": {**ADA, "email": "ada"}}, {"/learner/email"}),
            ({"course_id": "crs_x", "learner": {**ADA, "external_id": " "}}, {"/learner/external_id"}),
            ({"course_id": "crs_x", "learner": {**ADA, "external_id": "x" * 101}}, {"/learner/external_id"}),
            ({"course_id": "crs_x", "learner": {**ADA, "name": "A\nB"}}, {"/learner/name"}),
            ({"course_id": "crs_x", "learner": {**ADA, "external_id": 1}}, {"/learner/external_id"}),
        ],
    )
    def test_is_checked_in_every_place(self, body: dict[str, Any], places: set[str]) -> None:
        client = partner_client()
        client.get("partner/enrollments")
        with nothing_changed():
            assert pointers(client.post("partner/enrollments", body)) == places

    @pytest.mark.parametrize("course", ["crs_x", "usr_01890a5dac96774bbcceb302099a8057", "x"])
    def test_with_an_id_of_no_course_is_not_found(self, course: str) -> None:
        response = partner_client().post("partner/enrollments", {"course_id": course, "learner": ADA})
        refused(response, 404, "course_not_found")


class TestList:
    def test_says_what_has_become_of_each_newest_first(self) -> None:
        client = partner_client()
        full, _, _ = a_full_course(waiting=1)
        over, _, _ = a_full_course()
        references = [brought(client, an_open_course(), {**ADA, "external_id": "e-9"}) for _ in range(4)]
        references += [brought(client, full), brought(client, over), brought(client, full, BEN)]
        rows = list(EnrollmentRow.objects.filter(partner__isnull=False).order_by("id"))
        complete(rows[1].pk)
        revoke(rows[2].pk)
        withdraw(rows[3].course_id, rows[3].learner_id)
        withdraw(full, rows[4].learner_id)
        close(over)
        archive(over)
        expire(over)
        found = listed(client)
        assert [row["reference"] for row in found] == references[::-1]
        assert [row["status"] for row in found] == [
            "waitlisted", "expired", "left_waitlist", "withdrawn", "revoked", "completed", "enrolled",
        ]  # fmt: skip
        assert [row["waitlist_position"] for row in found] == [2] + [None] * 6
        assert [row["external_id"] for row in found[:3]] == ["e-2", "e-1", "e-1"]

    def test_is_filtered(self) -> None:
        client, course_id, other = partner_client(), an_open_course(), an_open_course()
        brought(client, other)
        brought(client, course_id, BEN)
        reference = brought(client, course_id)
        assert [row["reference"] for row in listed(client, course_id=crs(course_id), external_id="e-1")] == [reference]
        assert len(listed(client, course_id=crs(course_id))) == len(listed(client, external_id="e-1")) == 2
        assert len(listed(client, status="enrolled")) == 3
        assert listed(client, status="waitlisted") == listed(client, external_id="e-3") == []
        refused(client.get("partner/enrollments", {"course_id": "crs_x"}), 404, "course_not_found")
        refused(client.get("partner/enrollments", {"status": "active"}), 400, "invalid_request")

    def test_is_walked_page_by_page(self) -> None:
        client = partner_client()
        references = [brought(client, an_open_course()) for _ in range(5)]
        seen: list[str] = []
        page = client.get("partner/enrollments", {"limit": 2}).json()
        while True:
            seen += [row["reference"] for row in page["data"]]
            if not page["page"]["has_more"]:
                break
            query = {"limit": 2, "cursor": page["page"]["next_cursor"]}
            page = client.get("partner/enrollments", query).json()
        assert seen == references[::-1]

    def test_costs_the_same_queries_for_one_row_and_for_many(self, django_assert_num_queries: Any) -> None:
        client = partner_client()
        full, _, _ = a_full_course()
        brought(client, full)
        listed(client)
        with django_assert_num_queries(3):
            assert len(listed(client)) == 1
        for number in range(9):
            learner = {**ADA, "external_id": str(number), "email": f"{number}@example.org"}
            brought(client, full if number % 2 else an_open_course(), learner)
        with django_assert_num_queries(3):
            assert len(listed(client)) == 10

    def test_takes_no_cursor_of_another_partner(self) -> None:
        client = partner_client()
        for _ in range(2):
            brought(client, an_open_course())
        cursor = client.get("partner/enrollments", {"limit": 1}).json()["page"]["next_cursor"]
        refused(partner_client().get("partner/enrollments", {"limit": 1, "cursor": cursor}), 400, "invalid_cursor")


class TestWithdrawing:
    def test_frees_the_seat_for_who_waits(self) -> None:
        client = partner_client()
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        reference = brought(client, course_id)
        waiting = a_place_in_line(course_id)
        response = client.delete(f"partner/enrollments/{reference}")
        assert (response.status_code, response.json()) == (200, {"result": "withdrawn", "reference": reference})
        assert status_of(course_id, waiting.learner_id) == "active"

    def test_leaves_the_line(self) -> None:
        client = partner_client()
        reference = brought(client, a_full_course()[0])
        assert client.delete(f"partner/enrollments/{reference}").json()["result"] == "left_waitlist"

    def test_is_possible_once(self) -> None:
        client = partner_client()
        reference = brought(client, an_open_course())
        client.delete(f"partner/enrollments/{reference}")
        with nothing_changed():
            refused(client.delete(f"partner/enrollments/{reference}"), 404, "enrollment_not_found")

    def test_of_what_is_completed_is_refused(self) -> None:
        client = partner_client()
        reference = brought(client, an_open_course())
        complete(EnrollmentRow.objects.get().pk)
        with nothing_changed():
            refused(client.delete(f"partner/enrollments/{reference}"), 409, "enrollment_completed")

    def test_never_touches_what_the_learner_has_without_the_partner(self) -> None:
        client, course_id = partner_client(), an_open_course()
        reference = brought(client, course_id)
        ada = person("ada@example.org")
        withdraw(course_id, ada.pk)
        own = an_enrollment(course_id, ada.pk)
        with nothing_changed():
            refused(client.delete(f"partner/enrollments/{reference}"), 404, "enrollment_not_found")
            refused(client.delete(f"partner/enrollments/{enr(own.id)}"), 404, "enrollment_not_found")
        assert [row["reference"] for row in listed(client)] == [reference]


class TestEvents:
    def test_of_what_came_through_a_partner_say_so_whoever_causes_them(self) -> None:
        partner_id = a_partner()
        client = partner_client(partner_id)
        course_id = an_open_course(capacity=1, waitlist_enabled=True)
        other, _, _ = a_full_course()
        with recording() as events:
            ada, ben = brought(client, course_id), brought(client, course_id, BEN)
            client.delete(f"partner/enrollments/{ada}")
            complete(EnrollmentRow.objects.get(status="active", course_id=course_id).pk)
            brought(client, other, BEN)
            client_of(person("ben@example.org")).delete(f"courses/{crs(other)}/enrollments/me")
        assert [(event.type, event.partner, event.data["external_id"]) for event in events] == [
            ("enrollment.created", ptn(partner_id), "e-1"),
            ("waitlist.joined", ptn(partner_id), "e-2"),
            ("enrollment.withdrawn", ptn(partner_id), "e-1"),
            ("waitlist.promoted", ptn(partner_id), "e-2"),
            ("enrollment.completed", ptn(partner_id), "e-2"),
            ("waitlist.joined", ptn(partner_id), "e-2"),
            ("waitlist.left", ptn(partner_id), "e-2"),
        ]
        assert events[0].actor == ptn(partner_id)
        assert [event.data["enrollment_id"] for event in events[:2]] == [ada, ben]

    def test_of_what_did_not_come_through_a_partner_do_not(self) -> None:
        course_id, _, _ = a_full_course(waiting=1)
        change(course_id, capacity=2)
        promote(course_id)
        assert set(Event.objects.values_list("partner", flat=True)) == {""}
        assert all("external_id" not in event.data for event in Event.objects.all())


class TestFirstSight:
    @pytest.mark.django_db(transaction=True)
    def test_of_one_learner_in_many_requests_at_once_makes_one_account(self) -> None:
        partner_id = a_partner()
        course_ids = [an_open_course() for _ in range(8)]

        def enroll(course_id: UUID) -> object:
            return enrollments.enroll_through_partner(
                partner_id=partner_id,
                course_id=course_id,
                learner=enrollments.LearnerOfPartner(**ADA),
                actor=SYSTEM,
                now=NOW,
            )

        outcomes = wave(enroll, course_ids)
        assert all(isinstance(outcome, enrollments.Enrolled) for outcome in outcomes)
        assert (User.objects.count(), PartnerLearner.objects.count(), EnrollmentRow.objects.count()) == (1, 1, 8)
