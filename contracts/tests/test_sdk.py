"""Clients that are generated from a contract tell their stories to the service as it runs now.

They are made from the published contract, and from the oldest and the newest release that are still supported, with the
stories of their times: what was built on them must go on working.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from config.settings import VAR_DIR
from contracts.gate import documents, sdk
from contracts.gate.sdk import Client
from contracts.tests.changed_service import Change, change_answers

LANGUAGES = {"python": sdk.python, "typescript": sdk.typescript}
OLDEST, *_, NEWEST = 2 * documents.supported(datetime.now(UTC).date())
CONTRACTS = {
    "published": (documents.PUBLISHED, documents.STORIES, VAR_DIR / "sdk"),
    **{
        f"released as {release.version}": (release.path, release.folder / "stories", VAR_DIR / "sdk" / release.version)
        for release in (OLDEST, NEWEST)
    },
}
CLIENTS = [f"{contract}-{language}" for contract in CONTRACTS for language in LANGUAGES]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return made(request.param)


@cache
def made(client: str) -> Client:
    """Each is made once, whatever the order in which tests ask for it."""
    name, language = client.split("-")
    contract, stories, folder = CONTRACTS[name]
    return LANGUAGES[language](contract, stories, folder / language)


def more(body: dict[str, Any]) -> None:
    """A member, a kind of consequence and a type of problem that today's clients have never heard of."""
    body["since_then"] = {"new": True}
    if isinstance(body.get("triggered"), list):
        body["triggered"].append("refund")
    if body.get("code") == "course_not_found":
        body |= {"type": "/problems/course-moved", "code": "course_moved"}


def less(body: dict[str, Any]) -> None:
    body.pop("position", None)


def another_status(body: dict[str, Any]) -> None:
    if body.get("standing") == "waitlisted":
        body["standing"] = "in_line"


def another_type(body: dict[str, Any]) -> None:
    if body.get("type") == "/problems/review-not-allowed":
        body["type"] = "/problems/not-enrolled"


# What the stories say of each breach.
COMPLAINTS: dict[Change, str] = {
    less: "position|theSecondWaits",
    another_status: "in_line",
    another_type: "REVIEW_NOT_ALLOWED|not-enrolled",
}
BREACHES = [(client, breach) for client in CLIENTS for breach in COMPLAINTS if "published" in client or breach is less]


@pytest.mark.django_db(transaction=True)
class TestStory:
    def test_is_told(self, client: Client, world: dict[str, str]) -> None:
        told = client.tell(world)
        assert (told.returncode, told.stdout) == (0, ""), told.stderr

    def test_is_told_by_a_client_that_meets_a_newer_service(
        self, client: Client, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_answers(monkeypatch, more)
        told = client.tell(world)
        assert told.returncode == 0, told.stderr

    @pytest.mark.parametrize(("client", "breach"), BREACHES, indirect=["client"])
    def test_fails_where_the_service_breaks_its_word(
        self, client: Client, breach: Change, world: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change_answers(monkeypatch, breach)
        told = client.tell(world)
        assert told.returncode == 1
        assert re.search(COMPLAINTS[breach], told.stderr), told.stderr


@pytest.mark.parametrize("generate", [sdk.generate_python, sdk.generate_typescript])
def test_generating_gives_the_same_every_time(generate: Callable[[Path, Path], None], tmp_path: Path) -> None:
    for name in ("first", "second"):
        generate(documents.PUBLISHED, tmp_path / name)
    assert sources(tmp_path / "first") == sources(tmp_path / "second")
    assert len(sources(tmp_path / "first")) > 10


def sources(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".py", ".ts"}
    }
