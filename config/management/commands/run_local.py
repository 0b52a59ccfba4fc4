"""`make run`: the whole service on this machine, until Ctrl-C."""

import contextlib
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console
from rich.markup import escape

from common import clock, embedded_postgres, local_run
from common.embedded_postgres import EmbeddedPostgresError
from common.local_run import Child, LocalRunError, Supervisor
from config import demo

TICK_SECONDS = 0.1
# How often somebody looks whether the database still runs; its data is safe all the while.
DATABASE_CHECK_SECONDS = 2
SLOW_START_SECONDS = 60
READY = "/health/ready"
STDIN = 0


class Command(BaseCommand):
    help = "Runs everything on this machine: database, API, documentation, admin and background worker."
    requires_system_checks = ()
    mail_folder = settings.VAR_DIR / "mail"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where to listen on 127.0.0.1")
        parser.add_argument("--stop-with-parent", action="store_true", help="stop when the calling process is gone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Everything has run and is stopped again, the database included.

        Raises:
            CommandError: another run goes on in this folder, the port is not free, or the database does not start.
        """
        self.console = Console(highlight=False, soft_wrap=True)
        self.port: int = options["port"]
        self.parent = os.getppid() if options["stop_with_parent"] else None
        self.at_terminal = os.isatty(STDIN)
        self.asked_to_stop = False
        _on_signals(self.interrupt)
        # Mails of demonstration people would bury what the terminal is for.
        os.environ.setdefault("EMAIL_URL", f"filemail://{quote(str(self.mail_folder))}")
        try:
            with local_run.hold_folder(settings.VAR_DIR, port=self.port, say=self.say) as lock:
                local_run.check_port(self.port)
                self.run(lock)
        except KeyboardInterrupt:
            pass  # before it was up; everything is stopped all the same
        except (LocalRunError, EmbeddedPostgresError, OperationalError) as fault:
            raise CommandError(str(fault)) from fault
        self.say("Stopped.")

    def run(self, lock: int) -> None:
        """The service runs until it is interrupted; then nothing of it is left."""
        supervisor = Supervisor([self.web_server()], settings.BASE_DIR, lock, self.say)
        try:
            self.prepare()
            self.serve(supervisor)
        finally:
            _on_signals(signal.SIG_IGN)
            self.say("Stopping …")
            local_run.note_ending(settings.VAR_DIR)
            supervisor.stop()
            connections.close_all()
            if _is_embedded():
                embedded_postgres.stop(settings.EMBEDDED_POSTGRES["DATA_DIR"])

    def prepare(self) -> None:
        """Tables, static files and, on the first start, demo data are there. Costs little when they were before."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.say("Setting up the database …")
            call_command("migrate", interactive=False, verbosity=0)
        fingerprint = local_run.static_fingerprint()
        stamp = settings.VAR_DIR / "static.fingerprint"
        collected = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
        if not collected or not stamp.exists() or stamp.read_text() != fingerprint:
            self.say("Collecting static files …")
            call_command("collectstatic", interactive=False, verbosity=0)
            stamp.write_text(fingerprint)
        if _is_demonstration() and demo.fill(now=clock.now()):
            self.say("Demonstration data is loaded.")
        connections.close_all()

    def web_server(self) -> Child:
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "--log-level", "warning"]
        return Child("web server", [*command, "--bind", f"{local_run.HOST}:{self.port}", "config.wsgi"])

    def serve(self, supervisor: Supervisor) -> None:
        # An exception could come between the start of a child and the note of it.
        _on_signals(self.ask_to_stop)
        started = checked = time.monotonic()
        announced = False
        while self.is_wanted():
            supervisor.tick()
            now = time.monotonic()
            if not announced and (local_run.answers(self.port, READY) or now - started > SLOW_START_SECONDS):
                self.announce(ready=now - started <= SLOW_START_SECONDS)
                announced = True
                # Not earlier, so that the two do not get in each other's way while somebody waits.
                supervisor.children.append(Child("worker", [sys.executable, "manage.py", "worker"]))
            if _is_embedded() and now - checked > DATABASE_CHECK_SECONDS:
                self.keep_database()
                checked = time.monotonic()
            time.sleep(TICK_SECONDS)

    def is_wanted(self) -> bool:
        """Whether nobody asked for an end, and the process and terminal that it was started from are still there."""
        has_parent = self.parent is None or os.getppid() == self.parent
        return not self.asked_to_stop and has_parent and (not self.at_terminal or os.isatty(STDIN))

    def interrupt(self, _number: int, _frame: FrameType | None) -> None:
        _on_signals(signal.SIG_IGN)
        raise KeyboardInterrupt

    def ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop = True

    def keep_database(self) -> None:
        chosen = settings.EMBEDDED_POSTGRES
        try:
            embedded_postgres.start_again(chosen["DATA_DIR"], durable=chosen["DURABLE"])
        except EmbeddedPostgresError as fault:
            self.say(str(fault))

    def announce(self, *, ready: bool) -> None:
        address = f"http://{local_run.HOST}:{self.port}"
        if not ready:
            self.say(f"Not ready after {SLOW_START_SECONDS} seconds: see {address}{READY} and the lines above.")
        title = f"[bold green]Lectern runs at {address}[/]  (Ctrl-C stops everything)"
        lines = demo.banner(base_url=address, now=clock.now()) if _is_demonstration() else []
        if os.environ["EMAIL_URL"].startswith("filemail:"):
            lines = [*lines, "", f"Mail goes to {self.mail_folder}, and to nobody."]
        connections.close_all()
        # At one go, since the worker writes to the same terminal.
        with contextlib.suppress(OSError):
            self.console.print("\n".join(["", title, "", *map(escape, lines), ""]))

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            self.console.print(escape(text))


def _is_embedded() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"] == "common.embedded_database")


def _is_demonstration() -> bool:
    """Whether accounts with a public password may be made: not in somebody else's database, nor for outsiders."""
    return _is_embedded() and not settings.HTTPS


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup had SIGHUP ignored, and wants it so.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
