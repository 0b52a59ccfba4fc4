"""Background jobs: deferred in the transaction of their cause, run after it by `manage.py worker`, at least once.

Only this module and the worker command know procrastinate. Each app registers its jobs in its own `jobs.py`. A job may
run twice (its worker can die between the job's commit and the note that it is done), so it must be idempotent. It must
be short as well: what takes longer than JOB_TIME_LIMIT_SECONDS is started again, whether it still runs or not.
"""

import json
import logging
import math
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from inspect import Signature, signature
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job as Row

from common import db, outcomes
from common.context import RequestContext, current_request
from common.errors import JobNotFailed
from common.failpoints import failpoint
from common.redaction import redact

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., None])

# Jobs of one lane never take the places of another's. What waits for other people's servers is in a lane of its own, or
# a few that do not answer would hold up everything.
LANES = DEFAULT, OUTBOUND = "default", "outbound"

# Beside a job's own arguments: in which trace it belongs.
TRACEPARENT = "traceparent"

# One that was never tried has no time of its own: its log has that.
_DUE = """
    SELECT queue_name, jobs, extract(epoch FROM now() - least(since, (
        SELECT max(at) FROM procrastinate_events WHERE job_id = untried)))
    FROM (
        SELECT queue_name, count(*) AS jobs, min(scheduled_at) AS since,
            min(id) FILTER (WHERE scheduled_at IS NULL) AS untried
        FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
        GROUP BY queue_name
    ) AS due
"""
_FAILED = "SELECT queue_name, count(*) FROM procrastinate_jobs WHERE status = 'failed' GROUP BY queue_name"
_CLEANED_AT_ONCE = 1000
_LONGEST_FAULT = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    name: str
    run: Callable[..., None]
    parameters: Signature
    key: str = ""
    attempts: int = 1
    lane: str = DEFAULT
    longest_pause_seconds: float = math.inf

    def at_worker(self, job_context: JobContext, /, **arguments: Any) -> None:
        """Run for a worker, and keep what it raises."""
        assert job_context.job.id is not None
        self.run_noting_faults(job_context.job.id, job_context.job.attempts, arguments)

    def run_noting_faults(self, job_id: int, earlier_attempts: int, arguments: dict[str, Any]) -> None:
        """Run, for the request that caused it, and keep what it raises for whoever looks at the job."""
        own = {name: value for name, value in arguments.items() if name != TRACEPARENT}
        cause = RequestContext(own.get("request_id", ""), arguments.get(TRACEPARENT, ""))
        with outcomes.job(self.name, job_id=job_id, attempt=earlier_attempts + 1, context=cause):
            try:
                failpoint("job.before")
                self.run(**own)
                failpoint("job.after")
            except Exception as fault:
                _note_fault(job_id, earlier_attempts + 1, "".join(traceback.format_exception(fault)))
                raise

    def retry_at(self, failures: int) -> datetime | None:
        """When to try again after so many failures: about 1 second later, then 3, 9, 27 and so on; None for never."""
        if failures >= self.attempts:
            return None
        pause = min(3.0 ** (failures - 1), self.longest_pause_seconds)
        # The spread keeps jobs that failed together, in an outage, from coming back together.
        spread = random.uniform(0.5, 1.5)  # noqa: S311 - nothing is kept secret by it
        return datetime.now(UTC) + timedelta(seconds=pause * spread)


class _Retry(BaseRetryStrategy):
    def get_retry_decision(self, *, exception: BaseException, job: Row) -> RetryDecision | None:
        retry_at = _jobs[job.task_name].retry_at(job.attempts + 1)
        return RetryDecision(retry_at=retry_at) if retry_at else None


