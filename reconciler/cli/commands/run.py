"""``reconciler run``: run the controller."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.cli.flags import add_aws, add_output, add_selection
from reconciler.errors import Exit


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_selection(parser)
    add_output(parser, "apply")
    _own_arguments(parser)
    add_aws(parser)


def _own_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that only this command has."""
    parser.add_argument(
        "--once", action="store_true", help="one pass over all datasets, then exit as apply does"
    )
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="with --once: exit 2 or 4 for entries that a policy withholds, as apply does",
    )
    parser.add_argument(
        "--listen",
        type=values.address,
        metavar="HOST:PORT",
        default="127.0.0.1:8080",
        help="probes, metrics and status page (default: 127.0.0.1:8080; port 0 takes a free one)",
    )
    parser.add_argument(
        "--allow-host",
        type=values.host,
        action="append",
        default=[],
        metavar="HOST",
        help="another name that the pages may be asked for by, such as that of an ingress; may be repeated",
    )
    _add_git(parser)
    _add_confirmation(parser)
    _add_secrets(parser)
    _add_replicas(parser)


def _add_git(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a git source."""
    group = parser.add_argument_group("git (else PATH is followed, a link of git-sync included)")
    group.add_argument(
        "--git", metavar="URL", help="clone and fetch this repository; PATH is a directory in it"
    )
    group.add_argument(
        "--git-password-file",
        type=values.readable_file,
        metavar="FILE",
        help="password or token for it, read anew whenever it is needed",
    )
    _add_variable(group, "--git-password-env")
    group.add_argument(
        "--ref",
        type=values.git_ref,
        metavar="REF",
        default="main",
        help="branch, tag or commit; a name that is both is the branch (default: main)",
    )
    group.add_argument("--path", dest="tree", metavar="PATH", help="the same as PATH")
    group.add_argument(
        "--verify-signatures", action="store_true", help="accept only commits that git finds well signed"
    )
    group.add_argument(
        "--git-interval",
        type=_duration,
        default=30,
        metavar="DURATION",
        help="how often the repository is asked for news (default: 30s); a directory is looked at every 5 s",
    )


def _add_secrets(parser: argparse.ArgumentParser) -> None:
    """Add the secrets that authenticate requests which trigger an action."""
    group = parser.add_argument_group("secrets of POST /reconcile and POST /hooks/git (without: refused)")
    group.add_argument(
        "--token-file", type=values.readable_file, metavar="FILE", help="bearer token of POST /reconcile"
    )
    _add_variable(group, "--token-env")
    group.add_argument(
        "--webhook-secret-file",
        type=values.readable_file,
        metavar="FILE",
        help="secret that the git host signs with",
    )
    _add_variable(group, "--webhook-secret-env")


def _add_confirmation(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that detect a checkout which is no longer updated."""
    group = parser.add_argument_group("what confirms that PATH is the newest (without: that it can be read)")
    group.add_argument(
        "--sync-metrics", metavar="URL", help="metrics of git-sync, whose counter of syncs goes on growing"
    )
    group.add_argument(
        "--sync-file", metavar="FILE", help="a file that is touched whenever PATH was made sure of"
    )
    group.add_argument(
        "--sync-max-age",
        type=_duration,
        default=600,
        metavar="DURATION",
        help="after so long without either the source is stale (default: 10m)",
    )


def _add_variable(group: argparse._ArgumentGroup, name: str) -> None:
    group.add_argument(
        name, type=values.variable, metavar="NAME", help="the same, in an environment variable"
    )


def _add_replicas(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a process that is one of several replicas."""
    from reconciler.core.runtime.election import DEFAULT_SECONDS, LEAST_SECONDS, MOST_SECONDS

    group = parser.add_argument_group("several replicas")
    group.add_argument(
        "--lease",
        metavar="NAMESPACE/NAME",
        help="write only while this process holds that Lease of Kubernetes; others look (needs the extra k8s)",
    )
    group.add_argument(
        "--identity", metavar="NAME", help="how the holder is called in the Lease (default: the host name)"
    )
    group.add_argument(
        "--lease-seconds",
        type=values.whole(LEAST_SECONDS, MOST_SECONDS),
        default=DEFAULT_SECONDS,
        metavar="N",
        help="after how long a silent leader is replaced "
        f"({LEAST_SECONDS} to {MOST_SECONDS}; default: {DEFAULT_SECONDS})",
    )
    group.add_argument(
        "--shard",
        metavar="I/N",
        help="only part I, from 0, of N parts of the datasets; auto/N takes I from a host name that ends in -I",
    )


def _duration(text: str) -> int:
    from pydantic_core import PydanticCustomError

    from reconciler.core.spec.field_types import parse_duration

    try:
        return parse_duration(text)
    except PydanticCustomError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} {exc.message()}") from exc


def _run(args: argparse.Namespace) -> int:
    """Reconcile until SIGTERM; with --once, run one cycle of every dataset."""
    from reconciler.cli.controller.process import run

    return run(args)


COMMAND: Final = Command(
    name="run",
    summary="keep datasets as desired, for months",
    example="reconciler run specs --local",
    exits=(*OBSERVED, Exit.PENDING, Exit.DRIFT, Exit.BLOCKED, Exit.PARTIAL),
    arguments=_arguments,
    work=_run,
    document="apply",
    runs_on=True,
)
