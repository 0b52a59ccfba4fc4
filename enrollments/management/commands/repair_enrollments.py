"""Checks what must hold of courses, enrollments and reviews, and mends what does not: see docs/runbook.md."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from common import clock, ids
from common.ops import finding, runs
from common.ops.commands import OpsCommand, scope_from
from common.ops.endings import REFUSED
from common.ops.kinds import checks
from common.ops.types import Item
from enrollments import services as enrollments


class Command(OpsCommand):
    """Without --apply a dry run."""

    help = __doc__ or ""
    own_options = ("check", "course", "partner", "all", "move_to_waitlist")

    def add_own_arguments(self, parser: CommandParser) -> None:
        """Which invariants, and where."""
        known = "; ".join(f"{check.name}: {check.sentence}" for check in checks().values())
        parser.epilog = f"The invariants, in the order in which they are mended. {known}"
        parser.add_argument("--check", action="append", choices=list(checks()), help="only this one; may be repeated")
        parser.add_argument("--course", action="append", metavar="crs_…", help="in this course; may be repeated")
        parser.add_argument("--partner", metavar="ptn_…", help="where this partner has people")
        parser.add_argument("--all", action="store_true", help="everywhere")
        parser.add_argument(
            "--move-to-waitlist",
            action="store_true",
            help="over-capacity: move the last to come to the head of the line",
        )

    def arguments_from(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The scope, which has to be given, and the checks that can be limited to it."""
        scope = _scope(options)
        return {
            "scope": scope,
            "checks": self._checks(scope_from({"scope": scope}).name, options["check"]),
            "move_to_waitlist": options["move_to_waitlist"],
            "limit": options["limit"],
        }

    def _checks(self, scope: str, wanted: list[str] | None) -> list[str]:
        limitable = [check.name for check in checks().values() if scope == "all" or scope in check.scopes]
        for name in wanted or ():
            if name not in limitable:
                raise CommandError(f"{name} cannot be limited by --{scope}.", returncode=REFUSED)
        left_out = [name for name in checks() if name not in limitable and not wanted]
        if left_out:
            self._say(f"Left out, as they cannot be limited by --{scope}: {', '.join(left_out)}.")
        return [name for name in limitable if not wanted or name in wanted]

    def look(self, arguments: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Item]:
        """What breaks the invariants now."""
        now, left = clock.now(), arguments["limit"]
        for name in arguments["checks"]:
            if left == 0:
                return
            for item in finding.stream(checks()[name], scope_from(arguments), now=now, limit=left):
                left = None if left is None else left - 1
                yield item

    def begin(self, arguments: Mapping[str, Any], options: Mapping[str, Any], **run: Any) -> UUID:
        """A run that looks by itself, check after check, since what one mends may be found by the next."""
        return runs.begin(arguments=arguments, **run)


def _scope(options: Mapping[str, Any]) -> dict[str, Any]:
    if sum(map(bool, (options["course"], options["partner"], options["all"]))) != 1:
        raise CommandError("Say where: --course crs_…, --partner ptn_… or --all, one of them.", returncode=REFUSED)
    if options["all"]:
        return {"all": True}
    if options["partner"]:
        enrollments.get_partner(partner_id=_decoded(ids.PARTNER, options["partner"]))
        return {"partner": options["partner"]}
    for course in options["course"]:
        enrollments.check_course(course_id=_decoded(ids.COURSE, course))
    return {"course": options["course"]}


def _decoded(prefix: str, text: str) -> UUID:
    decoded = ids.decode(prefix, text)
    if decoded is None:
        raise CommandError(f"“{text}” is no {prefix}_… id.", returncode=REFUSED)
    return decoded
