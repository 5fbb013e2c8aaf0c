"""Read the lease, the shard and the share of calls of this replica from the command line."""

from __future__ import annotations

import argparse
import re
import secrets
import socket
from collections.abc import Iterator
from typing import Final

from reconciler.cli.clock import SystemClock, unsleeping_seconds
from reconciler.core.runtime.election import Elector, Timing
from reconciler.core.runtime.limits import CALLS_PER_SECOND
from reconciler.core.runtime.shard import Shard
from reconciler.engine.controller.leadership import Leading
from reconciler.errors import UsageError

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_AUTO: Final = "auto"
_OF_A_LEASE: Final = 2
"""Replicas counted for each lease: the leader and one standby."""

_LIMIT: Final = f"AWS answers {CALLS_PER_SECOND} calls a second for each operation, account and Region"


def leading(args: argparse.Namespace) -> Leading | None:
    """
    Return this replica in the election for --lease; None without the flag.

    Raises:
        UsageError: The flag is not NAMESPACE/NAME or comes with --once, the extra is not installed, or no
            cluster is configured.
    """
    if args.lease is None:
        return None
    if args.once:
        raise UsageError("--lease: a pass with --once ends before an election would; leave one of them out")
    namespace, _, name = args.lease.partition("/")
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        raise UsageError(f"--lease {args.lease}: it must look like NAMESPACE/NAME")
    from reconciler.lease.kubernetes import KubernetesLease

    timing = Timing(args.lease_seconds)
    # A restarted replica gets a new identity: a call of the crashed one may still be in flight.
    identity = f"{args.identity or socket.gethostname()}_{secrets.token_hex(4)}"
    lease = KubernetesLease(namespace, name, timing.renew_seconds)
    return Leading(lease, Elector(identity, timing), unsleeping_seconds, SystemClock().now)


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
    Return this replica's share of the call limit of AWS, which all replicas share without coordination.

    Shards are counted as if all datasets were of one account and Region.

    Raises:
        UsageError: All replicas together would exceed the limit.
    """
    asked: int | None = args.calls_per_second
    replicas = (part.count if part else 1) * (_OF_A_LEASE if args.lease else 1)
    if replicas == 1:
        return asked
    who = " with ".join(_shares(args, part))
    if (share := CALLS_PER_SECOND // replicas) == 0:
        most = CALLS_PER_SECOND // (_OF_A_LEASE if args.lease else 1)
        with_lease = f" of {_OF_A_LEASE} replicas each" if args.lease else ""
        raise UsageError(f"{who}: {replicas} replicas, and {_LIMIT}: at most {most} parts{with_lease}")
    if asked is not None and asked > share:
        raise UsageError(
            f"--calls-per-second {asked} and {who}: {replicas} replicas would make {asked * replicas}, "
            f"and {_LIMIT}: at most {share} each"
        )
    return asked or share


def _shares(args: argparse.Namespace, part: Shard | None) -> Iterator[str]:
    if part:
        yield f"--shard {args.shard}"
    if args.lease:
        yield "--lease"
