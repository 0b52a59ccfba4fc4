"""What became of each use case and of each job: a line of the log, a count, a span."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from time import perf_counter
from typing import ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, transaction

from common import db, metrics, tracing
from common.context import RequestContext, at_hand, entered
from common.errors import DomainError, InvalidInput

P = ParamSpec("P")
R = TypeVar("R")

DONE = "done"

log = structlog.get_logger()

_in_use_case: ContextVar[bool] = ContextVar("in_use_case", default=False)


def use_case(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as a use case: once it is known for good what became of it, that is logged and counted.

    Done is done after the commit, also that of a transaction around it, such as that of an idempotency key. Anything
    else goes by the code that a client sees. One that is a part of another has no outcome of its own.
    """
    name = f"{_app_of(function)}.{function.__name__}"

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        with tracing.span(name):
            if _in_use_case.get():
                return function(*args, **kwargs)
            token = _in_use_case.set(True)
            started = perf_counter()
            try:
                result = function(*args, **kwargs)
            except Exception as fault:
                _tell(name, code_of(fault), perf_counter() - started)
                raise
            finally:
                _in_use_case.reset(token)
            transaction.on_commit(partial(_tell, name, DONE, perf_counter() - started))
            return result

    told.use_case = name  # type: ignore[attr-defined]
    return told


def _app_of(function: Callable[..., object]) -> str:
    return function.__module__.removeprefix("common.").partition(".")[0]


def _tell(name: str, code: str, seconds: float) -> None:
    metrics.use_case(name, code).inc()
    context = at_hand()
    # What an operator runs has its own report.
    if context is not None:
        log.info(
            "use_case",
            use_case=name,
            code=code,
            ms=round(seconds * 1000, 2),
            request_id=context.request_id,
            trace_id=context.trace_id,
        )


def code_of(fault: Exception) -> str:
    """What a client is told that gets this for an answer."""
    if isinstance(fault, DomainError):
        return fault.code
    if isinstance(fault, InvalidInput):
        return "invalid_request"
    is_away = isinstance(fault, DatabaseError | InterfaceError) and db.is_unavailable(fault)
    return "dependency_unavailable" if is_away else "internal_error"


@contextmanager
def job(name: str, *, job_id: int, attempt: int, context: RequestContext) -> Iterator[None]:
    """Around an attempt at a job. `context` is of the request that caused it."""
    started, code = perf_counter(), DONE
    with entered(context), tracing.continued(name, kind="CONSUMER", request_id=context.request_id, job_id=job_id):
        try:
            yield
        except Exception as fault:
            code = code_of(fault)
            raise
        finally:
            seconds = perf_counter() - started
            metrics.JOB_SECONDS.labels(name, code).observe(seconds)
            log.info(
                "job",
                job=name,
                job_id=job_id,
                attempt=attempt,
                code=code,
                request_id=context.request_id,
                trace_id=context.trace_id,
                ms=round(seconds * 1000, 2),
                queries=context.queries,
                database_ms=round(context.database_seconds * 1000, 2),
            )