_jobs: dict[str, _Job] = {}
_names: dict[Callable[..., None], str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """What each worker does again and again, beside its jobs."""

    run: Callable[[], None]
    seconds: float


chores: list[Chore] = []


def job(
    *,
    name: str,
    key: str = "",
    attempts: int = 8,
    lane: str = DEFAULT,
    longest_pause_seconds: float = math.inf,
) -> Callable[[Function], Function]:
    """Register a function as the job `name`. It takes JSON values by keyword, one of them `request_id`.

    That is the id of the request which caused the job; it is on the job's log lines as well. The job goes on with the
    trace of whatever deferred it.

    Jobs with the same `key`, a format of the arguments such as `course:{course_id}`, run one at a time and in the order
    in which they were deferred; one that waits to be tried again holds up those behind it. A job that raises is tried
    again after growing pauses, `attempts` times in all: with 8, over about 18 minutes. One that waits for somebody
    else's server belongs into the lane OUTBOUND. One that many wait for, whatever it failed of, needs a shorter
    longest pause: deaths of workers and outages of the database count as attempts too.
    """

    def register(function: Function) -> Function:
        parameters = signature(function)
        if "request_id" not in parameters.parameters:
            raise TypeError(f"The job {name} does not take request_id.")

        one = _Job(
            name=name,
            run=function,
            parameters=parameters,
            key=key,
            attempts=attempts,
            lane=lane,
            longest_pause_seconds=longest_pause_seconds,
        )
        app.task(name=name, queue=lane, retry=_Retry(), pass_context=True)(one.at_worker)
        _jobs[name] = one
        _names[function] = name
        return function

    return register


def every(cron: str, *, name: str) -> Callable[[Function], Function]:
    """Register a function without arguments as a job that is deferred at each tick of `cron`, five fields in UTC.

    Only one worker defers a tick, and runs never overlap. None is made up for: not one that fails, since the next will
    do, and not those of a time without workers.
    """

    def register(function: Function) -> Function:
        def run(**_timestamp: Any) -> None:
            function()

        one = _Job(name=name, run=run, parameters=signature(function), key=name)
        app.periodic(cron=cron)(app.task(name=name, lock=name, pass_context=True)(one.at_worker))
        _jobs[name] = one
        return function

    return register


def beside(*, seconds: float) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that each worker calls so many seconds after it came back, and logs what it raises.

    It needs no place among the jobs, and no row: for what has to go on when all places are taken, and for what looks
    so often that a job for each time would be the greater part of the work. Several workers may do it at once.
    """

    def register(function: Callable[[], None]) -> Callable[[], None]:
        chores.append(Chore(run=function, seconds=seconds))
        return function

    return register


@db.step
def defer(job: Callable[..., None] | str, /, *, request_id: str = "", **arguments: Any) -> None:
    """The job, itself or by name, runs soon after the commit of the use case at hand, and never without it.

    There is always a new row, even if one like it waits already: that one may be taken up before this commit, and would
    not see what it was deferred for.

    Raises:
        NotInTransaction: no use case is open.
        LookupError: there is no such job.
        TypeError: it does not take these arguments, or they are not JSON.
    """
    registered = _jobs[job if isinstance(job, str) else _names[job]]
    arguments["request_id"] = request_id
    registered.parameters.bind(**arguments)
    if traceparent := current_request().traceparent:
        arguments[TRACEPARENT] = traceparent
    _call(
        "procrastinate_defer_jobs_v1(ARRAY[ROW(%s::varchar, %s::varchar, 0, %s::text, NULL, %s::jsonb, NULL)]"
        "::procrastinate_job_to_defer_v1[])",
        registered.lane,
        registered.name,
        registered.key.format(**arguments) or None,
        json.dumps(arguments),
    )


@db.step
def defer_unless_live(job: Callable[..., None], /, **arguments: Any) -> None:
    """As `defer`, unless a job with the same key waits or runs: for a job that somebody asks for again and again.

    One that runs may have looked before the caller's change, and would miss it: only who asks again soon may ask so.
    """
    key = _jobs[_names[job]].key.format(**arguments)
    if not _call("EXISTS (SELECT FROM procrastinate_jobs WHERE lock = %s AND status IN ('todo', 'doing'))", key):
        defer(job, **arguments)


def is_known(name: str, /, **arguments: Any) -> bool:
    """Whether a job of this name and key waits, runs, or has failed and was reported."""
    known = "status IN ('todo', 'doing', 'failed')"
    found = _call(
        f"EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = %s AND lock = %s AND {known})",
        name,
        _jobs[name].key.format(**arguments),
    )
    return bool(found)


@transaction.atomic
def retry(*, job_id: int) -> None:
    """The failed job waits for a worker again, with all its attempts before it.

    Raises:
        JobNotFailed: it has not failed, or is no longer known.
    """
    waits = db.execute(
        "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL"
        " WHERE id = %s AND status = 'failed'",
        [job_id],
    )
    if not waits:
        raise JobNotFailed


@beside(seconds=settings.STALLED_WORKER_SECONDS / 3)
@transaction.atomic
def rescue() -> None:
    """The jobs of dead workers wait again; those that have used up their attempts have failed, and are reported.

    A worker counts as dead when its heartbeat stops. The time limit is for jobs that a living worker has finished
    without being able to say so, because the database refused it just then.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT job.id, job.task_name, job.attempts + 1
            FROM procrastinate_jobs job LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
            WHERE job.status = 'doing' AND (
                job.worker_id IS NULL
                OR worker.last_heartbeat < now() - make_interval(secs => %s)
                OR (SELECT max(at) FROM procrastinate_events WHERE job_id = job.id AND type = 'started')
                    < now() - make_interval(secs => %s))
            ORDER BY job.id
            FOR UPDATE OF job SKIP LOCKED
            """,
            [settings.STALLED_WORKER_SECONDS, settings.JOB_TIME_LIMIT_SECONDS],
        )
        stalled = cursor.fetchall()
    for job_id, name, attempts in stalled:
        _note_fault(job_id, attempts, "It never came to an end: its worker died, or it took longer than a job may.")
        # A job that kills its worker, by its hunger for memory for one, would otherwise do so for ever.
        if name not in _jobs or attempts >= _jobs[name].attempts:
            _call("procrastinate_finish_job_v1(%s, 'failed', false)", job_id)
            logger.error("Job %s[%s] is given up: attempt %s never came to an end", name, job_id, attempts)
        else:
            _call("procrastinate_retry_job_v1(%s, now(), NULL, NULL, NULL)", job_id)
            logger.warning("Job %s[%s] waits again: attempt %s never came to an end", name, job_id, attempts)


# For set-based questions of apps: the keys of the jobs that wait or run.
LIVE_KEYS_IN_SQL = "(SELECT lock FROM procrastinate_jobs WHERE lock IS NOT NULL AND status IN ('todo', 'doing'))"


def run_pending() -> int:
    """No job is due any more: each ran in this process, on its database connection. Returns how many did.

    For tests and demonstration data. What a job raises is noted as a worker would note it, and leaves here as well.
    """
    worker_id = _call("worker_id FROM procrastinate_register_worker_v1()")
    done = 0
    try:
        while row := db.fetch_one(
            "SELECT id, task_name, args::text, attempts FROM procrastinate_fetch_job_v2(NULL, %s) WHERE id IS NOT NULL",
            [worker_id],
        ):
            _run(*row)
            done += 1
            _call("procrastinate_update_heartbeat_v1(%s)", worker_id)
    finally:
        _call("procrastinate_unregister_worker_v1(%s)", worker_id)
    return done


def _run(job_id: int, name: str, arguments: str, earlier_attempts: int) -> None:
    try:
        _jobs[name].run_noting_faults(job_id, earlier_attempts, json.loads(arguments))
    except Exception:
        retry_at = _jobs[name].retry_at(earlier_attempts + 1)
        if retry_at is None:
            _call("procrastinate_finish_job_v1(%s, 'failed', false)", job_id)
        else:
            _call("procrastinate_retry_job_v1(%s, %s, NULL, NULL, NULL)", job_id, retry_at)
        raise
    _call("procrastinate_finish_job_v1(%s, 'succeeded', false)", job_id)


def _note_fault(job_id: int, attempt: int, report: str) -> None:
    try:
        with transaction.atomic():
            db.execute(
                "INSERT INTO common_jobfault (job_id, attempt, report, at) VALUES (%s, %s, %s, now())",
                [job_id, attempt, redact(report.replace("\0", "")[-2 * _LONGEST_FAULT :])[-_LONGEST_FAULT:]],
            )
    except DatabaseError as outage:  # which may be why the job failed
        logger.warning("The fault of job %s could not be kept: %s", job_id, outage)


def count_due() -> dict[str, tuple[int, float]]:
    """For each lane, how many jobs could run now, and for how many seconds the first of them has waited."""
    found = {lane: (count, float(age)) for lane, count, age in db.fetch_set(_DUE)}
    return {lane: found.get(lane, (0, 0.0)) for lane in LANES}


def count_failed() -> dict[str, int]:
    """For each lane, how many jobs have failed for good and are still known."""
    found = dict(db.fetch_set(_FAILED))
    return {lane: found.get(lane, 0) for lane in LANES}


def waiting() -> list[tuple[str, dict[str, Any]]]:
    """The names and arguments of the jobs that wait for a worker, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [(name, json.loads(arguments)) for name, arguments in cursor.fetchall()]


@every("17 * * * *", name="common.clean_jobs")
def clean() -> None:
    """Jobs that ended longer than JOBS_KEPT_FOR ago are gone, in small bites, for the sake of the statement timeout."""
    with connection.cursor() as cursor:
        removed = True
        while removed:
            cursor.execute(
                """
                DELETE FROM procrastinate_jobs WHERE id IN (
                    SELECT id FROM (
                        SELECT id FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing') ORDER BY id LIMIT %s
                    ) oldest
                    WHERE NOT EXISTS (
                        SELECT FROM procrastinate_events
                        WHERE job_id = oldest.id AND at > now() - make_interval(secs => %s)))
                """,
                [_CLEANED_AT_ONCE, settings.JOBS_KEPT_FOR.total_seconds()],
            )
            removed = cursor.rowcount > 0


def _call(function: str, *parameters: Any) -> Any:
    """The first column of `SELECT function`; procrastinate's own functions keep its log of each job complete."""
    row = db.fetch_one(f"SELECT {function}", parameters)
    return row[0] if row else None
