"""`python -m contracts.gate`: see docs/contract.md. Make calls it."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from contracts.gate import checks, documents, publishing, sdk
from contracts.gate.differences import NoVerdict
from contracts.gate.node import ToolsMissing
from contracts.gate.verdict import WORDING, Finding

_MOST_LINES = 40
_SDK = documents.FOLDER.parent / "var" / "sdk"


def main() -> int:
    """0 if all is well, 1 if something was refused, 2 if nothing could be found out."""
    parser = argparse.ArgumentParser(prog="python -m contracts.gate", description="Looks after the published contract.")
    commands = parser.add_subparsers(dest="command", required=True)
    publish = commands.add_parser("publish", help="make a candidate the published contract")
    publish.add_argument("candidate", type=Path)
    publish.add_argument("--draft", action="store_true", help="take back what no release holds")
    commands.add_parser("check", help="what must hold of the published contract")
    commands.add_parser("sdk", help="write the clients to var/sdk")
    commands.add_parser("freeze", help="keep the published contract as a release")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "publish":
                return _publish(arguments.candidate, draft=arguments.draft)
            case "check":
                return _check()
            case "sdk":
                return _sdk()
        return _freeze()
    except (NoVerdict, ToolsMissing) as fault:
        print(f"No verdict: {fault}", file=sys.stderr)
        return 2


def _publish(candidate: Path, *, draft: bool) -> int:
    outcome = publishing.publish(candidate, today=_today(), draft=draft)
    found = outcome.verdict
    _show("-", found.breaking)
    _show("!", [f"hurts {each}" for each in outcome.hurt])
    if outcome.uneasy:
        print(f"  ? may hurt, since they use what changes: {', '.join(outcome.uneasy)}")
    _show("+", [finding for finding in found.additive if finding.rule != WORDING])
    if texts := sum(finding.rule == WORDING for finding in found.additive):
        print(f"  ~ texts that differ: {texts}")
    if outcome.refusal:
        print(f"{found}: refused. {outcome.refusal}", file=sys.stderr)
        return 1
    print(f"{found}: contracts/{documents.PUBLISHED.name}")
    return 0


def _show(sign: str, findings: Sequence[Finding | str]) -> None:
    for finding in findings[:_MOST_LINES]:
        print(f"  {sign} {finding}")
    if len(findings) > _MOST_LINES:
        print(f"  {sign} … and {len(findings) - _MOST_LINES} more")


def _check() -> int:
    faults = list(checks.faults(documents.read(documents.PUBLISHED), documents.releases(), today=_today()))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _sdk() -> int:
    for make in (sdk.python, sdk.typescript):
        try:
            made = make(documents.PUBLISHED, documents.STORIES, _SDK / make.__name__)
        except sdk.Failed as fault:
            print(fault, file=sys.stderr)
            return 1
        print(made.folder.relative_to(Path.cwd()))
    return 0


def _freeze() -> int:
    try:
        print(f"Released: {publishing.freeze(today=_today())}")
    except ValueError as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def _today() -> date:
    return datetime.now(UTC).date()


if __name__ == "__main__":
    sys.exit(main())
