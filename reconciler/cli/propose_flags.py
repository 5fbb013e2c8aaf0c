"""The flags of ``reconciler propose`` and ``reconciler explain``."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import values
from reconciler.cli.flags import add_aws, add_output, add_selection, add_selectors

CLASSES: Final = (
    "missing",
    "unmanaged",
    "relabelled",
    "box_moved",
    "box_added",
    "box_removed",
    "metadata_only",
)


def add_propose(parser: argparse.ArgumentParser) -> None:
    """Add what propose takes."""
    add_selection(parser)
    _images(parser)
    add_output(parser, "propose")
    parser.add_argument(
        "--patch",
        type=values.writable_file,
        metavar="FILE",
        help="write the patch there (default: to stdout)",
    )
    parser.add_argument(
        "--branch", metavar="NAME", help="also commit it to this new branch; the work tree stays as it is"
    )
    parser.add_argument("--all", action="store_true", help="name every image, not only the first")
    add_aws(parser)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Add what explain takes."""
    parser.add_argument("path", metavar="PATH", help="spec tree or spec file")
    parser.add_argument(
        "source_ref",
        type=values.image,
        metavar="S3-URI",
        help="address of the image, as it stands in the specs",
    )
    add_selectors(parser)
    add_output(parser, "explain")
    add_aws(parser)


def _images(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which images (default: all that drifted)")
    group.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        choices=CLASSES,
        metavar="CLASS",
        help=f"only drift of this class, as drift names it; may be repeated: {', '.join(CLASSES)}",
    )
    group.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only images that have such a label, in git or in AWS; may be repeated",
    )
    group.add_argument(
        "--source-ref",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only images with such an address, such as s3://bucket/line-3/**; may be repeated",
    )
