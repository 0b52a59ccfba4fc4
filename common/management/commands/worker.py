"""`manage.py worker`: runs the background jobs."""

import asyncio
import logging
import os
import signal
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Timer
from types import FrameType
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
from prometheus_client import start_http_server

from common import jobs
from common.ops.arguments import at_least_one

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 1
# How long a worker that stops may take for its farewell to a database that may be away.
_FAREWELL_SECONDS = 2
_STOP = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    """Outlives outages of the database. Asked to stop, finishes the jobs at hand and exits with 0."""

    help = "Runs the background jobs until SIGTERM or Ctrl-C."
    requires_system_checks = []  # those are for the release; a worker restarted in a hurry needs no URLs

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency", type=at_least_one, default=4, help="how many jobs run at the same time (4)"
        )
        parser.add_argument(
            "--outbound-concurrency",
            type=at_least_one,
            default=4,
            help="how many more may wait for other servers meanwhile: webhooks and mail (4)",
        )

        parser.add_argument(
            "--metrics", metavar="HOST:PORT", type=_address, help="where Prometheus reads what this worker counts"
        )

    def handle(self, *args: Any, concurrency: int, outbound_concurrency: int, **options: Any) -> None:
        self.asked_to_stop = False
        if options["metrics"]:
            host, port = options["metrics"]
            try:
                start_http_server(port, addr=host)
            except OSError as fault:
                raise CommandError(f"Nobody can listen on {host}:{port}: {fault.strerror}.", returncode=2) from fault
        self.places = {jobs.DEFAULT: concurrency, jobs.OUTBOUND: outbound_concurrency}
        _on_stop(lambda *_: sys.exit(0))  # no job is at hand yet
        while not self.asked_to_stop:
            try:
                _wait_for_database()
                asyncio.run(self._serve())
            except (ConnectorException, psycopg.OperationalError):
                logger.exception("The database failed the worker")
            if not self.asked_to_stop:
                logger.error("The worker stopped by itself and starts again")
                time.sleep(_PAUSE_SECONDS)

    async def _serve(self) -> None:
        app.perform_import_paths()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(sum(self.places.values()) + len(jobs.chores)))
        with app.replace_connector(_make_connector()) as connected:
            async with connected.open_async():
                self.workers = [_Worker(lane, places) for lane, places in self.places.items()]
                self.stop_wanted = loop.create_future()
                self.running = [asyncio.create_task(worker.run()) for worker in self.workers]
                chores = [asyncio.create_task(_do_for_ever(chore)) for chore in jobs.chores]
                for number in _STOP:
                    loop.add_signal_handler(number, self._stop)
                try:
                    await self._until_stopped()
                finally:
                    for task in chores:
                        task.cancel()
                    for number in _STOP:
                        loop.remove_signal_handler(number)
                    if self.asked_to_stop:
                        _leave_within(_FAREWELL_SECONDS)
                    _on_stop(signal.SIG_IGN if self.asked_to_stop else lambda *_: sys.exit(0))

    def _stop(self) -> None:
        if not self.asked_to_stop:  # a second signal must not interrupt the wait for the jobs at hand
            logger.info("The worker was asked to stop")
            self.asked_to_stop = True
            self.stop_wanted.set_result(None)

    async def _until_stopped(self) -> None:
        """All lanes end together: when the worker is asked to stop, or one of them stops by itself."""
        await asyncio.wait([*self.running, self.stop_wanted], return_when=asyncio.FIRST_COMPLETED)
        for task in self.running:
            task.cancel()
        while not all(task.done() for task in self.running):
            await asyncio.wait(self.running, timeout=_FAREWELL_SECONDS)
            if not any(worker.jobs_at_hand for worker in self.workers):
                break  # the database is away, and will miss the worker by itself
        faults = [task.exception() for task in self.running if task.done() and not task.cancelled()]
        for fault in faults:
            if fault is not None:
                raise fault


def _leave_within(seconds: float) -> None:
    """The process ends by then. No job is at hand, and threads wait without end for a database that says nothing."""
    timer = Timer(seconds, os._exit, [0])
    timer.daemon = True
    timer.start()


def _on_stop(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in _STOP:
        signal.signal(number, handler)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ArgumentTypeError("an address is written as 127.0.0.1:9100")
    return host, int(port)


class _Worker(Worker):
    """Runs the jobs of one lane. The schedule is kept by one lane for all."""

    def __init__(self, lane: str, places: int) -> None:
        super().__init__(
            app,
            **app.worker_defaults,
            queues=[lane],
            concurrency=places,
            install_signal_handlers=False,
            worker_middleware=[_run_job],
        )
        self.jobs_at_hand = 0
        self._new_job_event = _WakeUp()
        self._keeps_schedule = lane == jobs.DEFAULT

    async def _periodic_deferrer(self) -> None:
        if self._keeps_schedule:
            await super()._periodic_deferrer()
        else:
            await asyncio.Event().wait()


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
        where = {"conninfo": settings.WORKER_DATABASE_URL, "kwargs": settings.DATABASE_KEEPALIVES}
    else:
        where = {"kwargs": connector_params()}
    return PsycopgConnector(min_size=1, max_size=4, timeout=5, **where)


async def _run_job(call_next: AsyncCallNext, context: JobContext, worker: Worker) -> Any:
    """Count the job while it runs, and look for work as soon as one with a key has ended.

    The next with its key was passed over until then; left to the poll, jobs of one key would run at one a second
    instead of 200.
    """
    assert isinstance(worker, _Worker)
    task = asyncio.current_task()
    if context.job.lock and task:
        task.add_done_callback(lambda _: worker._new_job_event.set())
    worker.jobs_at_hand += 1
    try:
        return await call_next()
    finally:
        worker.jobs_at_hand -= 1  # its end is not noted yet, and cannot be while the database is away


async def _do_for_ever(chore: jobs.Chore) -> None:
    while True:
        try:
            await sync_to_async(_do, thread_sensitive=False)(chore)
        except DatabaseError as failure:
            logger.warning("%s: %s", chore.run.__qualname__, failure)
        except Exception:
            logger.exception("%s failed", chore.run.__qualname__)
        await asyncio.sleep(chore.seconds)


def _do(chore: jobs.Chore) -> None:
    close_old_connections()
    try:
        chore.run()
    finally:
        close_old_connections()
