"""A service to talk to, and a house of contracts of its own for each test that changes one."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_django.live_server_helper import LiveServer

from common.tests.factories import PASSWORD, a_person
from contracts.gate import documents

# Asked for by `make release`: see `test_fuzzing.py`.
settings.register_profile("thorough")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is published, and nothing released yet. Gives its folder."""
    monkeypatch.setattr(documents, "PUBLISHED", Path(shutil.copy(documents.PUBLISHED, tmp_path)))
    monkeypatch.setattr(documents, "RELEASED", tmp_path / "released")
    documents.RELEASED.mkdir()
    documents.list_of_releases().touch()
    return tmp_path


@pytest.fixture
def world(live_server: LiveServer) -> dict[str, str]:
    """What a story has to know of the running service."""
    people = {"staff": "Course staff", "moderator": "Moderators"}
    for name, group in people.items():
        person = a_person(email=f"{name}@example.org", groups=(group,))
        person.set_password(PASSWORD)
        person.save()
    return {"url": live_server.url, "password": PASSWORD, **{name: f"{name}@example.org" for name in people}}
