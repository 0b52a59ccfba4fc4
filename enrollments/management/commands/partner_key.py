"""A partner's API keys, for operators: the admin has the same steps."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from common import clock, ids
from common.errors import DomainError
from common.ops import endings
from common.ops.arguments import between, one_line
from enrollments import services as enrollments
from enrollments.types import LONGEST_KEY_DAYS, LONGEST_OVERLAP_HOURS, NAME_LENGTH


class Command(BaseCommand):
    """Makes, rotates and revokes a partner's API keys. A key is shown once and cannot be read again."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One verb each for what can be done."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="a new key, for a partner or for a new one")
        whom = create.add_mutually_exclusive_group(required=True)
        whom.add_argument("partner", nargs="?", help="ptn_…")
        whom.add_argument(
            "--new", metavar="NAME", type=one_line(NAME_LENGTH), help="make a new partner of this name first"
        )
        create.add_argument(
            "--days", type=between(1, LONGEST_KEY_DAYS), help="after how many days the key ends; without: never"
        )
        rotate = verbs.add_parser("rotate", help="a new key; the one before ends after a while")
        rotate.add_argument("partner", help="ptn_…")
        rotate.add_argument(
            "--overlap-hours",
            type=between(0, LONGEST_OVERLAP_HOURS),
            default=24,
            help="for how long both are good (24)",
        )
        revoke = verbs.add_parser("revoke", help="a key that is good for nothing from now on")
        revoke.add_argument("partner", help="ptn_…")
        revoke.add_argument("prefix", help="the eight characters of the key after lectern_")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        """Call the use case, and show the key that came of it."""
        try:
            with endings.in_a_line():
                getattr(self, f"_{verb}")(**options)
        except DomainError as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal

    def _create(self, *, partner: str | None, new: str | None, days: int | None, **_: Any) -> None:
        now = clock.now()
        expires_at = None if days is None else now + timedelta(days=days)
        partner_id = _id(partner) if partner else enrollments.create_partner(name=str(new), now=now).id
        self._show(partner_id, enrollments.create_key(partner_id=partner_id, expires_at=expires_at, now=now))

    def _rotate(self, *, partner: str, overlap_hours: int, **_: Any) -> None:
        now, partner_id = clock.now(), _id(partner)
        old_ends_at = now + timedelta(hours=overlap_hours)
        self._show(partner_id, enrollments.rotate_key(partner_id=partner_id, old_ends_at=old_ends_at, now=now))
        self.stderr.write(f"The key before it ends at {old_ends_at:%Y-%m-%d %H:%M} UTC.")

    def _revoke(self, *, partner: str, prefix: str, **_: Any) -> None:
        enrollments.revoke_key(partner_id=_id(partner), prefix=prefix, now=clock.now())
        self.stderr.write(f"The key {prefix} is good for nothing any more.")

    def _show(self, partner_id: UUID, made: enrollments.NewKey) -> None:
        """The key alone goes to standard output, so that it can be piped into a secret store."""
        end = f", until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else ""
        self.stderr.write(f"The key {made.prefix} of {ids.encode(ids.PARTNER, partner_id)}{end}. It is shown once:")
        try:
            self.stdout.write(made.key)
            self.stdout.flush()
        except OSError as fault:
            endings.write_no_more()
            revoke = f"manage.py partner_key revoke {ids.encode(ids.PARTNER, partner_id)} {made.prefix}"
            told = f"The key could not be written ({fault.strerror}), so nobody has it. To take it back: {revoke}"
            raise CommandError(told, returncode=1) from fault


def _id(partner: str) -> UUID:
    partner_id = ids.decode(ids.PARTNER, partner)
    if partner_id is None:
        raise enrollments.PartnerNotFound
    return partner_id
