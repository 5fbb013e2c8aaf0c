"""``reconciler run``: the controller."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final

import orjson

from reconciler import __version__
from reconciler.cli.clock import SystemClock, SystemMonotonicClock
from reconciler.cli.controller import events, replicas
from reconciler.cli.controller.notifications import notifier
from reconciler.cli.controller.source import followed, polling, secret
from reconciler.cli.exits import Terminated
from reconciler.cli.output.files import write_whole
from reconciler.cli.output.show import results_exit_code, show
from reconciler.cli.pictures import Illustrator
from reconciler.cli.wiring import CallSettings, connected
from reconciler.core.planning.calls import ObservationKind, Observed
from reconciler.core.planning.plan import EntryCounts
from reconciler.core.status.result import DatasetResult, Verdict
from reconciler.engine.controller.cycle_runner import CycleRunner
from reconciler.engine.controller.dataset_state import DatasetState
from reconciler.engine.controller.event_queue import QueueListener
from reconciler.engine.controller.fleet import Fleet
from reconciler.engine.controller.loop import Controller, Signals
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.reporting.notifier import Notifier
from reconciler.engine.controller.reporting.status_publisher import StatusPublisher
from reconciler.engine.controller.workers import Inline, Threads
from reconciler.engine.dataset.context import always
from reconciler.engine.log import log
from reconciler.errors import Exit, UsageError
from reconciler.server.app import application
from reconciler.server.guarding import Secrets
from reconciler.server.listening import listening
from reconciler.server.metrics import Metrics

WORKERS: Final = 16
"""Threads for each role and Region; the limit of five calls a second keeps fewer busy."""

# The server and the disk need one or two seconds more: the process ends within ten.
STOP_SECONDS: Final = 6.0
STATUS_FILE: Final = "status.json"
REPORT_SECONDS: Final = 10.0
"""How long a single pass waits until its notifications are sent; the next pass sends the others."""


def run(args: argparse.Namespace) -> int:
    """Reconcile until SIGTERM; with --once, run one cycle of every dataset."""
    _refuse_misuse(args)
    monotonic = SystemMonotonicClock((signals := Signals()).stopping)
    with ExitStack() as stack:
        metrics = Metrics(__version__)
        args.calls_per_second = replicas.calls_per_second(args, part := replicas.shard(args))
        fleet = replicas.fleet(args, home := replicas.CredentialsHome())
        calling = _calling(monotonic, metrics, fleet, own := events.OwnCalls())
        wiring = stack.enter_context(connected(args, read_only=False, calling=calling, checks_images=True))
        source = stack.enter_context(closing(followed(args, wiring.download, part)))
        registry = Registry(source.name, SystemClock().now, monotonic.seconds, _publisher(args), fleet)
        if args.thumbnails and not args.once:
            registry.illustrate = Illustrator(wiring, registry, args.thumbnails, monotonic)
        home.gateway_of = lambda target: wiring.context_of(target).gateway
        runner = CycleRunner(
            lambda loaded: wiring.context_of(loaded.target),
            wiring.memory,
            registry,
            metrics,
            monotonic,
            fleet.permit if fleet else always,
            wiring.tracer,
        )
        workers = Inline() if args.once else Threads(WORKERS)
        controller = Controller(source, runner, registry, workers, signals, polling(args))
        with _on_signals(controller) as stopped_by:
            reporting = notifier(args, registry, wiring.memory.notified, metrics)
            if isinstance(workers, Inline):
                return _run_one_pass(controller, registry, args, stopped_by, reporting)
            listener = events.listener(args, wiring, controller, registry, monotonic, metrics.event, own)
            beside = [one for one in (replicas.status_publisher(args, registry), reporting, listener) if one]
            with _served(args, controller, registry, metrics):
                clean = _run_until_stopped(controller, workers, fleet, beside)
                registry.publish(now=True)
        log.info("process.stopped", clean=clean)
        if not clean:
            os._exit(Exit.DONE)  # a network call hangs; its update is in the journal
    return Exit.DONE


def _refuse_misuse(args: argparse.Namespace) -> None:
    events.refuse_misuse(args)
    if args.detailed_exitcode and not args.once:
        raise UsageError(
            "--detailed-exitcode needs --once: a controller that runs on has no verdict to exit with"
        )


def _run_until_stopped(
    controller: Controller,
    workers: Threads,
    fleet: Fleet | None,
    beside: Sequence[StatusPublisher | Notifier | QueueListener],
) -> bool:
    """Run until asked to stop, and return whether every worker ended in time."""
    if fleet and controller.ownership:
        fleet.start(controller.ownership)
    for one in beside:
        one.start()
    controller.run()
    log.info("process.stopping")
    for one in beside:
        one.end()
    clean = workers.close(STOP_SECONDS)
    if fleet:
        fleet.end(release=clean)
    return clean


def _calling(
    monotonic: SystemMonotonicClock, metrics: Metrics, fleet: Fleet | None, own: events.OwnCalls
) -> CallSettings:
    """Return how AWS is called; with a lease, no writing attempt outlasts it."""
    calling = CallSettings(WORKERS, monotonic.sleep, metrics.request, called=own)
    return replace(calling, permit=fleet.permit, call_seconds=fleet.call_seconds) if fleet else calling


def _run_one_pass(
    controller: Controller,
    registry: Registry,
    args: argparse.Namespace,
    stopped_by: Sequence[int],
    reporting: Notifier | None,
) -> int:
    """Run one cycle of every dataset, report and print the results, and return the exit code."""
    try:
        controller.once()
    finally:
        if reporting:
            reporting.finish(0.0 if stopped_by else REPORT_SECONDS)
    results = [_as_result(registry.states[name]) for name in sorted(registry.states)]
    show("apply", results, args)
    if stopped_by:
        return _ended_by(stopped_by[0])
    return results_exit_code(results, detailed=args.detailed_exitcode)


def _ended_by(number: int) -> Exit:
    return Exit.TERMINATED if number == signal.SIGTERM else Exit.INTERRUPTED


def _as_result(state: DatasetState) -> DatasetResult:
    """Return the state of a dataset as the result of an apply."""
    summary = state.summary
    if summary is None:
        return DatasetResult(state.name, state.arn, Verdict.UNKNOWN, exit_code=Exit.UNKNOWN)
    named, counts = summary.named, summary.counts
    return DatasetResult(
        name=state.name,
        arn=state.arn,
        verdict=summary.verdict,
        added=state.added,
        updated=state.updated,
        updates=state.updates,
        verified=state.observation is not None,
        quarantined=named.quarantined,
        dropped=named.dropped,
        rejected=named.rejected,
        withheld=named.withheld,
        groups=named.groups,
        unblanked=named.unblanked,
        blocked=counts.get("blocked", 0),
        counts=EntryCounts(*(counts[kind] for kind in EntryCounts._fields)) if summary.seen else None,
        complete=summary.seen and summary.gap is None,
        gap=summary.gap,
        errors=summary.errors,
        exit_code=summary.exit_code,
        observed=_observed(state),
        calls=state.calls,
    )


def _observed(state: DatasetState) -> Observed | None:
    at, scanned_at = state.observed_at, state.scanned_at
    if state.observation is None or at is None or scanned_at is None:
        return None
    return Observed(ObservationKind(state.observation), at, scanned_at)


def _publisher(args: argparse.Namespace) -> Callable[[Mapping[str, Any]], object] | None:
    if args.once:
        return None
    path = Path(args.state_dir) / STATUS_FILE

    def publish(document: Mapping[str, Any]) -> None:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
        write_whole(path, lambda stream: stream.write(text), mode=0o600)

    return publish


@contextmanager
def _served(
    args: argparse.Namespace, controller: Controller, registry: Registry, metrics: Metrics
) -> Iterator[None]:
    """
    Serve probes, metrics and status.

    Raises:
        UsageError: The address is in use or not of this machine, or a secret cannot be read.
    """
    host, port = args.listen
    secrets = Secrets(secret(args, "token"), secret(args, "webhook_secret"))
    metrics.watch(registry)
    app = application(controller, registry, metrics, secrets, (host, *args.allow_host))
    try:
        server = listening(app, host, port)
        url = server.__enter__()
    except OSError as exc:
        raise UsageError(f"--listen {host}:{port}: {exc.strerror or exc}") from exc
    log.info("process.started", version=__version__, source=registry.source_name, listening=url)
    try:
        yield
    finally:
        server.__exit__(None, None, None)


@contextmanager
def _on_signals(controller: Controller) -> Iterator[Sequence[int]]:
    """
    Handle signals: SIGTERM and Ctrl-C stop gracefully, a second one at once; SIGHUP makes everything due now.

    Yields a list that receives the stopping signal. A handler only puts a number into a queue, which takes no
    lock: the interrupted thread may hold the lock that the controller needs.
    """
    asked: SimpleQueue[int | None] = SimpleQueue()
    stopping: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            if stopping:
                os._exit(_ended_by(number))
            stopping.append(number)
        asked.put(number)

    def answer() -> None:
        while (number := asked.get()) is not None:
            if number == signal.SIGHUP:
                controller.trigger()
            else:
                controller.stop()

    listener = threading.Thread(target=answer, name="signals", daemon=True)
    listener.start()
    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in handled}
    if Terminated.arrived:  # arrived before the handlers were set, and its exception was lost
        note(signal.SIGTERM, None)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.put(None)
        listener.join()
