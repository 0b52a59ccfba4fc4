"""The staff who look after partners: keys that are shown once, imports and what came of them."""

import re
from typing import Any
from uuid import UUID

import pytest

from common import clock, jobs
from common.events import services as events
from common.models import User
from common.tests.factories import a_person
from common.tests.staff import StaffClient, a_viewer, address, errors, messages, text
from common.tests.unchanged import nothing_changed
from courses.tests.factories import an_open_course
from enrollments import services as enrollments
from enrollments.models import Import as ImportFile
from enrollments.models import Partner, PartnerKey
from enrollments.tests.factories import a_key, a_partner, a_row, an_import, imp, ptn, run, through_partner

pytestmark = pytest.mark.django_db

KEY = re.compile(r"lectern_[0-9a-f]{8}_[\w-]{43}")


def partner_staff() -> User:
    return a_person(is_staff=True, groups=("Partner staff",))


def post(client: StaffClient, step: str, record: UUID | None = None, **fields: Any) -> Any:
    model = "import" if step in {"cancel", "retry"} else "partner"
    return client.post(address(f"enrollments_{model}_{step}", *([] if record is None else [record])), fields)


def shown_key(response: Any) -> str:
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    [key] = KEY.findall(response.content.decode())
    return str(key)


def whose(key: str) -> UUID | None:
    return enrollments.authenticate(key=key, now=clock.now())


class TestPartner:
    def test_is_made_and_then_shown(self) -> None:
        client = StaffClient(partner_staff())
        response = post(client, "new", name="Acme")
        partner = Partner.objects.get()
        assert (response.status_code, response["Location"]) == (302, address("enrollments_partner_change", partner.pk))
        assert "Acme" in text(client.get(response["Location"]))

    def test_needs_a_name(self) -> None:
        client = StaffClient(partner_staff())
        with nothing_changed():
            assert errors(post(client, "new", name=" ")) == {"name": ["This field is required."]}

    def test_is_found_by_name_and_id(self) -> None:
        partner_id = a_partner("Acme")
        a_partner("Other")
        client = StaffClient(partner_staff())
        for query in ("acme", ptn(partner_id)):
            said = text(client.get(address("enrollments_partner_changelist"), {"q": query}))
            assert "Acme" in said
            assert "Other" not in said
        assert client.get("/admin/find/", {"q": ptn(partner_id)})["Location"].endswith(f"/{partner_id}/change/")

    def test_shows_its_keys_imports_and_events(self) -> None:
        partner_id = a_partner()
        a_key(partner_id, expires_at=clock.now())
        a_key(partner_id)
        an_import(partner_id)
        through_partner(partner_id, an_open_course())
        events.place_committed()
        said = text(StaffClient(partner_staff()).get(address("enrollments_partner_change", partner_id)))
        assert all(word in said for word in ("live", "expired", "learners.csv", "queued", "enrolled"))


class TestKey:
    def test_is_shown_once_and_nowhere_else(self) -> None:
        partner_id, client = a_partner(), StaffClient(partner_staff())
        response = post(client, "key", partner_id, days="")
        key = shown_key(response)
        assert whose(key) == partner_id
        assert messages(response) == []
        assert not any(key in str(value) for value in client.session.values())
        for page in (address("enrollments_partner_change", partner_id), address("enrollments_partner_changelist")):
            assert not KEY.search(client.get(page).content.decode())

    def test_ends_after_the_days_that_are_asked_for(self) -> None:
        partner_id = a_partner()
        post(StaffClient(partner_staff()), "key", partner_id, days="30")
        ends = PartnerKey.objects.get().expires_at
        assert ends is not None
        assert round((ends - clock.now()).total_seconds() / 86400) == 30

    def test_is_rotated(self) -> None:
        partner_id = a_partner()
        old = a_key(partner_id)
        new = shown_key(post(StaffClient(partner_staff()), "rotate", partner_id, overlap_hours="0"))
        assert (whose(old), whose(new)) == (None, partner_id)

    def test_is_revoked(self) -> None:
        partner_id, client = a_partner(), StaffClient(partner_staff())
        key = a_key(partner_id)
        assert errors(post(client, "revoke", partner_id, key="12345678"))["__all__"] == [
            "The partner has no live key with this prefix."
        ]
        assert post(client, "revoke", partner_id, key=key.split("_")[1]).status_code == 302
        assert whose(key) is None

    def test_is_not_made_while_there_are_two(self) -> None:
        partner_id, client = a_partner(), StaffClient(partner_staff())
        a_key(partner_id)
        a_key(partner_id)
        said = text(client.get(address("enrollments_partner_change", partner_id)))
        assert "New key" not in said
        with nothing_changed():
            assert "two live keys" in errors(post(client, "key", partner_id))["__all__"][0]


