"""``reconciler convert FORMAT IN -o OUT``: convert labels of other formats to JSON Lines."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.cli.commands.convert import NO_EXTENSION
from reconciler.cli.output.files import write_all, write_whole
from reconciler.cli.output.terminal import announce, coloured, stream
from reconciler.convert.compose import Converted
from reconciler.convert.formats import convert_input
from reconciler.convert.record import Crowd, ImagesInS3, Options
from reconciler.errors import Exit, UsageError
from reconciler.reports.validate import SHOWN, render_problems
from reconciler.reports.visible import counted, visible


def run(args: argparse.Namespace) -> int:
    """Write the lines; none if an image has an error, unless --skip-invalid leaves such images out."""
    done = read_labels(args.format, Path(args.input), args)
    if done.note:
        sys.stderr.write(f"{visible(done.note)}\n")
    is_good = may_be_written(done, args)
    if is_good:
        _write(done, args)
    limit = None if args.all else SHOWN
    if done.problems:
        text = render_problems(done.problems, colour=coloured(args, sys.stderr), limit=limit)
        sys.stderr.write(f"{text}\n\n")
    sys.stderr.write(f"{_written(done, args.output) if is_good else refused(done)}\n")
    if is_good and args.output != "-" and sys.stderr.isatty():
        name = visible(Path(args.output).name)
        sys.stderr.write(f"Next: name the file in a spec beside it, under entries: - file: {name}\n")
    return Exit.DONE if is_good else Exit.INVALID


_MEMORY: Final = "convert --images"
"""The name under which images are remembered that belong to no dataset; no dataset can have it."""


def read_labels(form: str, source: Path, args: argparse.Namespace) -> Converted:
    """
    Convert labels; where sizes are those of images in S3, twice: the first conversion finds which are needed.

    Raises:
        UsageError: The flags contradict one another, or do not fit the input.
        GatewayError: S3 does not answer, or refuses to.
    """
    options = _options_of(args)
    images = options.in_s3
    if images and not (source.is_file() or source.is_dir()):
        raise UsageError(f"{source}: is read twice for sizes of images in S3: name a file")
    done = convert_input(form, source, options)
    if images is None or not images.asked:
        return done
    from reconciler.cli.wiring import connected  # loads the AWS SDK
    from reconciler.core.spec.documents import Target
    from reconciler.engine.images.check import read_headers

    with connected(args, read_only=not Path(args.state_dir).exists()) as wiring:
        store, memory = wiring.images(Target.model_construct()), wiring.memory.images
        found = read_headers(_MEMORY, images.asked, store, memory, announce, wiring.progress)
    return convert_input(form, source, replace(options, in_s3=ImagesInS3(images.prefix, found)))


def may_be_written(done: Converted, args: argparse.Namespace) -> bool:
    """Return whether there are lines, and no errors but those of images that --skip-invalid leaves out."""
    return bool(done.lines) and (args.skip_invalid or not done.errors)


def refused(done: Converted) -> str:
    """Return why nothing was written, and whether --skip-invalid would write anything."""
    errors = counted(len(done.errors), "error")
    if not done.lines:
        return f"Nothing was written: {errors}, and no image that could be converted."
    lost = f", {counted(done.skipped, 'image')} cannot be converted" if done.skipped else ""
    return f"Nothing was written: {errors}{lost}; --skip-invalid writes the others ({summed(done)})."


def skipped(done: Converted) -> str:
    """Return how many images were left out, with the codes of their errors; empty if there was no error."""
    codes = Counter(problem.code for problem in done.errors).most_common()
    named = ", ".join(f"{code} {count:,}" for code, count in codes)
    return f"; {counted(done.skipped, 'image')} skipped ({named})" if codes else ""


def summed(done: Converted) -> str:
    """Return the numbers of images and boxes that were converted."""
    return f"{counted(len(done.lines), 'image')} with {counted(done.boxes, 'box', 'boxes')}"


def _options_of(args: argparse.Namespace) -> Options:
    """
    Return the options of reading that the command line gives.

    Raises:
        UsageError: They contradict one another.
    """
    columns: dict[str, tuple[str, ...]] = {}
    for role, column in args.columns:
        columns[role] = (*columns.get(role, ()), column)
    if columns and "image" not in columns:
        raise UsageError("--columns: name the column that holds the image: image=…")
    in_s3 = ImagesInS3(args.images) if args.images and args.images.startswith("s3://") else None
    if args.images and not in_s3 and not Path(args.images).is_dir():
        raise UsageError(f"{args.images}: is not a directory")
    return Options(
        base=args.base,
        created_at=args.created_at,
        clip=args.clip,
        one_based=args.one_based,
        classes=Path(args.classes) if args.classes else None,
        attributes=tuple(args.attribute),
        columns=columns,
        split=args.split,
        images=Path(args.images) if args.images and not in_s3 else None,
        in_s3=in_s3,
        extension="" if args.extension == NO_EXTENSION else args.extension,
        basename=args.basename,
        crowd=Crowd(args.crowd) if args.crowd else None,
        polygons=args.polygons is not None,
    )


def _write(done: Converted, args: argparse.Namespace) -> None:
    def write(target: BinaryIO) -> None:
        target.writelines(done.ordered())

    path = Path(args.output)
    if args.output == "-":
        stream(write)
    elif path.exists() and not path.is_file():
        write_whole(path, write)
    else:
        write_all({path: write}, replace=args.force)


def _written(done: Converted, output: str) -> str:
    where = "" if output == "-" else f"{visible(output)}: "
    return f"{where}{summed(done)} converted{skipped(done)}."
