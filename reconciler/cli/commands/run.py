"""``reconciler run``: run the controller."""

from __future__ import annotations

import argparse
import re
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED
from reconciler.errors import Exit
from reconciler.redact import know_url


def _arguments(parser: argparse.ArgumentParser) -> None:
    flags.add_selection(parser)
    flags.add_output(parser, "apply")
    _own_arguments(parser)
    flags.add_events(
        parser,
        "queue of SQS with CloudTrail's records of changes, by its ARN or URL: a dataset that others change is "
        "observed within seconds, and its drift report names them (default: changes are found by the schedule)",
    )
    flags.add_aws(parser)


def _own_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that only this command has."""
    parser.add_argument(
        "--once", action="store_true", help="run one cycle for every dataset, then exit as apply does"
    )
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="with --once: exit 2 or 4 for withheld entries, as apply does",
    )
    parser.add_argument(
        "--listen",
        type=values.address,
        metavar="HOST:PORT",
        default="127.0.0.1:8080",
        help="address of probes, metrics and status page (default: 127.0.0.1:8080; port 0 picks a free port)",
    )
    parser.add_argument(
        "--allow-host",
        type=values.host,
        action="append",
        default=[],
        metavar="HOST",
        help="additional host name of the pages, such as that of an ingress; may be repeated",
    )
    parser.add_argument(
        "--thumbnails",
        type=values.whole(0),
        default=0,
        metavar="N",
        help="maximum number of images of a dataset read from S3 for the page of its drift, after the cycle "
        "that found it (default: 0, none; needs Pillow)",
    )
    _add_git(parser)
    _add_confirmation(parser)
    _add_secrets(parser)
    _add_notifications(parser)
    _add_replicas(parser)


def _add_git(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a git source."""
    group = parser.add_argument_group("git (otherwise PATH is read, including a link of git-sync)")
    group.add_argument(
        "--git", metavar="URL", help="clone and fetch this repository; PATH is a directory in it"
    )
    _add_secret(group, "--git-password", "file with the password or token, read again for every fetch")
    group.add_argument(
        "--ref",
        type=values.git_ref,
        metavar="REF",
        help="branch, tag or commit; the branch if a tag has the same name (default: main)",
    )
    group.add_argument(
        "--verify-signatures", action="store_true", help="accept only commits whose signature git verifies"
    )
    group.add_argument(
        "--git-interval",
        type=values.duration,
        default=30,
        metavar="DURATION",
        help="how often the repository is checked for changes (default: 30s); a directory is checked every 5 s",
    )


def _add_secrets(parser: argparse.ArgumentParser) -> None:
    """Add the secrets that authenticate requests which trigger an action."""
    group = parser.add_argument_group("secrets for POST /reconcile and POST /hooks/git (default: refuse all)")
    _add_secret(group, "--token", "bearer token for POST /reconcile")
    _add_secret(group, "--webhook-secret", "file with the secret that the git host signs with")


