"""Spans for OpenTelemetry, where its standard variables ask for them. Without them nothing is imported, nothing done.

Own spans, since the published instrumentations know neither use cases nor jobs, and that of psycopg wraps the cursors
that a connection makes: those of `planned_cursor`, which do most of the work here, would be missing.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from common.context import at_hand
from common.errors import DomainError, InvalidInput

_NOTHING: AbstractContextManager[None] = nullcontext()
_LONGEST_STATEMENT = 2_000
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

# What makes spans, None where nobody wants any.
_tracer: Any = None


def start(*, release: str) -> None:
    """From now on spans go where the environment says, if it says so.

    Raises:
        ImproperlyConfigured: it says so, but requirements-otel.txt is not installed, or no such exporter is known.
    """
    wanted = _exporter_wanted()
    if wanted == "none":
        return
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError as fault:
        raise ImproperlyConfigured(
            "OTEL_… variables ask for traces: pip install -r requirements-otel.txt, or set OTEL_TRACES_EXPORTER=none"
        ) from fault
    use(BatchSpanProcessor(_exporter(wanted)), release=release)


def use(processor: Any, *, release: str = "") -> None:
    """From now on spans go to this processor of OpenTelemetry's."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    global _tracer  # noqa: PLW0603
    named = Resource({"service.name": "lectern", "service.version": release})
    provider = TracerProvider(resource=Resource.create().merge(named).merge(OTELResourceDetector().detect()))
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("lectern")


def stop() -> None:
    """No more spans are made."""
    global _tracer  # noqa: PLW0603
    _tracer = None


def _exporter_wanted() -> str:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    default = "otlp" if any(os.environ.get(name) for name in _ENDPOINTS) else "none"
    return os.environ.get("OTEL_TRACES_EXPORTER") or default


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter()
    if name == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter()
    raise ImproperlyConfigured(f"OTEL_TRACES_EXPORTER is {name!r}; known are otlp (over HTTP), console and none.")


# -- spans --------------------------------------------------------------------------------------


def span(name: str) -> AbstractContextManager[Any]:
    """A span around the block, within the one at hand."""
    return _NOTHING if _tracer is None else _entered(name)


def query(sql: Any) -> AbstractContextManager[Any]:
    """A span around a statement. Its text has placeholders where the values are."""
    if _tracer is None:
        return _NOTHING
    text = str(sql).strip()[:_LONGEST_STATEMENT]
    attributes = {"db.system.name": "postgresql", "db.query.text": text}
    return _entered(text.partition(" ")[0].partition("\n")[0].upper() or "query", kind="CLIENT", attributes=attributes)


def continued(name: str, *, kind: str, **attributes: Any) -> AbstractContextManager[Any]:
    """A span around what is at hand, in the trace that it came with; from now on it belongs to this span."""
    return _NOTHING if _tracer is None else _continued(name, kind, attributes)


def annotate(name: str | None = None, *, failed: bool = False, **attributes: Any) -> None:
    """What is known at its end goes on the current span."""
    if _tracer is None:
        return
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    current = trace.get_current_span()
    current.set_attributes(attributes)
    if name is not None:
        current.update_name(name)
    if failed:
        current.set_status(trace.StatusCode.ERROR)


@contextmanager
def _continued(name: str, kind: str, attributes: dict[str, Any]) -> Iterator[None]:
    from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415 - an extra

    w3c = tracecontext.TraceContextTextMapPropagator()
    context = at_hand()
    assert context is not None
    # An empty one begins a trace, whatever this thread did before.
    parent = w3c.extract({"traceparent": context.traceparent})
    with _entered(name, kind=kind, attributes=attributes, context=parent):
        carrier: dict[str, str] = {}
        w3c.inject(carrier)
        context.traceparent = carrier.get("traceparent", context.traceparent)
        yield


@contextmanager
def _entered(name: str, *, kind: str = "INTERNAL", **options: Any) -> Iterator[None]:
    """A span that ends with an error if something else than a refusal comes out. What was said then stays out of it."""
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - an extra

    quiet = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, kind=SpanKind[kind], **quiet, **options) as current:
        try:
            yield
        except Exception as fault:
            current.set_attribute("error.type", type(fault).__name__)
            if not isinstance(fault, DomainError | InvalidInput):
                current.set_status(StatusCode.ERROR)
            raise
