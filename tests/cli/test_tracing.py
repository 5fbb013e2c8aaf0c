"""Tracing: the spans of a whole cycle against the emulator, and when tracing is on."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Self

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from reconciler.cli import telemetry as module
from reconciler.cli.telemetry import OpenTelemetry, tracing
from reconciler.emulator.behaviour.faults import Fault, Kind
from reconciler.ports import Untraced
from tests.builders import ref
from tests.engine.months import Months, make_months

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


@dataclass
class Bench:
    """A controller, and the spans that ended since the last call of `cycle`."""

    months: Months
    memory: InMemorySpanExporter

    def spans(self) -> list[ReadableSpan]:
        ended = list(self.memory.get_finished_spans())
        self.memory.clear()
        return ended

    def cycle(self) -> dict[str, ReadableSpan]:
        """Run one cycle, and return its spans by name; of several of a name, the first that ended."""
        self.months.settle()
        return {span.name: span for span in reversed(self.spans())}


@pytest.fixture
def memory() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(memory: InMemorySpanExporter) -> OpenTelemetry:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return OpenTelemetry(provider.get_tracer("test"))


@pytest.fixture
def bench(tmp_path: Path, memory: InMemorySpanExporter, tracer: OpenTelemetry) -> Iterator[Bench]:
    with make_months(tmp_path, tracer) as months:
        yield Bench(months, memory)


def facts(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_cycle_that_works_shows_every_step(bench: Bench):
    """Five spans in one trace, the steps below the cycle, with numbers and the ids that the log has."""
    bench.months.write("roses", "a", "b", "c")
    bench.cycle()  # makes the dataset
    bench.months.write("roses", "a", "b", "c", "d")

    found = bench.cycle()

    cycle = found["cycle"]
    assert {"cycle", "observe", "plan", "update", "verify"} == found.keys()
    assert cycle.parent is None
    assert cycle.context is not None
    for name in found.keys() - {"cycle"}:
        parent = found[name].parent
        assert parent is not None
        assert parent.span_id == cycle.context.span_id
    (cycle_id,) = {facts(span)["cycle_id"] for span in found.values()}
    assert len(str(cycle_id)) == 12
    joined = {"dataset": "roses", "dataset_arn": bench.months.arn("roses"), "cycle_id": cycle_id}
    assert dict.fromkeys(found, joined) == {
        name: {key: facts(span).get(key) for key in joined} for name, span in found.items()
    }
    assert {"verdict": "converged", "observation": "incremental", "added": 1, "updated": 0, "updates": 1} == {
        key: facts(cycle)[key] for key in ("verdict", "observation", "added", "updated", "updates")
    }
    assert {"entries": 3, "read": 0}.items() <= facts(found["observe"]).items()
    assert {"desired": 4, "observed": 3, "add": 1, "batches": 1}.items() <= facts(found["plan"]).items()
    assert {"entries": 1, "result": "UPDATE_COMPLETE SUCCESS"}.items() <= facts(found["update"]).items()
    assert int(str(facts(found["update"])["bytes"])) > 0
    assert facts(found["verify"])["entries"] == 1
    assert {StatusCode.UNSET} == {span.status.status_code for span in found.values()}


def test_a_quiet_cycle_is_one_span(bench: Bench):
    bench.months.write("roses", "a")
    bench.cycle()

    found = bench.cycle()

    assert {"cycle"} == found.keys()
    assert facts(found["cycle"])["observation"] == "fingerprint"


def test_no_content_is_in_a_span(bench: Bench):
    """No span of a good or failed cycle holds images or labels; errors are given by name, without events."""
    bench.months.write("roses", "a", "b", label="xylophone")
    bench.cycle()
    bench.months.write("roses", "a", "b", "c", label="zeppelin")
    bench.months.emulator.faults.add(Fault(kind=Kind.FAIL_CLIENT, times=2))

    bench.months.settle()
    ended = bench.spans()

    failed = [span for span in ended if span.status.status_code is StatusCode.ERROR]
    assert "update" in {span.name for span in failed}
    assert {"CLIENT_ERROR"} == {facts(span)["error.type"] for span in failed if span.name == "update"}
    assert [] == [span.name for span in ended if span.events or span.status.description]
    said = " ".join(str(value) for span in ended for value in facts(span).values())
    assert [] == [word for word in (ref("a"), "s3://", "xylophone", "zeppelin") if word in said]


def test_an_error_is_recorded_by_its_name(memory: InMemorySpanExporter, tracer: OpenTelemetry):
    """A span holds the name of an error and not its message, which may quote content."""
    with pytest.raises(ValueError, match="hunter2"), tracer.span("observe", entries=None):
        raise ValueError("hunter2")

    (span,) = memory.get_finished_spans()
    assert facts(span) == {"error.type": "ValueError"}
    assert (StatusCode.ERROR, None) == (span.status.status_code, span.status.description)
    assert "hunter2" not in span.to_json()


class Broken:
    """A tracer, span and processor that fail at every call."""

    def __init__(self, *passing: str) -> None:
        self._passing = passing

    def __getattr__(self, name: str) -> object:
        if name in self._passing:
            return lambda *_, **__: self
        raise RuntimeError(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        raise RuntimeError("exit")


@pytest.mark.parametrize("passing", [(), ("start_as_current_span",)], ids=["never opens", "breaks later"])
def test_a_failing_span_does_not_fail_the_work(passing: tuple[str, ...]):
    """No error of tracing is raised into the engine."""
    with OpenTelemetry(Broken(*passing)).span("cycle", dataset="roses") as span:  # type: ignore[arg-type]
        span.note(entries=1)
        span.fail("ValueError")
        done = True

    assert done


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SERVICE_NAME": "datasets", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:1"},
        ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"},
        ENDPOINT | {"OTEL_SDK_DISABLED": "True"},
    ],
)
def test_nothing_is_traced_unasked(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Without endpoint or exporter, or if switched off, tracing does nothing, as without the extra."""
    monkeypatch.setattr(module, "_new_provider", lambda: pytest.fail("asked for"))

    with tracing(environ) as tracer:
        assert isinstance(tracer, Untraced)

    assert capsys.readouterr().err == ""


