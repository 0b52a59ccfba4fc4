"""`manage.py worker`: runs the background jobs."""

import asyncio
import logging
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, OperationalError, close_old_connections, connection
from procrastinate import JobContext, PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.middleware import AsyncCallNext
from procrastinate.worker import Worker

from common import jobs

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1
_STOP = (signal.SIGTERM, signal.SIGINT)
# A peer that vanished without a word is noticed after 25 seconds; on a Unix socket these say nothing.
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}


class Command(BaseCommand):
    """Outlives outages of the database. Asked to stop, finishes the jobs at hand and exits with 0."""

    help = "Runs the background jobs until SIGTERM or Ctrl-C."
    requires_system_checks = []  # those are for the release; a worker restarted in a hurry needs no URLs

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=4, help="how many jobs run at the same time (4)")

    def handle(self, *args: Any, concurrency: int, **options: Any) -> None:
        self.asked_to_stop = False
        while not self.asked_to_stop:
            for number in _STOP:
                signal.signal(number, lambda *_: sys.exit(0))  # no job is at hand yet
            try:
                _wait_for_database()
                asyncio.run(self._serve(concurrency))
            except (ConnectorException, psycopg.OperationalError):
                logger.exception("The database failed the worker")
            if not self.asked_to_stop:
                logger.error("The worker stopped by itself and starts again")
                time.sleep(_PAUSE_SECONDS)

    async def _serve(self, concurrency: int) -> None:
        app.perform_import_paths()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(concurrency + 1))  # the jobs, and their rescue
        with app.replace_connector(_make_connector()):
            async with app.open_async():
                worker = asyncio.create_task(_Worker(concurrency).run())
                rescue = asyncio.create_task(_rescue_for_ever())
                for number in _STOP:
                    loop.add_signal_handler(number, self._stop, worker)
                try:
                    await worker
                except asyncio.CancelledError:
                    logger.info("The worker was asked to stop")
                finally:
                    rescue.cancel()

    def _stop(self, worker: "asyncio.Task[None]") -> None:
        if not self.asked_to_stop:  # a second signal must not interrupt the wait for the jobs at hand
            self.asked_to_stop = True
            worker.cancel()


class _Worker(Worker):
    def __init__(self, concurrency: int) -> None:
        super().__init__(
            app,
            **app.worker_defaults,
            concurrency=concurrency,
            install_signal_handlers=False,
            worker_middleware=[_free_the_next],
        )
        self._new_job_event = _WakeUp()


class _WakeUp(asyncio.Event):
    """Wakes once for being set, whenever that was.

    The worker clears its event after it has looked for work, and so would sleep over what came while it looked.
    """

    def clear(self) -> None:
        pass

    async def wait(self) -> Literal[True]:
        await super().wait()
        super().clear()
        return True


def _wait_for_database() -> None:
    while True:
        close_old_connections()
        try:
            connection.ensure_connection()
            break
        except OperationalError as failure:
            logger.warning("The database does not answer: %s", failure)
            time.sleep(_PAUSE_SECONDS)
    if not app.check_connection():
        raise CommandError("The tables of the jobs are missing. Run `manage.py migrate` first.", returncode=2)
    connection.close()


def _make_connector() -> PsycopgConnector:
    """The worker's own connections, which LISTEN: behind PgBouncer they need WORKER_DATABASE_URL to pass it by."""
    if settings.WORKER_DATABASE_URL:
        where = {"conninfo": settings.WORKER_DATABASE_URL, "kwargs": _KEEPALIVES}
    else:
        where = {"kwargs": {**connector_params(), **_KEEPALIVES}}
    return PsycopgConnector(min_size=1, max_size=4, timeout=5, **where)


async def _free_the_next(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    """Look for work as soon as a job with a key has ended: the next with its key was passed over until then.

    Left to the poll, jobs of one key would run at one a second instead of 200.
    """
    task = asyncio.current_task()
    if context.job.lock and task:
        task.add_done_callback(lambda _: worker._new_job_event.set())
    return await call_next()


async def _rescue_for_ever() -> None:
    """Beside the jobs, not one of them, so that it needs no free place among them when all are stuck."""
    while True:
        try:
            await sync_to_async(_rescue, thread_sensitive=False)()
        except DatabaseError as failure:
            logger.warning("Stalled jobs could not be looked for: %s", failure)
        except Exception:
            logger.exception("Stalled jobs could not be looked for")
        await asyncio.sleep(settings.STALLED_WORKER_SECONDS / 3)


def _rescue() -> None:
    close_old_connections()
    try:
        jobs.rescue()
    finally:
        close_old_connections()
