"""The command line of the emulator."""

from __future__ import annotations

import argparse
import json
import math
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from reconciler.emulator.behaviour.faults import Fault
from reconciler.emulator.behaviour.settings import ACCOUNT, Settings, Throttling
from reconciler.emulator.behaviour.switches import SWITCH_NAMES, Switches

if TYPE_CHECKING:
    from reconciler.emulator.server import Emulator

# The default quotas of AWS (quotas page).
_CALLS_PER_SECOND = 5.0
_TAG_CALLS_PER_SECOND = 10.0
# AWS takes 30 minutes to 24 hours (guide, training a model).
_TRAINING_SECONDS = 30.0

# Numeric fields of console actions; the others are text.
_NUMBERS: Final[Mapping[str, Callable[[str], Any]]] = {"dx": int, "dy": int, "box": int, "share": float}
_USAGE: Final = 64

# An import computes in Python beside the answers, each of which takes the interpreter a dozen times.
_SWITCH_SECONDS: Final = 0.001


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `reconciler emulator`."""
    parser.add_argument(
        "--listen", type=_address, default=("127.0.0.1", 4580), metavar="HOST:PORT",
        help="where to listen; port 0 takes a free one (default 127.0.0.1:4580)",
    )  # fmt: skip
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the data in DIR; else in memory")
    parser.add_argument(
        "--account", type=_account, default=ACCOUNT, help="account of the callers (default %(default)s)"
    )
    parser.add_argument(
        "--allow-host", type=_host, action="append", default=[], metavar="NAME",
        help="a name with a domain under which clients may call it (repeatable); addresses, localhost and names "
        "without a dot are always allowed",
    )  # fmt: skip
    parser.add_argument(
        "--s3-endpoint", type=_url, metavar="URL",
        help="read manifests from another S3, with the credentials of this process; else from the emulated one",
    )  # fmt: skip
    _add_behaviour(parser)


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    for name in ("create", "update", "delete"):
        parser.add_argument(
            f"--{name}-seconds", type=_not_negative, default=1.0, metavar="S",
            help=f"how long a dataset's {name} takes (default %(default)s)",
        )  # fmt: skip
    parser.add_argument(
        "--training-seconds", type=_not_negative, default=_TRAINING_SECONDS, metavar="S",
        help="how long the training or the copy of a model takes (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--rate", type=_not_negative, default=_CALLS_PER_SECOND, metavar="N",
        help="calls a second of each operation, account and Region; 0 is no limit (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--throttling", type=Throttling, choices=list(Throttling), default=Throttling.THROTTLE,
        help="how calls beyond the rate are refused (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn at random")
    parser.add_argument(
        "--switch", type=_pair, action="append", default=[], metavar="NAME=VALUE",
        help=f"override an undocumented AWS behaviour (repeatable); NAME is one of {', '.join(SWITCH_NAMES)}",
    )  # fmt: skip
    parser.add_argument(
        "--fault", type=_fault, action="append", default=[], metavar="KIND[,FIELD=VALUE...] | JSON",
        help="make something go wrong (repeatable), for instance throttle,operations=DescribeDataset,times=3",
    )  # fmt: skip
    parser.add_argument(
        "--console", type=_action, action="append", default=[], metavar="ACTION[,FIELD=VALUE...] | JSON",
        help="be a user of the AWS console: edit the data below --data, and exit (repeatable); for instance "
        "move_box,dataset=PROJECT/train,source_ref=s3://…,dx=9",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, printing the URL when ready; with --console, run its actions instead."""
    from reconciler.emulator.server import Emulator, serve  # slow to import, and not needed for --help

    if args.console and args.data is None:
        print("emulator: --console needs --data: what is only in memory is gone at once", file=sys.stderr)  # noqa: T201
        return _USAGE
    try:
        emulator = Emulator(
            args.data,
            _settings(args),
            account=args.account,
            hosts=args.allow_host,
            s3_endpoint=args.s3_endpoint,
        )
    except (OSError, sqlite3.Error, ValueError) as exc:
        print(f"emulator: --data {args.data}: {exc}", file=sys.stderr)  # noqa: T201
        return _USAGE
    for fault in args.fault:
        emulator.faults.add(fault)
    if args.console:
        with closing(emulator):
            return _edit(emulator, args.console)
    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    host, port = args.listen
    try:
        with serve(emulator, host, port) as running:
            print(running.url, flush=True)  # noqa: T201
            stop.wait()
    except OSError as exc:
        print(f"emulator: --listen {host}:{port}: {exc}", file=sys.stderr)  # noqa: T201
        return _USAGE
    finally:
        emulator.close()
    return 0


def _edit(emulator: Emulator, actions: Sequence[Mapping[str, Any]]) -> int:
    """Run console actions, stopping at the first that fails; return the exit status."""
    for action in actions:
        try:
            emulator.act(action)
        except ValueError as exc:
            print(f"emulator: --console: {exc}", file=sys.stderr)  # noqa: T201
            return _USAGE
        print(f"{action.get('do')}: done, in the console and not in git")  # noqa: T201
    return 0


def _settings(args: argparse.Namespace) -> Settings:
    limited = args.rate > 0
    return replace(
        Settings(),
        switches=Switches().with_changes(dict(args.switch)),
        create_seconds=args.create_seconds,
        update_seconds=args.update_seconds,
        delete_seconds=args.delete_seconds,
        training_seconds=args.training_seconds,
        calls_per_second=args.rate if limited else None,
        tag_calls_per_second=_TAG_CALLS_PER_SECOND if limited else None,
        throttling=args.throttling,
        seed=args.seed,
    )


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return number


def _account(text: str) -> str:
    if not re.fullmatch("[0-9]{12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the 12 digits of an account")
    return text


def _host(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name, without scheme and port")
    return text


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL that begins with http:// or https://")
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    name = name.replace("-", "_")
    try:
        if not equals:
            raise ValueError("expected NAME=VALUE")
        Switches().with_changes({name: value})
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    return name, value


def _action(text: str) -> Mapping[str, Any]:
    """Parse an action of the console user: JSON, or its name and fields."""
    try:
        if text.startswith("{"):
            given: dict[str, Any] = json.loads(text)
            return given
        name, *pairs = text.split(",")
        fields = [pair.partition("=") for pair in pairs]
        if not all(equals for _, equals, _ in fields):
            raise ValueError("expected FIELD=VALUE")
        return {"do": name, **{key: _NUMBERS.get(key, str)(value) for key, _, value in fields}}
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r}: {exc}") from exc


def _fault(text: str) -> Fault:
    """Parse a fault: JSON, or its kind and fields; operations and source-refs are separated by `+`."""
    try:
        if text.startswith("{"):
            return Fault.parse(json.loads(text))
        kind, *pairs = text.split(",")
        given: dict[str, Any] = {"kind": kind}
        for name, _, value in (pair.partition("=") for pair in pairs):
            given[name] = value.split("+") if name in ("operations", "source_refs") else value
        return Fault.parse(given)
    except (ValueError, TypeError) as exc:
        raise argparse.ArgumentTypeError(f"{text!r}: {exc}") from exc
