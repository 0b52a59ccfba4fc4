"""API keys: made and shown once, rotated, revoked, and recognized in one query."""

from datetime import timedelta
from hashlib import sha256
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock, ids
from common.tests.races import wave
from common.tests.unchanged import nothing_changed
from enrollments import services as enrollments
from enrollments.models import Partner, PartnerKey
from enrollments.tests.factories import a_key, a_partner, ptn

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def row_of_key(key: str) -> PartnerKey:
    return PartnerKey.objects.get(prefix=prefix_of(key))


def whose(key: str, *, later: timedelta = timedelta(0)) -> object:
    return enrollments.authenticate(key=key, now=clock.now() + later)


@pytest.mark.django_db
class TestKey:
    def test_is_a_prefix_and_32_random_bytes_of_which_only_a_hash_is_kept(self) -> None:
        key = a_key()
        brand, prefix, secret = key.split("_", 2)
        assert (brand, len(prefix), len(secret)) == ("lectern", 8, 43)
        row = row_of_key(key)
        assert bytes(row.digest) == sha256(secret.encode()).digest()
        values = " ".join(str(value) for value in PartnerKey.objects.values().get(pk=row.pk).values())
        assert secret not in values

    def test_is_its_partners(self) -> None:
        acme, other = a_partner(), a_partner("Other")
        assert (whose(a_key(acme)), whose(a_key(other))) == (acme, other)

    def test_is_nothing_with_any_part_changed(self) -> None:
        partner_id = a_partner()
        key, other = a_key(partner_id), a_key(partner_id)
        assert whose(key) == partner_id
        wrong = [
            "",
            "_",
            "__",
            "lectern",
            f"lectern_{prefix_of(key)}",
            f"lectern_{prefix_of(key)}_",
            key[:-1],
            key + "x",
            key[:-1] + ("A" if key[-1] != "A" else "B"),
            key.replace("lectern", "other"),
            key.replace(prefix_of(key), prefix_of(other)),
            key.removeprefix("lectern_"),
        ]
        assert [whose(each) for each in wrong] == [None] * len(wrong)

    def test_ends_when_it_was_made_to(self) -> None:
        partner_id = a_partner()
        key = a_key(partner_id, expires_at=clock.now() + HOUR)
        assert whose(key, later=HOUR - SECOND) == partner_id
        assert whose(key, later=HOUR) is None

    def test_is_recognized_in_one_query(self) -> None:
        key = a_key()
        whose(key)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            whose(key)
        assert len(queries) == 1

    def test_notes_its_last_use_once_a_minute(self) -> None:
        key = a_key()
        assert row_of_key(key).last_used_at is None
        whose(key)
        first = row_of_key(key).last_used_at
        assert first is not None
        whose(key, later=59 * SECOND)
        assert row_of_key(key).last_used_at == first
        whose(key, later=61 * SECOND)
        noted = row_of_key(key).last_used_at
        assert noted is not None
        assert noted > first + 60 * SECOND

    def test_that_is_wrong_notes_nothing(self) -> None:
        key = a_key()
        with nothing_changed():
            assert whose(key + "x") is None


@pytest.mark.django_db
class TestRotation:
    def test_gives_a_new_key_beside_the_old_one_for_a_while(self) -> None:
        partner_id = a_partner()
        old = a_key(partner_id)
        new = enrollments.rotate_key(partner_id=partner_id, old_ends_at=clock.now() + HOUR, now=clock.now()).key
        assert (whose(old), whose(new)) == (partner_id, partner_id)
        assert (whose(old, later=HOUR), whose(new, later=HOUR)) == (None, partner_id)

    def test_does_not_prolong_the_old_key(self) -> None:
        partner_id = a_partner()
        old = a_key(partner_id, expires_at=clock.now() + HOUR)
        enrollments.rotate_key(partner_id=partner_id, old_ends_at=clock.now() + 2 * HOUR, now=clock.now())
        assert whose(old, later=HOUR) is None

    def test_leaves_other_partners_keys_alone(self) -> None:
        other = a_key()
        partner_id = a_partner()
        enrollments.rotate_key(partner_id=partner_id, old_ends_at=clock.now(), now=clock.now())
        assert row_of_key(other).expires_at is None

    def test_needs_room_for_a_second_live_key(self) -> None:
        partner_id = a_partner()
        first, second = a_key(partner_id), a_key(partner_id)
        with nothing_changed(), pytest.raises(enrollments.TooManyKeys):
            a_key(partner_id)
        with nothing_changed(), pytest.raises(enrollments.TooManyKeys):
            enrollments.rotate_key(partner_id=partner_id, old_ends_at=clock.now(), now=clock.now())
        enrollments.revoke_key(partner_id=partner_id, prefix=prefix_of(first), now=clock.now())
        third = a_key(partner_id)
        assert [whose(key) for key in (first, second, third)] == [None, partner_id, partner_id]

    def test_counts_no_key_that_has_ended(self) -> None:
        partner_id = a_partner()
        a_key(partner_id)
        a_key(partner_id, expires_at=clock.now())
        assert whose(a_key(partner_id)) == partner_id


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_never_leave_three_live_keys(self) -> None:
        partner_id = a_partner()
        made = wave(a_key, [partner_id] * 6)
        assert sum(isinstance(each, str) for each in made) == 2
        assert PartnerKey.objects.count() == 2