class TestImport:
    def test_shows_how_far_it_has_come_and_what_came_to_nothing(self) -> None:
        course_id = an_open_course(capacity=1)
        one = run(an_import(a_partner("Acme"), *(a_row(course_id, number) for number in range(30))))
        client = StaffClient(partner_staff())
        listed = text(client.get(address("enrollments_import_changelist"), {"status": "completed"}))
        assert all(word in listed for word in ("learners.csv", "Acme", "30 / 30", "completed"))
        said = text(client.get(address("enrollments_import_change", one.id)))
        assert "1 enrolled" in said
        assert "29 rejected" in said
        assert "All 1 seats of this course are taken" in said
        assert "The first 25 of 29; the CSV has all." in said

    def test_is_found_by_its_id_and_by_its_partners(self) -> None:
        one, client = an_import(a_partner()), StaffClient(partner_staff())
        for query in (imp(one.id), ptn(one.partner_id)):
            assert "learners.csv" in text(client.get(address("enrollments_import_changelist"), {"q": query}))
        assert "learners.csv" not in text(client.get(address("enrollments_import_changelist"), {"q": "imp_x"}))

    def test_gives_its_rows_as_csv(self) -> None:
        one = run(an_import(a_partner(), a_row(an_open_course())))
        response = StaffClient(partner_staff()).get(address("enrollments_import_report", one.id))
        assert b"e-1,learner1@example.org,enrolled" in b"".join(response.streaming_content)

    def test_is_cancelled(self) -> None:
        one, client = an_import(a_partner(), a_row(an_open_course())), StaffClient(partner_staff())
        said = text(client.get(address("enrollments_import_cancel", one.id)))
        assert "1 row is still to be done, and never will be." in said
        post(client, "cancel", one.id)
        assert ImportFile.objects.get().status == "cancelled"
        with nothing_changed():
            assert "cannot be cancelled" in errors(post(client, "cancel", one.id))["__all__"][0]

    def test_has_its_failed_rows_tried_again(self) -> None:
        one = run(an_import(a_partner(), a_row(an_open_course())))
        client = StaffClient(partner_staff())
        assert "Try failed rows again" not in text(client.get(address("enrollments_import_change", one.id)))
        ImportFile.objects.get().rows.update(result="failed")
        ImportFile.objects.update(failed=1, enrolled=0)
        assert "Try failed rows again" in text(client.get(address("enrollments_import_change", one.id)))
        post(client, "retry", one.id)
        jobs.run_pending()
        assert ImportFile.objects.get().unchanged == 1


class TestWhoMay:
    def test_look_but_not_touch(self) -> None:
        partner_id = a_partner()
        key, one = a_key(partner_id), an_import(partner_id)
        client = StaffClient(a_viewer("enrollments.view_partner", "enrollments.view_import"))
        said = text(client.get(address("enrollments_partner_change", partner_id)))
        assert not any(step in said for step in ("New key", "Rotate key", "Revoke key"))
        with nothing_changed():
            for step, record in (
                ("key", partner_id),
                ("rotate", partner_id),
                ("revoke", partner_id),
                ("cancel", one.id),
            ):
                assert post(client, step, record, key=key.split("_")[1], overlap_hours="1").status_code == 403
            assert post(client, "new", name="x").status_code == 403

    def test_not_even_look(self) -> None:
        one, client = an_import(a_partner()), StaffClient(a_viewer("enrollments.view_enrollment"))
        for name, key in (("partner_change", one.partner_id), ("import_change", one.id), ("import_report", one.id)):
            assert client.get(address(f"enrollments_{name}", key)).status_code == 403

    def test_see_partners_but_no_imports(self) -> None:
        partner_id = a_partner()
        an_import(partner_id)
        client = StaffClient(a_viewer("enrollments.view_partner"))
        assert "learners.csv" not in text(client.get(address("enrollments_partner_change", partner_id)))


def test_an_import_of_nobody_is_not_found() -> None:
    client = StaffClient(partner_staff())
    assert client.get(address("enrollments_import_report", UUID(int=1))).status_code == 404
