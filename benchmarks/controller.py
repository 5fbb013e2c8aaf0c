"""
What the controller costs: calls, CPU and memory of quiet cycles, and the rate at which it may call.

    python -m benchmarks.controller [--datasets 200] [--entries 1000] [--cycles 5]

The emulator runs in a process of its own, so that its cost is not ours. Budgets: as many calls as datasets in a
quiet cycle, under 5 ms of CPU a quiet cycle, under 200 MB resident.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from benchmarks.emulator import client, running

SPEC = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {{name: {name}}}
spec:
  target: {{project: {project}, type: {kind}, create: true, region: us-east-1}}
  entries: [{{file: {name}.jsonl}}]
  policy: {{mode: upsert}}
"""


def line(dataset: str, number: int) -> bytes:
    """Return a line of about 700 bytes, with two labels."""
    meta = {
        "confidence": 1,
        "job-name": "labeling-job/benchmark-of-the-controller",
        "human-annotated": "yes",
        "creation-date": "2026-03-01T12:00:00",
        "type": "groundtruth/image-classification",
    }
    fields: dict[str, object] = {
        "source-ref": f"s3://acme-flowers-benchmark/{dataset}/images/{number:08}.jpg"
    }
    for label in ("camellia", "with_leaves"):
        fields |= {label: 1, f"{label}-metadata": {**meta, "class-name": label}}
    return json.dumps(fields).encode() + b"\n"


def write_specs(root: Path, datasets: int, entries: int) -> None:
    for number in range(datasets):
        name = f"dataset-{number:03}"
        # An account holds a hundred projects, each of them two datasets.
        kind = "TRAIN" if number % 2 else "TEST"
        spec = SPEC.format(name=name, project=f"project-{number // 2:03}", kind=kind)
        (root / f"{name}.yaml").write_text(spec)
        (root / f"{name}.jsonl").write_bytes(b"".join(line(name, i) for i in range(entries)))


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def controlled(endpoint: str, place: Path, rate: int | None, starts: list[tuple[float, str]]):
    """Return a controller with real threads, its registry, and the counter of its calls."""
    from reconciler.cli.clock import SystemMonotonicClock
    from reconciler.engine.controller.cycle_runner import CycleRunner
    from reconciler.engine.controller.loop import Controller, Signals
    from reconciler.engine.controller.registry import Registry
    from reconciler.engine.controller.workers import Threads
    from reconciler.engine.dataset.context import Context
    from reconciler.ports import Silence
    from reconciler.rekognition.calls import Limiter
    from reconciler.rekognition.gateway import Rekognition
    from reconciler.rekognition.settings import sdk_config
    from reconciler.server.metrics import Metrics
    from reconciler.sources.blobs import Blobs
    from reconciler.sources.directory_source import DirectorySource
    from reconciler.state import State

    calls: Counter[str] = Counter()
    metrics = Metrics("benchmark")

    def meter(operation: str, code: str, seconds: float) -> None:
        calls[operation] += 1
        starts.append((time.monotonic() - seconds, operation))
        metrics.request(operation, code, seconds)

    signals = Signals()
    monotonic = SystemMonotonicClock(signals.stopping)
    rekognition = client(endpoint, config=sdk_config(max_pool_connections=16))
    limiter = Limiter(rate, time.monotonic, monotonic.sleep)
    gateway = Rekognition(rekognition, lambda: rekognition, limiter, "ambient", meter)
    state = State(place / "state")
    context = Context(gateway, monotonic.clock(lambda: None), state, Silence())
    source = DirectorySource(place / "specs", Blobs(place / "blobs"))
    registry = Registry(source.name, time.time, monotonic.seconds)
    runner = CycleRunner(lambda _: context, state, registry, metrics, monotonic)
    controller = Controller(source, runner, registry, Threads(16), signals)
    return controller, registry, calls


def one_pass(controller, registry) -> None:
    """Visit every dataset once, now."""
    before = {name: dataset_state.visited_at for name, dataset_state in registry.states.items()}
    controller.trigger()
    while True:
        controller.tick()
        with registry.lock:
            states = registry.states.values()
            done = states and all(
                s.visited_at is not None and s.visited_at != before.get(s.name) and not s.running
                for s in states
            )
        if done:
            return
        time.sleep(0.01)


def print_rates(starts: list[tuple[float, str]], rate: int) -> None:
    """Say how close each operation came to its rate, and that it never went over it."""
    for operation in sorted({name for _, name in starts}):
        times = sorted(at for at, name in starts if name == operation)
        most = max(sum(1 for t in times[i : i + 20] if t < at + 1) for i, at in enumerate(times))
        # While it was the bottleneck: from the first call to the last, pauses of over two seconds left out.
        busy = sum(min(b - a, 2.0) for a, b in pairwise(times)) or 1.0
        share = (len(times) - 1) / busy / rate
        print(
            f"{operation}: {len(times)} calls, most in one second {most}, {share:.0%} of the rate while busy"
        )


def main() -> None:
    import structlog

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(Path(os.devnull).open("w")),  # noqa: SIM115
        cache_logger_on_first_use=True,
    )
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--entries", type=int, default=1000)
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--rate", type=int, help="calls a second for each operation; default: no limit")
    args = parser.parse_args()
    with running() as (_, endpoint, _), tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "specs").mkdir()
        write_specs(place / "specs", args.datasets, args.entries)
        starts: list[tuple[float, str]] = []
        controller, registry, calls = controlled(endpoint, place, args.rate, starts)
        print(f"after imports: {resident_mb():.0f} MB")
        begun, cpu = time.perf_counter(), time.process_time()
        one_pass(controller, registry)
        print(
            f"first pass: {time.perf_counter() - begun:.1f} s, {time.process_time() - cpu:.1f} s of CPU, "
            f"{dict(calls)}, {resident_mb():.0f} MB"
        )
        verdicts = Counter(s.summary.verdict.value for s in registry.states.values())
        print(f"verdicts: {dict(verdicts)}")
        if args.rate:
            print_rates(starts, args.rate)
            return
        one_pass(
            controller, registry
        )  # after an apply, whose read-back may be a part only, all is listed once
        one_pass(controller, registry)
        for _ in range(args.cycles):
            calls.clear()
            begun, cpu = time.perf_counter(), time.process_time()
            one_pass(controller, registry)
            cost = (time.process_time() - cpu) / args.datasets * 1_000
            print(
                f"quiet pass: {dict(calls)} for {args.datasets} datasets, {cost:.2f} ms of CPU a cycle, "
                f"{time.perf_counter() - begun:.2f} s, {resident_mb():.0f} MB, {threading.active_count()} threads"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(f"peak: {peak:.0f} MB")


if __name__ == "__main__":
    main()
