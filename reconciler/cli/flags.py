"""Flags that several commands share."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.core.runtime.quotas import CALLS_PER_SECOND
from reconciler.core.spec.choices import QueueAddress
from reconciler.reports.registry import FORMATS


def add_globals(parser: argparse.ArgumentParser, *, default: bool) -> None:
    """Add the flags that are accepted before the command and after it."""

    def either(value: object) -> object:
        return value if default else argparse.SUPPRESS

    group = parser.add_argument_group("global options")
    group.add_argument(
        "--log-format",
        choices=("console", "json"),
        default=either(None),
        help="format of the logs on stderr (default: console on a terminal, else json)",
    )
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=either(None),
        help="lowest level that is logged (default: warning; for run: info)",
    )
    group.add_argument(
        "--state-dir",
        type=values.state_directory,
        metavar="DIR",
        default=either(".reconciler"),
        help="directory of the state that is kept between runs (default: .reconciler)",
    )
    group.add_argument("--no-color", action="store_true", default=either(False), help="disable colours")
    group.add_argument(
        "--no-progress", action="store_true", default=either(False), help="disable the progress display"
    )


def add_events(parser: argparse._ActionsContainer, text: str) -> None:
    """Add the queue of events; *text* says what for."""
    parser.add_argument("--events", type=_queue, metavar="sqs://QUEUE", help=text)


def _queue(text: str) -> QueueAddress:
    try:
        return QueueAddress.parse(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


DEFAULT_PATH: Final = "specs"


def add_path(parser: argparse.ArgumentParser) -> None:
    """Add PATH, the spec tree or spec file."""
    parser.add_argument(
        "path",
        nargs="?",
        default=DEFAULT_PATH,
        metavar="PATH",
        help=f"spec tree or spec file (default: {DEFAULT_PATH})",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add PATH and the flags that select datasets."""
    add_path(parser)
    add_selectors(parser)


def add_selectors(parser: argparse.ArgumentParser) -> None:
    """Add the flags that select datasets."""
    group = parser.add_argument_group("which datasets (default: all)")
    group.add_argument(
        "--dataset", action="append", default=[], metavar="NAME", help="only this dataset; may be repeated"
    )
    group.add_argument(
        "--selector",
        type=values.selector,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only datasets with this label; may be repeated",
    )


def add_one_dataset(parser: argparse.ArgumentParser) -> None:
    """Add PATH and --dataset for a command on one dataset."""
    add_path(parser)
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME", help="the dataset")
    parser.set_defaults(selector=[])


def add_output(parser: argparse.ArgumentParser, document: str | None = None) -> None:
    """Add --output, with the formats of a document, or text and JSON without one."""
    formats = FORMATS[document] if document else ("text", "json")
    parser.add_argument(
        "-o",
        "--output",
        choices=formats,
        default="text",
        help="format of the output on stdout (default: text)",
    )


def add_aws(parser: argparse.ArgumentParser, *, region: bool = False) -> None:
    """
    Add the flags that say how AWS is called.

    Args:
        region: Add --region too, for commands that may run before there is a spec to name it.
    """
    group = parser.add_argument_group("AWS (default: the SDK's own configuration: profiles, AWS_REGION, …)")
    if region:
        add_region(group)
    add_local(group)
    group.add_argument(
        "--calls-per-second",
        type=values.whole(1, CALLS_PER_SECOND),
        default=None,
        metavar="N",
        help="maximum calls per second for each operation (1 to 5; default: 5, which is the limit of AWS)",
    )
    group.add_argument(
        "--trust-listing",
        action="store_true",
        help="accept a listing as complete even if AWS counts a different number of entries, or gives none",
    )


def add_region(group: argparse._ActionsContainer) -> None:
    """Add --region."""
    group.add_argument(
        "--region",
        type=values.region,
        metavar="REGION",
        help="AWS Region, in place of the one that the SDK's configuration, or specs without an ARN, name",
    )


def add_local(group: argparse._ActionsContainer) -> None:
    """Add --local."""
    group.add_argument(
        "--local",
        action="store_true",
        help="use the embedded emulator; needs no AWS account and stores its data in the state directory",
    )


def add_download(parser: argparse.ArgumentParser) -> None:
    """Add --download, for commands that open no connection otherwise."""
    parser.add_argument(
        "--download",
        action="store_true",
        help="read entries that specs keep in S3 from there, where they were not downloaded before",
    )
    parser.set_defaults(local=False, calls_per_second=None, trust_listing=False)


def add_full(parser: argparse.ArgumentParser) -> None:
    """Add --full."""
    parser.add_argument(
        "--full",
        action="store_true",
        help="list every entry, even if nothing changed in AWS since the last listing",
    )


def add_change_selection(parser: argparse.ArgumentParser) -> None:
    """Add the flags that select changes."""
    from reconciler.core.planning.withholding import KINDS  # loads the comparison of entries

    group = parser.add_argument_group("which changes (default: all; the others are left as they are)")
    group.add_argument(
        "--source-ref",
        dest="source_refs",
        type=values.image_pattern,
        action="append",
        default=[],
        metavar="PATTERN",
        help="only images whose address matches, such as s3://bucket/line-3/**; may be repeated",
    )
    group.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        choices=KINDS,
        metavar="CLASS",
        help="only changes of this class, as drift names it, or of this action or cause, as plan names it; "
        f"may be repeated: {', '.join(KINDS)}",
    )
    group.add_argument(
        "--label",
        dest="labels",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only images with a label that matches, in git or in AWS, whether it changes or not; may be repeated",
    )


def add_guards(parser: argparse.ArgumentParser) -> None:
    """Add the flags that lift guards for one run."""
    group = parser.add_argument_group("safety limits")
    group.add_argument("--allow-protected", action="store_true", help="allow changes to protected entries")
    group.add_argument(
        "--allow-leakage",
        action="store_true",
        help="allow adding images that are also desired in the other dataset of the project",
    )
    group.add_argument(
        "--allow-frozen",
        action="store_true",
        help="send changes outside the change windows (policy.windows) and during a freeze (policy.freeze)",
    )
