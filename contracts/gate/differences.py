"""What `redocly diff` sees between two contracts, read with distrust: it must never say "nothing" by mistake."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.gate import node

Document = dict[str, Any]

_CONFIG = node.FOLDER / "redocly.yaml"
_REPORT_VERSION = "1"
_IMPACTS = ("major", "minor", "patch")
_SEVERAL = Path(__file__).with_name("several.mjs")

# A configuration without its preset makes the tool find everything harmless. So it first has to find a removal.
_ANSWER = {"responses": {"200": {"description": "Fine."}}}
_HEAD = {"openapi": "3.1.0", "info": {"title": "Awake?", "version": "1"}}
_AWAKE: tuple[Document, Document] = (
    {**_HEAD, "paths": {"/kept": {"get": _ANSWER}, "/gone": {"get": _ANSWER}}},
    {**_HEAD, "paths": {"/kept": {"get": _ANSWER}}},
)


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


def between(pairs: Iterable[tuple[Document, Document]]) -> list[list[Difference]]:
    """Every difference between the older and the newer contract of each pair.

    Raises:
        NoVerdict: the tool failed, or its report is not one that can be relied on.
        node.ToolsMissing: it is not installed.
    """
    awake, *found = _reports([_AWAKE, *pairs])
    if [each.rule for each in awake if each.impact == "major"] != ["path-removed"]:
        raise NoVerdict("`redocly diff` does not see that a path is gone: is its configuration in order?")
    return found


def _reports(pairs: Iterable[tuple[Document, Document]]) -> list[list[Difference]]:
    with tempfile.TemporaryDirectory() as name:
        folder, runs = Path(name), []
        for number, pair in enumerate(pairs):
            files = [f"old-{number}.json", f"new-{number}.json"]
            for file, document in zip(files, pair, strict=True):
                (folder / file).write_text(json.dumps(document))
            report = f"report-{number}.json"
            runs.append(["diff", *files, "--config", str(_CONFIG), "--format", "json", "-o", report])
        (folder / "runs.json").write_text(json.dumps(runs))
        tool = node.tool("@redocly/cli") / "lib" / "index.js"
        made = node.run(_SEVERAL, str(tool), "runs.json", "codes.json", cwd=folder)
        try:
            codes = json.loads((folder / "codes.json").read_text())
            reports = [json.loads((folder / run[-1]).read_text()) for run in runs]
        except (OSError, ValueError) as fault:
            raise NoVerdict(f"`redocly diff` gave no report:\n{made.stdout}{made.stderr}") from fault
    return [_read(report, code) for report, code in zip(reports, codes, strict=True)]


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
