"""Operators' commands in tests, as they are run at a shell."""

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
from django.conf import settings
from django.core.management import CommandError, call_command

SCHEMA = json.loads((Path(settings.BASE_DIR) / "contracts" / "ops-report.schema.json").read_text())


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said on its two streams."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """Its report in JSON, once it is as promised."""
        report: dict[str, Any] = json.loads(self.out)
        jsonschema.validate(report, SCHEMA)
        assert report["exit_code"] == self.code
        return report

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items of its report."""
        return list(self.report["items"])

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        """What each item was about and came to, in a word and a code."""
        return [(item["check"], item["outcome"], item["code"]) for item in self.items]

    @property
    def run(self) -> str:
        """The run that it was, by its public id."""
        return str(self.report["run"])


def operate(command: str, *arguments: str, format: str = "json") -> Ran:
    """What the command comes to with these arguments."""
    out, err = StringIO(), StringIO()
    try:
        call_command(command, *arguments, "--format", format, "--operator", "ada", stdout=out, stderr=err)
    except SystemExit as end:
        return Ran(int(end.code or 0), out.getvalue(), err.getvalue())
    except CommandError as refusal:
        return Ran(refusal.returncode, out.getvalue(), f"{err.getvalue()}{refusal}")
    return Ran(0, out.getvalue(), err.getvalue())


def apply(command: str, *arguments: str, format: str = "json") -> Ran:
    """As `operate`, and it writes."""
    return operate(command, *arguments, "--apply", "--yes", format=format)
