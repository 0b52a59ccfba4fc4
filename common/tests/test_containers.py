"""The container and compose.yaml run what the Procfile says, without rights and without secrets."""

import re
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

ROOT = Path(settings.BASE_DIR)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
OURS = [name for name, service in COMPOSE["services"].items() if service["image"] == "lectern"]
# The composition root, which `common` does not know.
healthcheck = resolve_name("config.healthcheck")
SECRET = re.compile(r"SECRET|PASSWORD|KEY|TOKEN")
SETTING = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)`")
# They are the role's there, and what is for a machine of one's own.
NOT_TO_BE_CHOSEN = {"STATEMENT_TIMEOUT_SECONDS", "LOCK_TIMEOUT_SECONDS", "WEBHOOK_ALLOW_PRIVATE_ADDRESSES"}
PASSED_ON = re.compile(r"\$\{[A-Z_]+:\?\}")


def stages() -> dict[str, list[str]]:
    """The instructions of each stage of the Dockerfile."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    parts = re.split(r"^FROM \S+ AS (\w+)\n", joined, flags=re.MULTILINE)
    return {name: body.splitlines() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def command_of(service: str) -> str:
    """What a shell is given to run, without what only hands it over."""
    command = COMPOSE["services"][service]["command"]
    text = command if isinstance(command, str) else command[-1]
    return str(text).replace("$$", "$").removeprefix("exec ")


def test_every_process_of_the_procfile_is_a_service_with_its_command() -> None:
    assert sorted(OURS) == sorted(PROCFILE)
    assert {name: command_of(name) for name in OURS} == PROCFILE


def test_the_container_serves_the_web_unless_told_otherwise() -> None:
    assert f'CMD ["sh", "-c", "exec {PROCFILE["web"]}"]' in DOCKERFILE


def test_its_health_is_that_of_the_web_process(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'CMD ["python", "-m", "config.healthcheck"]' in DOCKERFILE
    monkeypatch.setenv("PORT", live_server.url.rpartition(":")[2])
    monkeypatch.setenv("ALLOWED_HOSTS", "localhost,127.0.0.1")
    healthcheck.main()
    monkeypatch.setenv("ALLOWED_HOSTS", "elsewhere.example")
    with pytest.raises(HTTPError, match="400"):
        healthcheck.main()


@pytest.mark.parametrize("stage", ["service", "pgbouncer"])
def test_what_runs_is_not_root(stage: str) -> None:
    users = [line.split()[1] for line in stages()[stage] if line.startswith("USER ")]
    assert users
    assert users[-1].split(":")[0] not in {"root", "0"}


@pytest.mark.parametrize("name", OURS)
def test_a_process_of_ours_can_write_nothing_but_what_is_temporary(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert "volumes" not in service


def test_no_secret_is_in_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".git", "var"} <= {*ignored}
    for lines in stages().values():
        assert [line for line in lines if line.startswith(("ENV ", "ARG ")) and SECRET.search(line)] == []


def test_every_secret_comes_from_outside_and_has_to() -> None:
    given = [
        (name, each) for name, service in COMPOSE["services"].items() for each in service.get("environment", {}).items()
    ]
    secrets = [(name, key, str(value)) for name, (key, value) in given if SECRET.search(key) and value is not None]
    assert secrets
    assert [each for each in secrets if not PASSED_ON.fullmatch(each[2])] == []
    addresses = [str(value) for _, (_, value) in given if "://" in str(value) and "@" in str(value)]
    assert addresses
    assert [each for each in addresses if not re.search(r"://\w+:\$\{DATABASE_PASSWORD:\?\}@", each)] == []


def test_every_setting_that_is_told_of_can_be_made_there() -> None:
    told = set()
    for page in ("operations", "security", "observability"):
        told |= set(SETTING.findall((ROOT / "docs" / f"{page}.md").read_text()))
    assert {"AUTH_ISSUER", "THROTTLE_ANONYMOUS", "OTEL_TRACES_SAMPLER"} < told
    environments = [set(COMPOSE["services"][name]["environment"]) for name in ("web", "worker")]
    assert told - environments[0] - environments[1] == NOT_TO_BE_CHOSEN


def test_traces_need_no_other_image() -> None:
    assert any("requirements-otel.txt" in line for line in stages()["build"] if line.startswith("RUN pip install"))


def test_only_the_worker_and_the_release_pass_by_pgbouncer() -> None:
    environments = {name: COMPOSE["services"][name]["environment"] for name in OURS}
    assert {name for name, each in environments.items() if each["DATABASE_THROUGH_PGBOUNCER"] == "true"} == {
        "web",
        "worker",
    }
    assert {name for name, each in environments.items() if "WORKER_DATABASE_URL" in each} == {"worker"}
    assert "@database:5432/" in environments["release"]["DATABASE_URL"]


def test_the_role_has_the_timeouts_of_the_settings() -> None:
    script = COMPOSE["configs"]["role"]["content"]
    for name, seconds in (
        ("statement_timeout", settings.STATEMENT_TIMEOUT_SECONDS),
        ("lock_timeout", settings.LOCK_TIMEOUT_SECONDS),
        ("idle_in_transaction_session_timeout", settings.IDLE_IN_TRANSACTION_TIMEOUT_SECONDS),
    ):
        expected = 5 if name == "statement_timeout" else seconds  # that of tests is longer
        assert f"ALTER ROLE lectern SET {name} = '{expected}s';" in script
