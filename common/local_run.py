"""What `make run` is made of: one run in each folder, a free port, and processes that live and end with it."""

import contextlib
import errno
import fcntl
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.contrib.staticfiles.finders import get_finders

HOST = "127.0.0.1"
STOP_SECONDS = 5
# How long a run that stops, or was killed, may take to be gone: more than it leaves its processes to finish.
LOCK_SECONDS = 8
# How long it may take to notice that it has to stop.
NOTICE_SECONDS = 2
ENDING = "about to end"
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
# A process that lived this long was well: its next pause is the shortest again.
WELL_AFTER_SECONDS = 30

# Reads the process groups to end, the latest line counts, until this process is gone in whatever way.
WATCHDOG = """
trap '' INT TERM HUP
while read -r line; do groups=$line; done
[ -z "$groups" ] && exit 0
kill -s TERM -- $groups
sleep 5
kill -s KILL -- $groups
"""


class LocalRunError(Exception):
    """It cannot run here and now; the text says why and what to do."""


def check_port(port: int) -> None:
    """The port can be listened on.

    Raises:
        LocalRunError: it is in use, not for this user, or no port.
    """
    if not 0 < port < 65536:
        raise LocalRunError(f"{port} is no port. Choose one from 1024 to 65535: PORT=8000 make run")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as fault:
            why = "in use by another program" if fault.errno == errno.EADDRINUSE else f"not usable ({fault.strerror})"
            other = port + 1 if 1023 < port < 65535 else 8000
            raise LocalRunError(f"Port {port} is {why}. Choose another one: PORT={other} make run") from fault


@contextlib.contextmanager
def hold_folder(folder: Path, *, port: int, say: Callable[[str], None]) -> Iterator[int]:
    """No other run is alive that keeps its notes in `folder`; what a killed one left behind is ended.

    Gives the descriptor of a lock for the children: as long as one of them lives, it is taken.

    Raises:
        LocalRunError: another run goes on, or the folder is not this user's.
    """
    with _open(folder / "run.lock") as own, _open(folder / "run-children.lock") as inherited:
        if not _take_lock(own, seconds=0):
            other = f"Lectern is running already from this folder ({_read(own)})"
            say(f"{other}. Waiting, in case it is about to end …")
            ends = _take_lock(own, seconds=NOTICE_SECONDS) or (_read(own) == ENDING and _take_lock(own, LOCK_SECONDS))
            if not ends:
                raise LocalRunError(f"{other}. Stop that one first, with Ctrl-C where it runs.")
        _note(own.fileno(), f"process {os.getpid()}, http://{HOST}:{port}")
        if not _take_lock(inherited, seconds=LOCK_SECONDS):  # it ends by itself, unless its watchdog was killed too
            for group in _read(inherited).split():
                _kill_group(int(group))
            if not _take_lock(inherited, seconds=LOCK_SECONDS):
                raise LocalRunError("Processes of an earlier run are left, and do not end. Look for gunicorn.")
        yield inherited.fileno()


def note_ending(folder: Path) -> None:
    """A new run in the folder waits for the end of this one instead of giving up."""
    (folder / "run.lock").write_text(ENDING)


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except PermissionError as fault:
        raise LocalRunError(f"{path} is not yours to write: go on as the user who made it.") from fault


def _take_lock(file: IO[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _note(lock: int, text: str) -> None:
    os.ftruncate(lock, 0)
    os.write(lock, text.encode())


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def static_fingerprint() -> str:
    """Another value whenever a static file of any app was added, changed or removed."""
    known = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            known.update(f"{name}:{found.st_size}:{found.st_mtime_ns}\n".encode())
    return known.hexdigest()


def answers(port: int, path: str) -> bool:
    """Whether a server on this machine answers the path with a success."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass
class Child:
    """A process to keep alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    due: float = 0
    pause: float = FIRST_PAUSE_SECONDS


@dataclass
class Supervisor:
    """Keeps children alive; none of them, nor of their own children, outlives it, even if it is killed."""

    children: list[Child]
    folder: Path
    lock: int
    say: Callable[[str], None]
    _watchdog: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def tick(self) -> None:
        """Whoever is missing runs again, unless its pause is not over. To be called a few times a second."""
        if self._watchdog is None or self._watchdog.poll() is not None:
            self._start_watchdog()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process)
            if child.process is None and time.monotonic() >= child.due:
                self._start(child)

    def stop(self) -> None:
        """No child is left. They had STOP_SECONDS to finish what they were at."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _kill_group(process.pid)
            process.wait()
        for child in self.children:
            child.process = None
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._note_groups()
            with contextlib.suppress(BrokenPipeError):
                self._watchdog.stdin.close()
            self._watchdog.wait()
            self._watchdog = None

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603
            child.command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            pass_fds=[self.lock],
            process_group=0,  # Ctrl-C in the terminal is not for the child: it is stopped in order
        )
        child.started = time.monotonic()
        self._note_groups()

    def _bury(self, child: Child, process: subprocess.Popen[bytes]) -> None:
        _kill_group(process.pid)  # a dead gunicorn leaves workers that hold the port
        now = time.monotonic()
        well = now - child.started > WELL_AFTER_SECONDS
        child.pause = FIRST_PAUSE_SECONDS if well else min(child.pause * 2, LONGEST_PAUSE_SECONDS)
        child.due = now + child.pause
        child.process = None
        self.say(f"The {child.name} ended (code {process.returncode}); it starts again in {child.pause:g} s.")
        self._note_groups()

    def _start_watchdog(self) -> None:
        self._watchdog = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", WATCHDOG], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", process_group=0
        )
        self._note_groups()

    def _note_groups(self) -> None:
        groups = [child.process.pid for child in self.children if child.process is not None]
        _note(self.lock, " ".join(map(str, groups)))
        if self._watchdog is not None and self._watchdog.stdin is not None:
            # A dead one is replaced at the next tick.
            with contextlib.suppress(BrokenPipeError):
                self._watchdog.stdin.write(" ".join(f"-{group}" for group in groups).encode() + b"\n")
                self._watchdog.stdin.flush()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