@pytest.mark.django_db
class TestRevocation:
    def test_holds_at_once_and_for_good(self) -> None:
        partner_id = a_partner()
        key = a_key(partner_id)
        enrollments.revoke_key(partner_id=partner_id, prefix=prefix_of(key), now=clock.now())
        assert whose(key) is None

    def test_is_refused_for_what_is_no_live_key_of_the_partner(self) -> None:
        partner_id, other = a_partner(), a_partner()
        key = a_key(partner_id)
        with nothing_changed(), pytest.raises(enrollments.KeyNotFound):
            enrollments.revoke_key(partner_id=other, prefix=prefix_of(key), now=clock.now())
        enrollments.revoke_key(partner_id=partner_id, prefix=prefix_of(key), now=clock.now())
        with nothing_changed(), pytest.raises(enrollments.KeyNotFound):
            enrollments.revoke_key(partner_id=partner_id, prefix=prefix_of(key), now=clock.now())
        with pytest.raises(enrollments.PartnerNotFound):
            enrollments.revoke_key(partner_id=ids.new_uuid(), prefix=prefix_of(key), now=clock.now())


def run(*arguments: str) -> tuple[str, str]:
    """What the command wrote to standard output, and beside it."""
    out, beside = StringIO(), StringIO()
    call_command("partner_key", *arguments, stdout=out, stderr=beside, no_color=True)
    return out.getvalue().strip(), beside.getvalue()


@pytest.mark.django_db
class TestCommand:
    def test_makes_a_partner_and_a_key(self) -> None:
        key, beside = run("create", "--new", "Acme")
        partner = Partner.objects.get()
        assert (partner.name, whose(key)) == ("Acme", partner.pk)
        assert ptn(partner.pk) in beside
        assert key not in beside

    def test_makes_a_key_that_ends(self) -> None:
        partner_id = a_partner()
        key, _ = run("create", ptn(partner_id), "--days", "30")
        assert whose(key, later=timedelta(days=29)) == partner_id
        assert whose(key, later=timedelta(days=30, minutes=1)) is None

    def test_rotates(self) -> None:
        partner_id = a_partner()
        old = a_key(partner_id)
        new, _ = run("rotate", ptn(partner_id), "--overlap-hours", "1")
        assert (whose(old), whose(new)) == (partner_id, partner_id)
        assert whose(old, later=HOUR + SECOND * 60) is None

    def test_revokes(self) -> None:
        partner_id = a_partner()
        key = a_key(partner_id)
        run("revoke", ptn(partner_id), prefix_of(key))
        assert whose(key) is None

    @pytest.mark.parametrize("days", ["0", "-1", "3651", "9" * 20, "soon"])
    def test_refuses_a_key_that_would_end_before_it_is_shown_or_never_in_our_time(self, days: str) -> None:
        with nothing_changed(), pytest.raises(CommandError, match="--days"):
            run("create", "--new", "Acme", "--days", days)

    @pytest.mark.parametrize("hours", ["-1", "721", "9" * 20])
    def test_refuses_to_end_the_key_before_in_the_past_or_never_in_our_time(self, hours: str) -> None:
        partner_id = a_partner()
        a_key(partner_id)
        with nothing_changed(), pytest.raises(CommandError, match="--overlap-hours"):
            run("rotate", ptn(partner_id), "--overlap-hours", hours)

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "a" * 101])
    def test_refuses_a_name_that_is_none(self, name: str) -> None:
        with nothing_changed(), pytest.raises(CommandError, match="--new"):
            run("create", "--new", name)

    @pytest.mark.parametrize("arguments", [("create", "ptn_x"), ("rotate", "ptn_x"), ("revoke", "ptn_x", "12345678")])
    def test_says_that_there_is_no_such_partner(self, arguments: tuple[str, ...]) -> None:
        with nothing_changed(), pytest.raises(CommandError, match="no partner") as refusal:
            run(*arguments)
        assert refusal.value.returncode == 2
