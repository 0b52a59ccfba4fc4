"""The system under test: database, web server and workers as production runs them, kept alive as production would."""

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from benchmarks.chaos import plugin, world
from benchmarks.chaos.plan import Plan
from benchmarks.database import Database, prepared_from, service_environment
from benchmarks.service import ask
from common import embedded_postgres, local_run
from common.local_run import Child, Supervisor

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "var" / "chaos"
# The database's, of this run alone; the older one is there if it became large.
LOGS = FOLDER / "postgres.log.old", FOLDER / "postgres.log"
LOCK_TIMEOUT_SECONDS = 1
STATEMENT_TIMEOUT_SECONDS = 2
_KEEP_SECONDS = 0.1
_START_SECONDS = 60
_RESTART_SECONDS = 0.3
# Ports above this are given to outgoing connections, which would be in the way of a restart.
_FIRST_EPHEMERAL = 32768
# Only a power cut would ask for what takes so long here: a flush of every single file before recovery.
_QUICK_TO_RECOVER = "ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'"
FORGETS = "synchronous_commit_off"
# What is committed without waiting stays in memory alone until the process that writes it wakes up.
_FORGETFUL = (
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
    "ALTER SYSTEM SET wal_buffers = '64MB'",
    "ALTER SYSTEM SET autovacuum = off",
)


@dataclass(kw_only=True)
class System:
    """The running system of one plan. Whatever dies is started again, until it is stopped."""

    plan: Plan
    folder: Path
    database: Database
    mail_port: int
    lock: int
    port: int = 0
    start_seconds: float = 0.0  # until it answered for the first time
    supervisor: Supervisor = field(init=False)
    secret_key: str = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _keeper: threading.Thread = field(init=False)

    @property
    def forgets(self) -> bool:
        """Whether the planted defect is one of the database's settings, and not of the code."""
        return self.plan.defect == FORGETS

    @property
    def web(self) -> Child:
        """gunicorn's master."""
        return self.supervisor.children[0]

    @property
    def workers(self) -> list[Child]:
        """The background workers."""
        return self.supervisor.children[1:]

    def start(self) -> None:
        """Everything runs, and answers.

        Raises:
            RuntimeError: it does not.
        """
        for name in ("armed", "fired", "tmp"):
            (self.folder / name).mkdir(parents=True)
        self.port = _free_port(self.plan.seed)
        environment = self._environment()
        self.secret_key = environment["SECRET_KEY"]
        gunicorn = ["-m", "gunicorn", "--config", "config/gunicorn.py", "--log-level", "warning"]
        children = [self._child("web", environment, *gunicorn, "--bind", f"127.0.0.1:{self.port}", "config.wsgi")]
        # They are to run into the other timeout.
        environment |= {"LOCK_TIMEOUT_SECONDS": str(2 * STATEMENT_TIMEOUT_SECONDS), "STATEMENT_TIMEOUT_SECONDS": "1"}
        children += [self._child(f"worker-{n}", environment, "manage.py", "worker") for n in range(self.plan.workers)]
        self.supervisor = Supervisor(children, ROOT, self.lock, self._note)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        began = time.monotonic()
        self._keeper.start()
        self._wait_until_up()
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Web server and workers are gone."""
        self._stopping.set()
        self._keeper.join()
        self.supervisor.stop()

    def connect(self) -> psycopg.Connection:
        """A connection of the test's own, as soon as the database takes one.

        Raises:
            psycopg.OperationalError: it has not for too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                connection = self.database.connect()
                connection.execute("SET application_name = 'chaos'")
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return connection

    def postmaster(self) -> int:
        """The first process of the database."""
        return int((FOLDER / "postgres" / "postmaster.pid").read_text().split()[0])

    def web_workers(self) -> list[psutil.Process]:
        """gunicorn's processes that answer requests."""
        if self.web.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.web.process.pid).children()
            return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return []

    def _environment(self) -> dict[str, str]:
        return {
            **service_environment(self.database.url),
            "DJANGO_SETTINGS_MODULE": "benchmarks.chaos.settings",
            "LOCK_TIMEOUT_SECONDS": str(LOCK_TIMEOUT_SECONDS),
            "STATEMENT_TIMEOUT_SECONDS": str(STATEMENT_TIMEOUT_SECONDS),
            "WEBHOOK_ALLOW_PRIVATE_ADDRESSES": "true",
            "WEB_CONCURRENCY": str(self.plan.web_processes),
            "WEB_THREADS": "8",  # more than by default: the more at once, the more can go wrong
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "TMPDIR": str(self.folder / "tmp"),
            plugin.FOLDER: str(self.folder),
            plugin.DEFECT: "" if self.forgets else self.plan.defect,
        }

    def _child(self, name: str, environment: dict[str, str], *command: str) -> Child:
        pairs = [f"{key}={value}" for key, value in environment.items()]
        into_log = ["sh", "-c", 'exec "$@" >>"$0" 2>&1', str(self.folder / f"{name}.log")]
        return Child(name, ["env", "-i", *pairs, *into_log, sys.executable, *command])

    def _keep(self) -> None:
        while not self._stopping.is_set():
            for child in self.supervisor.children:
                # The growing pauses are for programs that end by themselves.
                child.pause = _RESTART_SECONDS / 2
            self.supervisor.tick()
            with suppress(embedded_postgres.EmbeddedPostgresError):
                embedded_postgres.ensure_running(FOLDER / "postgres", durable=True)
            self._stopping.wait(_KEEP_SECONDS)

    def _note(self, text: str) -> None:
        with (self.folder / "supervisor.log").open("a") as log:
            log.write(f"{time.monotonic():.3f} {text}\n")

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not (self._answers() and self._has_workers()):
            if time.monotonic() > deadline:
                raise RuntimeError(f"The system did not start: see the logs in {self.folder}.")
            time.sleep(0.1)

    def _answers(self) -> bool:
        with suppress(OSError):
            return ask(self.port, "GET", "/health/ready") == 200
        return False

    def _has_workers(self) -> bool:
        with self.connect() as connection:
            count = connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone()
        return count is not None and count[0] >= self.plan.workers