def test_unasked_nothing_is_imported():
    """Without tracing OpenTelemetry is not imported, so that the start stays within its budget."""
    code = (
        "import sys, reconciler.cli.controller.process as r\n"
        "from reconciler.cli.telemetry import tracing\n"
        "with tracing({}) as tracer: tracer.span('cycle')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", code], text=True)


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        (ENDPOINT, "they need the extra otel: pip install 'rekognition-dataset-reconciler[otel]'"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "they need the extra otel: "),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER can be otlp or none"),
        (
            ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "the protocol of OTLP can be http/protobuf only",
        ),
    ],
)
def test_what_cannot_be_had_is_reported_once(
    environ: dict[str, str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """A missing exporter is reported in one line, and the command goes on."""
    monkeypatch.setitem(sys.modules, EXPORTER, None)

    with tracing(environ) as tracer:
        assert isinstance(tracer, Untraced)

    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"reconciler: no traces are sent: {reason}")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], SpanExporter]], None]]:
    """Replace the exporter of the extra, which sends over HTTP."""

    def put(make: Callable[[], SpanExporter]) -> None:
        stand_in = ModuleType(EXPORTER)
        stand_in.OTLPSpanExporter = make  # type: ignore[attr-defined]
        parts = EXPORTER.split(".")
        for depth in range(2, len(parts)):
            monkeypatch.setitem(sys.modules, ".".join(parts[:depth]), ModuleType(parts[depth - 1]))
        monkeypatch.setitem(sys.modules, EXPORTER, stand_in)

    logger = logging.getLogger("opentelemetry")
    before = logger.handlers
    yield put
    logger.handlers = before


def test_the_last_spans_are_sent(install, monkeypatch: pytest.MonkeyPatch):
    """The last spans are sent at exit, under the service name of the environment or the default."""
    made: list[InMemorySpanExporter] = []
    install(lambda: made.append(InMemorySpanExporter()) or made[-1])

    with tracing(ENDPOINT) as tracer, tracer.span("cycle"):
        pass
    monkeypatch.setenv("OTEL_SERVICE_NAME", "datasets")
    with tracing(ENDPOINT) as tracer, tracer.span("cycle"):
        pass

    ended = [span for memory in made for span in memory.get_finished_spans()]
    assert ["reconciler", "datasets"] == [span.resource.attributes["service.name"] for span in ended]


class Deaf(SpanExporter):
    """An exporter whose collector does not answer."""

    def __init__(self, answered: threading.Event) -> None:
        self._answered = answered

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._answered.wait(5)
        return SpanExportResult.FAILURE


def test_a_silent_collector_keeps_no_process(install, monkeypatch: pytest.MonkeyPatch):
    """A silent collector delays the exit only for a moment."""
    answered = threading.Event()
    install(lambda: Deaf(answered))
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.01)

    with tracing(ENDPOINT) as tracer, tracer.span("cycle"):
        pass

    (waiting,) = [thread for thread in threading.enumerate() if thread.name == "last-traces"]
    assert waiting.daemon
    answered.set()
    waiting.join()


class Refused(SpanExporter):
    """An exporter that fails and logs what it was to send."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise OSError("authorization: hunter2")


def test_lost_spans_are_reported_once_and_quote_nothing(install, capsys: pytest.CaptureFixture[str]):
    """Lost spans are reported once; nothing that OpenTelemetry logs by itself reaches stderr."""
    install(Refused)

    with tracing(ENDPOINT) as tracer, tracer.span("cycle"):
        logging.getLogger("opentelemetry.sdk").warning("headers: %s", "hunter2")

    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("reconciler: some traces are lost: ")
    assert "hunter2" not in said
