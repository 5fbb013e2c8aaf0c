"""
Logs by structlog, and traces by OpenTelemetry, which is imported only if its environment variables request them.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import structlog
from structlog.contextvars import get_contextvars

from reconciler import __version__
from reconciler.cli.exits import say
from reconciler.ports import Tracer, Untraced
from reconciler.ports.surroundings import Value
from reconciler.redact import redacted

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from opentelemetry.trace import Tracer as Traced

Line = MutableMapping[str, Any]

# Keys that log lines carry too, so that logs and traces can be joined.
_JOINED: Final = ("dataset", "dataset_arn", "revision", "cycle_id")
# The longest that an unresponsive collector delays the end of the process.
FLUSH_SECONDS: Final = 1.0
_ASKING: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
)
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"


def configure_logs(log_format: str | None, log_level: str) -> None:
    """
    Configure structured logs on stderr: constant events, facts as keys.

    Args:
        log_format: ``console`` or ``json``; None for console on a terminal, else JSON.
    """
    console = log_format == "console" or (log_format is None and sys.stderr.isatty())
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _redact(_logger: Any, _method: str, line: Line) -> Line:
    """Remove credentials and presigned URLs from every value of a line."""
    return {key: _clean(value) for key, value in line.items()}


def _clean(value: Any) -> Any:
    match value:
        case str():
            return redacted(value)
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return value


class OpenTelemetry:
    """`ports.Tracer` that uses an OpenTelemetry tracer."""

    def __init__(self, tracer: Traced) -> None:
        self._tracer = tracer

    def span(self, name: str, **attributes: Value) -> _Step:
        return _Step(self._tracer, name, attributes)


class _Step:
    """`ports.Span`. Suppresses every failure of OpenTelemetry."""

    def __init__(self, tracer: Traced, name: str, attributes: Mapping[str, Value]) -> None:
        self._tracer, self._name, self._attributes = tracer, name, attributes
        self._open: AbstractContextManager[Span] | None = None
        self._span: Span | None = None

    def __enter__(self) -> Self:
        with suppress(Exception):
            made = self._tracer.start_as_current_span(self._name)
            self._span = made.__enter__()
            self._open = made
        bound = get_contextvars()
        self.note(**{key: bound.get(key) for key in _JOINED})
        self.note(**self._attributes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        if self._open is not None:
            with suppress(Exception):
                # Given the exception, it would record the message, which may hold secrets.
                self._open.__exit__(None, None, None)

    def note(self, **attributes: Value) -> None:
        if self._span is not None:
            with suppress(Exception):
                self._span.set_attributes({key: v for key, v in attributes.items() if v is not None})

    def fail(self, kind: str) -> None:
        self.note(**{"error.type": kind})
        if self._span is not None:
            with suppress(Exception):
                from opentelemetry.trace import StatusCode

                self._span.set_status(StatusCode.ERROR)


@contextmanager
def tracing(environ: Mapping[str, str] = os.environ) -> Iterator[Tracer]:
    """Yield the tracer that the environment requests; send the last spans when the block ends."""
    provider = _provider(environ) if _is_asked_for(environ) else None
    if provider is None:
        yield Untraced()
        return
    try:
        yield OpenTelemetry(provider.get_tracer("reconciler", __version__))
    finally:
        end = threading.Thread(target=provider.shutdown, name="last-traces", daemon=True)
        end.start()
        end.join(FLUSH_SECONDS)


def _is_asked_for(environ: Mapping[str, str]) -> bool:
    """Return whether traces are requested; an empty variable counts as unset, as OpenTelemetry specifies."""
    settings = {name: value.strip().lower() for name, value in environ.items() if name.startswith("OTEL_")}
    if settings.get("OTEL_SDK_DISABLED") == "true" or settings.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(settings.get(name) for name in _ASKING)


def _provider(environ: Mapping[str, str]) -> TracerProvider | None:
    """Return the provider that sends spans; None, with a line on stderr, if it cannot start."""
    reason = _why_not(environ)
    if not reason:
        try:
            return _new_provider()
        except ImportError:
            reason = "they need the extra otel: pip install 'rekognition-dataset-reconciler[otel]'"
        except Exception as exc:  # noqa: BLE001  a variable that OpenTelemetry rejects
            reason = f"OpenTelemetry does not start: {type(exc).__name__}"
    say(f"no traces are sent: {reason}")
    return None


def _why_not(environ: Mapping[str, str]) -> str | None:
    """Return why the requested exporter or protocol is unsupported; None if it is supported."""
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    if exporter != "otlp":
        return "OTEL_TRACES_EXPORTER can be otlp or none"
    protocol = next((value for name in _PROTOCOLS if (value := environ.get(name, "").strip())), _HTTP)
    return None if protocol == _HTTP else f"the protocol of OTLP can be {_HTTP} only"


def _new_provider() -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.getLogger("opentelemetry").handlers = [_Once()]
    own = {"service.name": "reconciler", "service.version": __version__}
    resource = Resource.create({**own, **OTELResourceDetector().detect().attributes})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class _Once(logging.Handler):
    """Reports the first warning only, without its text, which may hold request headers."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said = False

    def emit(self, _record: logging.LogRecord) -> None:
        if not self._said:
            self._said = True
            say("some traces are lost: the collector does not take them, or a variable OTEL_* is wrong")
