"""The flags of ``reconciler restore`` and ``reconciler rebuild``."""

from __future__ import annotations

import argparse

from reconciler.cli import values
from reconciler.cli.flags import add_aws, add_guards, add_output, add_path


def _one_dataset(parser: argparse.ArgumentParser) -> None:
    add_path(parser)
    parser.add_argument("--dataset", action="append", required=True, metavar="NAME", help="which dataset")
    parser.set_defaults(selector=[])


def add_restore(parser: argparse.ArgumentParser) -> None:
    """Add what brings single entries back."""
    _one_dataset(parser)
    parser.set_defaults(path=None)  # --list needs no specs
    add_output(parser)
    parser.add_argument("--list", action="store_true", help="list what is kept, and do nothing else")
    parser.add_argument(
        "--snapshot", metavar="ID", help="which one, or how its id begins (default: the newest)"
    )
    parser.add_argument(
        "--apply", action="store_true", help="carry the plan out; without it, it is only shown"
    )
    parser.add_argument("--all", action="store_true", help="show every change, not only the first")
    add_guards(parser)
    add_aws(parser)


def add_rebuild(parser: argparse.ArgumentParser) -> None:
    """Add what replaces a whole dataset."""
    _one_dataset(parser)
    add_output(parser, "apply")
    parser.add_argument(
        "--plan-digest",
        type=values.digest,
        metavar="HEX",
        help="of the plan to be carried out, as plan prints it",
    )
    parser.add_argument(
        "--bucket",
        type=values.bucket,
        metavar="s3://BUCKET/PREFIX",
        help="where the manifests and the old entries are kept",
    )
    parser.add_argument(
        "--yes", action="store_true", help="nothing else uses the dataset, where AWS does not tell"
    )
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--resume", action="store_true", help="finish a rebuild that was begun")
    either.add_argument("--undo", action="store_true", help="bring back exactly the entries from before")
    add_guards(parser)
    add_aws(parser)