@contextmanager
def running(plan: Plan, folder: Path, mail_port: int) -> Iterator[System]:
    """The system of the plan, in a new world, with its files in `folder`. Nothing of it runs afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    with (
        local_run.hold_folder(FOLDER, port=0, say=print) as lock,
        _server(plan) as base,
        prepared_from(base, world.SEED, world.values(plan.clients), lambda _: None) as database,
    ):
        system = System(plan=plan, folder=folder, database=database, mail_port=mail_port, lock=lock)
        if system.forgets:
            with base.beside("postgres").connect() as connection:
                connection.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
        try:
            system.start()
            yield system
        finally:
            system.stop()
            embedded_postgres.ensure_running(FOLDER / "postgres", durable=True)


@contextmanager
def _server(plan: Plan) -> Iterator[Database]:
    data = FOLDER / "postgres"
    base = Database(embedded_postgres.ensure_running(data, durable=True), "lectern_chaos")
    try:
        with base.beside("postgres").connect() as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
            connection.execute(_QUICK_TO_RECOVER)
            for statement in _FORGETFUL if plan.defect == FORGETS else ():
                connection.execute(statement)
        # So that all of it is in effect, and nothing of an earlier run.
        embedded_postgres.stop(data)
        for log in LOGS:
            log.unlink(missing_ok=True)
        embedded_postgres.ensure_running(data, durable=True)
        yield base
    finally:
        embedded_postgres.stop(data)


def _free_port(seed: int) -> int:
    for attempt in range(1000):
        port = 20_000 + (seed * 7 + os.getpid() + attempt) % (_FIRST_EPHEMERAL - 20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("There is no free port.")
