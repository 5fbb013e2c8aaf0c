"""Read the fleet, the shard and the share of calls of this replica from the command line."""

from __future__ import annotations

import argparse
import re
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Final

from reconciler.cli.clock import SystemClock, unsleeping_seconds
from reconciler.core.runtime.fleet import Shard, Timing
from reconciler.core.runtime.quotas import CALLS_PER_SECOND
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.engine.controller.fleet import Fleet
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.reporting.status_publisher import StatusPublisher
from reconciler.engine.log import log
from reconciler.errors import ReconcilerError, Unavailable, UsageError
from reconciler.ports import Gateway

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
_AUTO: Final = "auto"
_ASK_AGAIN_SECONDS: Final = 10.0
_WRITE_SECONDS: Final = 10.0
_NO_REGION: Final = "no-region"
_ANY: Final = Target(project="any", type=DatasetType.TRAIN)
"""A target that names neither account, role nor Region."""

_LIMIT: Final = f"AWS answers {CALLS_PER_SECOND} calls a second for each operation, account and Region"


def fleet(args: argparse.Namespace, home: CredentialsHome) -> Fleet | None:
    """
    Return this replica in the fleet of --lease; None without the flag.

    Raises:
        UsageError: The flag is not NAMESPACE/NAME or comes with --once, the extra is not installed, or no
            cluster is configured.
    """
    if args.lease is None:
        return None
    if args.once:
        raise UsageError(
            "--lease: a pass with --once ends before it would own anything; leave one of them out"
        )
    namespace, name = _namespaced("--lease", args.lease)
    from reconciler.kubernetes.leases import KubernetesLeases

    timing = Timing(args.lease_seconds)
    # A restarted replica gets a new identity: a call of the crashed one may still be in flight.
    identity = f"{args.identity or socket.gethostname()}_{secrets.token_hex(4)}"
    leases = KubernetesLeases(namespace, name, timing.renew_seconds)
    return Fleet(leases, identity, timing, home, unsleeping_seconds, SystemClock().now)


def status_publisher(args: argparse.Namespace, registry: Registry) -> StatusPublisher | None:
    """
    Return the publisher of --status-objects; None without the flag.

    Raises:
        UsageError: The flag is not NAMESPACE/NAME, the extra is not installed, or no cluster is configured.
    """
    if args.status_objects is None:
        return None
    namespace, name = _namespaced("--status-objects", args.status_objects)
    from reconciler.kubernetes.status_objects import KubernetesStatusObjects

    part = shard(args)
    return StatusPublisher(
        KubernetesStatusObjects(namespace, name, _WRITE_SECONDS),
        registry,
        (lambda dataset: dataset in part) if part else lambda _: True,
    )


def _namespaced(flag: str, text: str) -> tuple[str, str]:
    namespace, _, name = text.partition("/")
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        raise UsageError(f"{flag} {text}: it must look like NAMESPACE/NAME, with at most 63 characters each")
    return namespace, name


class CredentialsHome:
    """
    Implements `ports.Home` by the SDK's own configuration; the account is asked of STS, in a thread, until known.

    Attributes:
        gateway_of: Returns the gateway of a target.
    """

    def __init__(self) -> None:
        self.gateway_of: Callable[[Target], Gateway] | None = None
        self._account: str | None = None
        self._region: str | None = None
        self._lock = threading.Lock()
        self._next = float("-inf")

    def account(self) -> str | None:
        with self._lock:
            if self._account is None and self._next <= (now := unsleeping_seconds()):
                self._next = now + _ASK_AGAIN_SECONDS
                threading.Thread(target=self._ask, name="account", daemon=True).start()
        return self._account

    def region(self) -> str:
        if self._region is None:
            try:
                self._region = self._gateway().region
            except ReconcilerError:  # the cycle reports it; without a Region no call can be made
                return _NO_REGION
        return self._region

    def _ask(self) -> None:
        try:
            self._account = self._gateway().account()
        except ReconcilerError as exc:
            log.warning("partition.unknown", error=type(exc).__name__, reason=str(exc))

    def _gateway(self) -> Gateway:
        if self.gateway_of is None:
            raise Unavailable("the clients of AWS have not been made yet")
        return self.gateway_of(_ANY)


def shard(args: argparse.Namespace) -> Shard | None:
    """
    Return the shard that --shard names; None without the flag.

    Raises:
        UsageError: The flag is invalid, or with auto the host name ends in no ordinal.
    """
    if args.shard is None:
        return None
    index, _, count = args.shard.partition("/")
    if index == _AUTO:
        host = socket.gethostname().partition(".")[0]
        index = host.rpartition("-")[2]
        if not index.isdecimal():
            raise UsageError(f"--shard {args.shard}: the host name {host} does not end in -ORDINAL")
    if not (index.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard {args.shard}: it must look like 0/3, or auto/3")
    try:
        return Shard(int(index), int(count))
    except ValueError as exc:
        raise UsageError(f"--shard {args.shard}: {exc}") from exc


def calls_per_second(args: argparse.Namespace, part: Shard | None) -> int | None:
    """
    Return this replica's share of the call limit of AWS, which all shards share without coordination.

    Shards are counted as if all datasets were of one account and Region. A fleet shares nothing: one replica
    makes all calls of a partition.

    Raises:
        UsageError: All shards together would exceed the limit.
    """
    asked: int | None = args.calls_per_second
    if part is None or part.count == 1:
        return asked
    if (share := CALLS_PER_SECOND // part.count) == 0:
        raise UsageError(f"--shard {args.shard}: {_LIMIT}: at most {CALLS_PER_SECOND} parts")
    if asked is not None and asked > share:
        raise UsageError(
            f"--calls-per-second {asked} and --shard {args.shard}: all parts would make {asked * part.count}, "
            f"and {_LIMIT}: at most {share} each"
        )
    return asked or share
