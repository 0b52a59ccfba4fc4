"""`make run`: one run in a folder, a port that is free, and processes that live with it and end with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.contrib.staticfiles import finders
from pytest_django import Settings

from common import local_run
from common.local_run import Child, LocalRunError, Supervisor, check_port, hold_folder, static_fingerprint
from common.tests.patience import eventually

# A child with a child of its own, as gunicorn has workers; both write their number into the folder.
PARENT_AND_CHILD = ["/bin/sh", "-c", "sleep 300 & echo $! > grandchild; echo $$ > child; wait"]
RUN = """
import sys, time
from pathlib import Path
from common.local_run import *
folder = Path(sys.argv[1])
with hold_folder(folder, port=8000, say=print) as lock:
    supervisor = Supervisor([Child("sleeper", sys.argv[2:])], folder, lock, print)
    while True:
        supervisor.tick()
        time.sleep(0.02)
"""


def number_in(path: Path) -> int:
    assert eventually(lambda: path.exists() and path.read_text().endswith("\n")), f"{path.name} never started"
    return int(path.read_text())


def lives(process_id: int) -> bool:
    """A zombie does not: its parent has only not looked yet."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestPort:
    def test_free_one_passes(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        check_port(port)

    def test_used_one_is_named_with_the_way_out(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with pytest.raises(LocalRunError, match=f"Port {port} is in use.* PORT=\\d+ make run"):
                check_port(port)

    @pytest.mark.parametrize("port", [-1, 0, 65536])
    def test_number_that_is_no_port_is_refused(self, port: int) -> None:
        with pytest.raises(LocalRunError, match="is no port"):
            check_port(port)


class TestFolder:
    def test_second_run_is_told_of_the_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local_run, "NOTICE_SECONDS", 0.1)
        said: list[str] = []
        with (
            hold_folder(tmp_path, port=8765, say=said.append),
            pytest.raises(LocalRunError, match="running already"),
            hold_folder(tmp_path, port=1, say=said.append),
        ):
            pass
        assert f"process {os.getpid()}, http://127.0.0.1:8765" in said[0]

    def test_second_run_waits_for_one_that_ends(self, tmp_path: Path) -> None:
        ended = threading.Event()

        def end() -> None:
            with hold_folder(tmp_path, port=8000, say=print):
                held.set()
                local_run.note_ending(tmp_path)
                time.sleep(0.3)
                ended.set()

        held = threading.Event()
        first = threading.Thread(target=end)
        first.start()
        held.wait()
        with hold_folder(tmp_path, port=8000, say=print):
            assert ended.is_set()
        first.join()

    def test_other_folder_is_free(self, tmp_path: Path) -> None:
        with hold_folder(tmp_path / "a", port=8000, say=print), hold_folder(tmp_path / "b", port=8001, say=print):
            pass


class TestSupervisor:
    @pytest.fixture
    def supervisor(self, tmp_path: Path) -> Iterator[Supervisor]:
        with hold_folder(tmp_path, port=8000, say=print) as lock:
            supervisor = Supervisor([Child("sleeper", PARENT_AND_CHILD)], tmp_path, lock, print)
            supervisor.tick()
            yield supervisor
            supervisor.stop()

    def test_stop_leaves_no_process(self, supervisor: Supervisor, tmp_path: Path) -> None:
        child, grandchild = number_in(tmp_path / "child"), number_in(tmp_path / "grandchild")
        supervisor.stop()
        assert not lives(child)
        # Killed with its group, it is gone when the system has got round to it.
        assert eventually(lambda: not lives(grandchild))

    def test_killed_child_starts_again_without_its_orphans(self, supervisor: Supervisor, tmp_path: Path) -> None:
        child, grandchild = number_in(tmp_path / "child"), number_in(tmp_path / "grandchild")
        os.kill(child, signal.SIGKILL)

        def another_runs() -> bool:
            supervisor.tick()
            return number_in(tmp_path / "child") != child

        assert eventually(another_runs)
        assert not lives(grandchild)

    def test_pauses_grow_to_a_limit_and_shrink_again(self, supervisor: Supervisor) -> None:
        child = supervisor.children[0]
        pauses = []
        for _ in range(6):
            self.end(child)
            child.due = 0
            supervisor.tick()
            pauses.append(child.pause)
            child.due = 0
            supervisor.tick()
        assert pauses == [1, 2, 4, 8, 10, 10]
        self.end(child)
        child.started -= local_run.WELL_AFTER_SECONDS
        supervisor.tick()
        assert child.pause == local_run.FIRST_PAUSE_SECONDS

    def test_without_pause_left_it_waits(self, supervisor: Supervisor) -> None:
        child = supervisor.children[0]
        self.end(child)
        supervisor.tick()
        assert child.process is None
        supervisor.tick()
        assert child.process is None

    @staticmethod
    def end(child: Child) -> None:
        assert child.process is not None
        child.process.kill()
        child.process.wait()


class TestKilledRun:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
        run = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path), *PARENT_AND_CHILD])
        yield run
        run.kill()
        run.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(number_in(tmp_path / "child"), signal.SIGKILL)

    def test_its_processes_end_and_the_next_run_starts(self, run: subprocess.Popen[bytes], tmp_path: Path) -> None:
        child, grandchild = number_in(tmp_path / "child"), number_in(tmp_path / "grandchild")
        run.kill()
        with hold_folder(tmp_path, port=8000, say=print):
            assert not lives(child)
        assert eventually(lambda: not lives(grandchild))

    def test_next_run_ends_what_its_watchdog_did_not(
        self, run: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local_run, "LOCK_SECONDS", 0.5)
        child, grandchild = number_in(tmp_path / "child"), number_in(tmp_path / "grandchild")
        run.send_signal(signal.SIGSTOP)  # so that it does not replace the watchdog
        for process in psutil.Process(run.pid).children():
            if process.pid != child:
                process.kill()
        run.kill()
        with hold_folder(tmp_path, port=8000, say=print):
            assert not lives(child)
            assert not lives(grandchild)


class TestStaticFiles:
    def test_fingerprint_follows_every_change(self, tmp_path: Path, settings: Settings) -> None:
        settings.STATICFILES_DIRS = [tmp_path]
        finders.get_finder.cache_clear()
        try:
            seen = [static_fingerprint()]
            for change in (
                lambda: (tmp_path / "new.css").write_text("a {}"),
                lambda: (tmp_path / "new.css").write_text("a { }"),
                (tmp_path / "new.css").unlink,
            ):
                change()
                seen.append(static_fingerprint())
        finally:
            finders.get_finder.cache_clear()
        assert seen[0] == seen[3]
        assert len(set(seen)) == 3
