"""``reconciler convert FORMAT IN -o OUT``: convert labels of other formats to JSON Lines."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli import flags, values
from reconciler.cli.commands import Command
from reconciler.cli.exits import OBSERVED

NO_EXTENSION: Final = "none"
"""The value of --extension that keeps names without one; the parser refuses the empty text."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    from reconciler.convert.formats import AUTO, READERS  # imports every reader, which only convert needs

    formats = (*READERS, AUTO)
    parser.add_argument("format", choices=formats, metavar="FORMAT", help=", ".join(formats))
    parser.add_argument("input", type=values.readable, metavar="IN", help="file or directory to read")
    parser.add_argument(
        "-o",
        "--output",
        type=values.writable_file_or_stdout,
        required=True,
        metavar="OUT",
        help="JSON Lines file to write; - for stdout",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it exists with other content")
    parser.add_argument("--all", action="store_true", help="list every problem, not only the first ones")
    add_reading(parser)
    group = parser.add_argument_group("AWS, for --images s3://… (default: the SDK's own configuration)")
    flags.add_region(group)
    flags.add_local(group)
    parser.set_defaults(calls_per_second=None, trust_listing=False)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how labels are read."""
    parser.add_argument(
        "--skip-invalid",
        action="store_true",
        help="leave out images with errors and write the others (default: write nothing)",
    )
    _what_the_input_lacks(parser)
    _names(parser)
    _tables(parser)
    _shapes(parser)


def _names(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("image names that are not keys below base")
    group.add_argument(
        "--extension",
        type=_extension,
        metavar=".EXT",
        help="append to names without an extension, such as .jpg; none: keep such names (default: an error)",
    )
    group.add_argument(
        "--basename",
        action="store_true",
        help="drop the directories of names: only the last part is below base",
    )


def _tables(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tables and splits")
    group.add_argument(
        "--columns",
        action="extend",
        type=_columns,
        default=[],
        metavar="ROLE=COLUMN,…",
        help="role of each column, by header or by number from 1, such as image=file,label=breed",
    )
    group.add_argument("--split", metavar="NAME", help="only this split, such as TRAIN (default: all)")


def _shapes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("content that a line cannot express")
    group.add_argument(
        "--crowd",
        choices=("box", "skip"),
        help="crowd regions: keep their boxes, or leave images without other objects unlabelled "
        "(default: such images are errors)",
    )
    group.add_argument(
        "--polygons",
        choices=("box",),
        help="polygons, masks and turned boxes become the box around them (default: an error)",
    )
    group.add_argument(
        "--clip", action="store_true", help="clip boxes to the edges of their image (default: an error)"
    )


def _what_the_input_lacks(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("information that the input lacks")
    group.add_argument(
        "--base",
        type=_base,
        metavar="s3://BUCKET/PREFIX/",
        help="address of the images, put before their names",
    )
    group.add_argument(
        "--created-at",
        type=_moment,
        metavar="TIME",
        help="creation date where the input has none, such as 2026-03-01T12:00:00",
    )
    group.add_argument(
        "--classes",
        type=values.readable_file,
        metavar="FILE",
        help="class names: a data.yaml, or one name a line (yolo: default near IN; csv: names of numeric labels)",
    )
    group.add_argument(
        "--one-based",
        action="store_true",
        help="voc: pixels count from 1, as in the files of the VOC challenge",
    )
    group.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="NAME",
        help="groundtruth: keep only this label attribute; via, labelstudio: that of the label; may be repeated",
    )
    group.add_argument(
        "--images",
        type=_images,
        metavar="DIR|s3://BUCKET/PREFIX/",
        help="where the images are, to read sizes that the input does not state (default: the directory of IN)",
    )


def _images(text: str) -> str:
    return _base(text) if text.startswith("s3://") else values.readable_directory(text)


def _columns(text: str) -> list[tuple[str, str]]:
    from reconciler.convert.parsing.headers import Role

    found = []
    for part in text.split(","):
        role, _, column = part.partition("=")
        if role.strip() not in tuple(Role) or not column.strip():
            known = ", ".join(Role)
            raise argparse.ArgumentTypeError(f"{part!r} is not ROLE=COLUMN; roles: {known}")
        found.append((role.strip(), column.strip()))
    return found


def _extension(text: str) -> str:
    if text.lower() == NO_EXTENSION:
        return NO_EXTENSION
    if text.lower() not in (".jpg", ".jpeg", ".png"):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of .jpg, .jpeg, .png, none")
    return text


def _base(text: str) -> str:
    from reconciler.core.spec.labelling import address
    from reconciler.core.validation.text import is_source_ref

    if not is_source_ref(address("image", text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form s3://bucket/prefix/")
    return text


def _moment(text: str) -> str:
    from reconciler.core.spec.field_types import is_moment, moment_like

    if not is_moment(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a date and time such as {moment_like(text)}")
    return text


COMMAND: Final = Command(
    name="convert",
    summary="convert labels of other formats to JSON Lines",
    example="reconciler convert coco instances.json --base s3://acme-boards/train/ -o train.jsonl",
    exits=OBSERVED,
    arguments=_arguments,
)
