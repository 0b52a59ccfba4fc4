"""Where the tools fail, are missing, or say something unheard of, there is no verdict, and so nothing passes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.gate import differences, documents, node
from contracts.gate.differences import NoVerdict

TINY = {"openapi": "3.1.0", "info": {"title": "Tiny", "version": "1"}, "paths": {}}
CHANGE = {"path": "#/paths/~1x", "typeName": "PathItem", "kind": "removed", "impact": "major"}
FOUND = {**CHANGE, "verdicts": [{"ruleId": "path-removed", "impact": "major", "message": "Gone."}]}


def report(**changes: Any) -> dict[str, Any]:
    return {"reportVersion": "1", "summary": {"major": 1, "minor": 0, "patch": 0}, "changes": [FOUND], **changes}


class TestAReport:
    def test_is_read(self) -> None:
        [difference] = differences._read(report(), 1)
        assert (difference.rule, difference.pointer, difference.kind) == ("path-removed", "#/paths/~1x", "removed")

    def test_of_another_version_is_refused(self) -> None:
        with pytest.raises(NoVerdict, match="version 2"):
            differences._read(report(reportVersion="2"), 1)

    @pytest.mark.parametrize(
        ("changes", "exit_code"),
        [({}, 0), ({"changes": []}, 1), ({"summary": {"major": 0, "minor": 0, "patch": 0}}, 0)],
        ids=["exit code", "changes", "summary"],
    )
    def test_that_contradicts_itself_is_refused(self, changes: dict[str, Any], exit_code: int) -> None:
        with pytest.raises(NoVerdict, match="contradicts itself"):
            differences._read(report(**changes), exit_code)

    def test_that_is_missing_is_noticed(self) -> None:
        with pytest.raises(NoVerdict, match="gave no report"):
            differences.between([(TINY, {"openapi": "9.9.9"})])


class TestARun:
    @pytest.mark.parametrize(
        ("tool", "told"),
        [
            ("process.exit(0);", "gave no report"),
            ("process.exit(0); process.exit(0);", "gave no report"),
            ("", "gave no report"),
            ("throw new Error('out of order');", "out of order"),
        ],
    )
    def test_that_goes_wrong_is_noticed(
        self, tool: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cli = tmp_path / "@redocly" / "cli" / "lib"
        cli.mkdir(parents=True)
        (cli / "index.js").write_text(tool)
        (cli.parent / "package.json").write_text('{"type": "module"}')
        monkeypatch.setattr(node, "_MODULES", tmp_path)
        with pytest.raises(NoVerdict, match=told):
            differences.between([(TINY, TINY)])


class TestTheConfiguration:
    def test_that_lets_everything_pass_is_noticed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        silent = tmp_path / "redocly.yaml"
        silent.write_text("rules: {}\n")
        monkeypatch.setattr(differences, "_CONFIG", silent)
        with pytest.raises(NoVerdict, match="does not see that a path is gone"):
            differences.between([(TINY, TINY)])


class TestTools:
    def test_that_are_missing_are_missed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(node, "_MODULES", tmp_path)
        with pytest.raises(node.ToolsMissing, match="make contract-tools"):
            differences.between([(TINY, TINY)])

    def test_are_pinned_and_come_from_no_particular_host(self) -> None:
        wanted = json.loads((node.FOLDER / "package.json").read_text())["devDependencies"]
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
        lock = json.loads((node.FOLDER / "package-lock.json").read_text())
        packages = {name: package for name, package in lock["packages"].items() if name}
        assert all("resolved" not in package and package["integrity"] for package in packages.values())
        assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted


class TestTheCommand:
    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "contracts.gate", *arguments],
            cwd=documents.FOLDER.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_finds_the_published_contract_in_order(self) -> None:
        made = self.command("check")
        assert (made.returncode, made.stderr) == (0, "")

    def test_refuses_a_breach_and_says_where(self, tmp_path: Path) -> None:
        before = documents.PUBLISHED.read_bytes()
        candidate = tmp_path / "candidate.yaml"
        candidate.write_bytes(before.replace(b"operationId: courses.list\n", b"operationId: courses.browse\n"))
        made = self.command("publish", str(candidate))
        assert made.returncode == 1
        assert "- GET /api/v1/courses:" in made.stdout
        assert "operation-id-changed" in made.stdout
        assert "breaking: refused. Clients of 1.0.0" in made.stderr
        assert documents.PUBLISHED.read_bytes() == before

    def test_has_no_verdict_on_what_cannot_be_read(self, tmp_path: Path) -> None:
        candidate = tmp_path / "candidate.yaml"
        candidate.write_text("<<<<<<< HEAD\nopenapi: 3.1.0\n=======\n")
        made = self.command("publish", str(candidate))
        assert made.returncode == 2
        assert "candidate.yaml" in made.stderr
