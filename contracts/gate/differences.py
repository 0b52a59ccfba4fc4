"""What `redocly diff` sees between two contracts, read with distrust: it must never say "nothing" by mistake."""

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.gate import node

Document = dict[str, Any]

_CONFIG = node.FOLDER / "redocly.yaml"
_REPORT_VERSION = "1"
_IMPACTS = ("major", "minor", "patch")


class NoVerdict(Exception):
    """The comparison did not work. Nothing is known, so nothing may pass."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, as the tool rates it. `rule` is empty where it knows none.

    `kind` is added, removed or modified; `pointer` leads to the place, `member` is the name in it that differs, if one.
    """

    impact: str
    rule: str
    pointer: str
    type_name: str
    kind: str
    member: str
    message: str
    before: Any
    after: Any


def between(old: Document, new: Document) -> list[Difference]:
    """Every difference between two contracts.

    Raises:
        NoVerdict: the tool failed, or its report is not one that can be relied on.
        node.ToolsMissing: it is not installed.
    """
    _prove_awake()
    return _between(old, new)


@cache
def _prove_awake() -> None:
    """A configuration without its preset makes the tool find everything harmless. Here it must find a removal."""
    answer = {"responses": {"200": {"description": "Fine."}}}
    head = {"openapi": "3.1.0", "info": {"title": "Awake?", "version": "1"}}
    old = {**head, "paths": {"/kept": {"get": answer}, "/gone": {"get": answer}}}
    new = {**head, "paths": {"/kept": {"get": answer}}}
    if [each.rule for each in _between(old, new) if each.impact == "major"] != ["path-removed"]:
        raise NoVerdict("`redocly diff` does not see that a path is gone: is its configuration in order?")


def _between(old: Document, new: Document) -> list[Difference]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old.json").write_text(json.dumps(old))
        (folder / "new.json").write_text(json.dumps(new))
        command = ["diff", "old.json", "new.json", "--config", str(_CONFIG), "--format", "json", "-o", "report.json"]
        made = node.run(node.tool("@redocly/cli") / "bin" / "cli.js", *command, cwd=folder)
        said = (made.stdout + made.stderr).strip()
        try:
            report = json.loads((folder / "report.json").read_text())
        except (OSError, ValueError) as fault:
            raise NoVerdict(f"`redocly diff` gave no report:\n{said}") from fault
    return _read(report, made.returncode)


def _read(report: dict[str, Any], exit_code: int) -> list[Difference]:
    if report.get("reportVersion") != _REPORT_VERSION:
        raise NoVerdict(
            f"`redocly diff` writes reports of version {report.get('reportVersion')}, which nobody has looked at."
        )
    changes = report["changes"]
    counted = {impact: sum(change["impact"] == impact for change in changes) for impact in _IMPACTS}
    if counted != report["summary"] or exit_code != (1 if counted["major"] else 0):
        raise NoVerdict(f"`redocly diff` contradicts itself: {report['summary']}, {counted}, exit code {exit_code}.")
    return [difference for change in changes for difference in _differences(change)]


def _differences(change: dict[str, Any]) -> list[Difference]:
    verdicts = change["verdicts"] or [{"ruleId": "", "impact": change["impact"], "message": ""}]
    return [
        Difference(
            impact=verdict["impact"],
            rule=verdict["ruleId"],
            pointer=change["path"],
            type_name=change["typeName"],
            kind=change["kind"],
            member=change.get("property", ""),
            message=verdict["message"],
            before=change.get("base", {}).get("value"),
            after=change.get("revision", {}).get("value"),
        )
        for verdict in verdicts
    ]
