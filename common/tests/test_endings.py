"""Commands at a shell that cannot do what they are for: they say why in a line, and what they leave can be mended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from common.tests.patience import PATIENCE_SECONDS
from common.tests.workers import url_of_the_database

PARTNER = "ptn_01m80ztsmxees806f6fg1qjass"


def run(*command: str, database_url: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "config.settings_test"},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def unread(*command: str) -> subprocess.CompletedProcess[str]:
    """What the command comes to when whoever should read what it writes has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return run(*command, database_url=url_of_the_database(), stdout=writer)
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "checkout-7f3a"),
        ("partner_key", "rotate", PARTNER),
        ("import_enrollments", "{file}", "--partner", PARTNER),
        ("archive_events", "--before", "2026-01"),
        ("repair_enrollments", "--all"),
    ],
    ids=lambda command: command[0],
)
def test_a_database_that_is_away_is_told_in_a_line(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("course_id,external_id,email,name\n")
    ended = run(*(part.format(file=file) for part in command), database_url="postgres://nobody@127.0.0.1:1/none")
    assert ended.returncode == 1
    assert ended.stderr.startswith("CommandError: The database did not do its part: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.django_db(transaction=True)
class TestUnread:
    def test_an_explanation_ends_as_if_it_had_been_read(self) -> None:
        ended = unread("explain", "checkout-7f3a", "--format", "json")
        assert (ended.returncode, ended.stderr) == (1, "CommandError: Nothing is known of a request 'checkout-7f3a'.\n")

    @pytest.mark.parametrize("format", ["table", "json"])
    def test_a_look_at_the_event_log_ends_as_if_it_had_been_read(self, format: str) -> None:
        read = run("archive_events", "--before", "2099-01", "--format", format, database_url=url_of_the_database())
        ended = unread("archive_events", "--before", "2099-01", "--format", format)
        assert (ended.returncode, ended.stderr) == (read.returncode, read.stderr)

    def test_a_key_that_nobody_has_can_be_taken_back(self) -> None:
        ended = unread("partner_key", "create", "--new", "Acme")
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        _, _, take_back = ended.stderr.rstrip().rpartition("To take it back: manage.py ")
        assert run(*take_back.split(), database_url=url_of_the_database()).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--concurrency", "0"), "a number from 1 on is needed"),
        (("--outbound-concurrency", "-1"), "a number from 1 on is needed"),
        (("--metrics", "9100"), "an address is written as 127.0.0.1:9100"),
        (("--metrics", "127.0.0.1:65536"), "an address is written as 127.0.0.1:9100"),
        (("--metrics", "192.0.2.1:9100"), "Nobody can listen on 192.0.2.1:9100"),
    ],
)
def test_a_worker_that_cannot_be_as_it_is_told_says_why(arguments: tuple[str, ...], said: str) -> None:
    ended = run("worker", *arguments, database_url="postgres://nobody@127.0.0.1:1/none")
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", ["0", "-1", "one", "1.5", "99999999999", "9" * 5_000])
def test_a_number_that_cannot_be_one_is_said_to_be_none(number: str) -> None:
    with pytest.raises(CommandError, match="a number from 1 on is needed"):
        call_command("repair_enrollments", "--all", "--limit", number)
