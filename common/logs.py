"""The home of logging: each line is a JSON object on standard error; where that is a terminal, it is made for people.

What is logged on every request goes past the standard library, which would cost three times as much. Everything else
(Django, procrastinate, gunicorn, our own warnings) comes through it, and out in the same form.
"""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from common.context import current_request
from common.redaction import redact

Line = MutableMapping[str, Any]


def configure() -> dict[str, Any]:
    """structlog is set up. Returns what the standard library needs for the same lines, for `LOGGING` and gunicorn."""
    logging.captureWarnings(True)  # noqa: FBT003 - of the standard library
    common: list[Processor] = [structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso")]
    structlog.configure(
        processors=[*common, _renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_logger_factory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Named for what their own configuration gives them, which goes: all comes through the root.
            "django": {"level": "INFO"},
            "django.server": {"level": "INFO", "propagate": True},
            "gunicorn.error": {"level": "INFO", "propagate": True},
            # A refused request has its line.
            "django.request": {"level": "ERROR"},
            # What it says of every job of every minute; failures are errors.
            "procrastinate": {"level": "WARNING"},
        },
    }


def formatter() -> logging.Formatter:
    """What makes a record of the standard library a line like all others."""
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso"),
            _add_request,
            structlog.processors.format_exc_info,
            _without_values,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, _text_renderer()],
    )


def _is_for_people() -> bool:
    return sys.stderr.isatty()


def _logger_factory() -> Any:
    if _is_for_people():
        return structlog.WriteLoggerFactory(sys.stderr)
    return structlog.BytesLoggerFactory(sys.stderr.buffer)


def _renderer() -> Processor:
    return _console() if _is_for_people() else structlog.processors.JSONRenderer(serializer=_as_json)


def _text_renderer() -> Processor:
    return _console() if _is_for_people() else _json_text


def _console() -> Processor:
    # Its usual tracebacks show the values of variables.
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _as_json(line: Any, default: Any = str, **_options: Any) -> bytes:
    return orjson.dumps(line, default=default)


def _json_text(_logger: Any, _level: str, line: Line) -> str:
    return orjson.dumps(line, default=str).decode()


def _add_request(_logger: Any, _level: str, line: Line) -> Line:
    """The request in which it was said. Django says what came of an answer once the middleware is done with it."""
    request = getattr(line["_record"], "request", None)
    context = getattr(request, "lectern_context", None) or current_request()
    if context.request_id:
        line["request_id"] = context.request_id
    if context.trace_id:
        line["trace_id"] = context.trace_id
    return line


def _without_values(_logger: Any, _level: str, line: Line) -> Mapping[str, Any]:
    """What others write into their messages about people and secrets stays out."""
    for name in ("event", "exception"):
        if name in line:
            line[name] = redact(str(line[name]))
    return line