def _add_confirmation(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that detect a checkout which is no longer updated."""
    group = parser.add_argument_group("proof that PATH is up to date (default: that it can be read)")
    group.add_argument(
        "--sync-metrics", metavar="URL", help="metrics of git-sync; its counter of syncs must keep growing"
    )
    group.add_argument("--sync-file", metavar="FILE", help="a file that is touched whenever PATH was synced")
    group.add_argument(
        "--sync-max-age",
        type=values.duration,
        default=600,
        metavar="DURATION",
        help="age of that proof after which the source is stale (default: 10m)",
    )


def _add_secret(group: argparse._ArgumentGroup, name: str, text: str) -> None:
    """Add the two flags that say where a secret is."""
    group.add_argument(f"{name}-file", type=values.readable_file, metavar="FILE", help=text)
    group.add_argument(
        f"{name}-env",
        type=values.variable,
        metavar="NAME",
        help="the same, from an environment variable",
    )


def _add_notifications(parser: argparse.ArgumentParser) -> None:
    """Add the channels that changes are reported to."""
    group = parser.add_argument_group("notifications, each change once (default: none)")
    group.add_argument(
        "--notify",
        type=_channel,
        action="append",
        default=[],
        metavar="URL",
        help="report failures, drift and recoveries to this channel; @FILE reads one URL a line; may be repeated",
    )
    group.add_argument(
        "--notify-quiet",
        type=_quiet_hours,
        action="append",
        default=[],
        metavar="WHEN",
        help="report nothing but failures at these times: five fields of cron, a duration and a time zone, "
        "such as '0 22 * * * 9h Europe/Berlin'; may be repeated",
    )
    _add_commit_status(group)


def _add_commit_status(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--commit-status",
        metavar="URL",
        help="post the state of each commit to this repository: https://api.github.com/repos/OWNER/NAME, or "
        "https://gitlab.com/api/v4/projects/ID",
    )
    _add_secret(group, "--commit-status-token", "file with the token for that, read again for every request")
    group.add_argument(
        "--commit-status-context",
        type=_context,
        default="reconciler",
        metavar="NAME",
        help="name of the state; those of datasets are NAME/DATASET (default: reconciler)",
    )


def _add_replicas(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a process that is one of several replicas."""
    from reconciler.core.runtime.fleet import DEFAULT_SECONDS, MAX_SECONDS, MIN_SECONDS

    group = parser.add_argument_group("several replicas")
    group.add_argument(
        "--lease",
        metavar="NAMESPACE/NAME",
        help="share the datasets by account and Region with all replicas of this name (needs the extra k8s)",
    )
    group.add_argument(
        "--identity", metavar="NAME", help="name of this replica in the Leases (default: the host name)"
    )
    group.add_argument(
        "--lease-seconds",
        type=values.whole(MIN_SECONDS, MAX_SECONDS),
        default=DEFAULT_SECONDS,
        metavar="N",
        help="after how many seconds a silent replica is replaced "
        f"({MIN_SECONDS} to {MAX_SECONDS}; default: {DEFAULT_SECONDS})",
    )
    group.add_argument(
        "--status-objects",
        metavar="NAMESPACE/NAME",
        help="write a DatasetStatus for each dataset into this namespace, labelled by NAME (needs the extra k8s)",
    )
    group.add_argument(
        "--shard",
        metavar="I/N",
        help="only part I (from 0) of N parts of the datasets; auto/N reads I from a host name that ends in -I",
    )


def _channel(text: str) -> str:
    """Accept the URL of a channel, which errors do not quote, or ``@FILE`` with one a line."""
    if text.startswith("@"):
        return f"@{values.readable_file(text.removeprefix('@'))}"
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://.", text):
        from reconciler.notify.registry import FORMS

        raise values.Wrong(f"it must be the URL of a channel ({FORMS}), or @FILE with one a line")
    know_url(text)
    return text


def _quiet_hours(text: str) -> str:
    """Accept CRON DURATION [TIME-ZONE]."""
    from reconciler.core.spec.policy import parse_window  # loads pydantic

    try:
        parse_window(text)
    except ValueError as exc:
        raise values.Wrong(f"{text!r}: {exc}, as in '0 22 * * * 9h Europe/Berlin'") from exc
    return text


def _context(text: str) -> str:
    """Accept the name of a commit status."""
    if not re.fullmatch(r"[\w./ -]{1,100}", text) or text != text.strip():
        raise values.Wrong(f"{text!r}: at most 100 letters, digits, spaces and _ . / -")
    return text


def _run(args: argparse.Namespace) -> int:
    """Reconcile until SIGTERM; with --once, run one cycle of every dataset."""
    from reconciler.cli.controller.process import run

    return run(args)


COMMAND: Final = Command(
    name="run",
    summary="run the controller",
    example="reconciler run specs --local",
    exits=(*OBSERVED, Exit.PENDING, Exit.DRIFT, Exit.BLOCKED, Exit.PARTIAL),
    arguments=_arguments,
    work=_run,
    document="apply",
    runs_on=True,
)
