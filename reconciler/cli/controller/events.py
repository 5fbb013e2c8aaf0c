"""Read the queue of events that --events names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress

from reconciler.cli.clock import SystemClock, SystemMonotonicClock
from reconciler.cli.wiring import Wiring
from reconciler.core.spec.documents import Target
from reconciler.engine.controller.event_queue import Intake, QueueListener
from reconciler.engine.controller.loop import Controller
from reconciler.engine.controller.registry import QueueHealth, Registry
from reconciler.errors import StateError, UsageError
from reconciler.ports import ForeignCalls
from reconciler.rekognition import NAME
from reconciler.rekognition.event_queue import SqsQueue, queue_config
from reconciler.rekognition.translate import CONFIGURATION, translated


def refuse_misuse(args: argparse.Namespace) -> None:
    """
    Check what --events cannot be combined with.

    Raises:
        UsageError: It comes with --once or with --shard.
    """
    if args.events is None:
        return
    if args.once:
        raise UsageError(
            "--events: a single pass (--once) ends before a message arrives; leave one of them out"
        )
    if args.shard is not None:
        raise UsageError(
            "--events and --shard: each part would take the messages of the others; use --lease instead"
        )


class OwnCalls:
    """
    Remembers the request IDs of the calls of this process, whose records reach the queue as well.

    Attributes:
        memory: None before the state is open, and without --events.
    """

    def __init__(self) -> None:
        self.memory: ForeignCalls | None = None

    def __call__(self, arn: str, request_id: str) -> None:
        """Remember a call; if that fails it counts as one of another principal, which costs one observation."""
        if self.memory is not None:
            with suppress(StateError):
                self.memory.add_own(arn, request_id, SystemClock().now())


def listener(
    args: argparse.Namespace,
    wiring: Wiring,
    controller: Controller,
    registry: Registry,
    clock: SystemMonotonicClock,
    count: Callable[[str], object],
    own: OwnCalls,
) -> QueueListener | None:
    """
    Return the listener on the queue of --events; None without the flag.

    Raises:
        Denied, Rejected: There are no credentials, or no Region, to create a client with.
    """
    if args.events is None:
        return None
    address, calls = args.events, wiring.memory.foreign_calls
    home = Target.model_validate(
        {"project": "any", "type": "TRAIN", "region": address.region, "accountId": address.account}
    )
    with translated(CONFIGURATION):
        client = wiring.session(home).client(
            "sqs",
            endpoint_url=wiring.endpoint or address.endpoint,
            config=wiring.direct(queue_config()),
        )
        if wiring.endpoint:  # the embedded emulator begins without a queue, and others cannot reach it
            client.create_queue(QueueName=address.name)
    queue, own.memory = SqsQueue(client, address), calls
    intake = Intake(registry, calls, controller.hasten, NAME, count)
    registry.queue, registry.after_cycle = QueueHealth(queue.name), intake.after_cycle
    return QueueListener(queue, intake, registry.queue, registry.wall, clock.draw)
