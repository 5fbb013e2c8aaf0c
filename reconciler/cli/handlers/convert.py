"""``reconciler convert FORMAT IN -o OUT``: convert labels of other formats to JSON Lines. Offline."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from reconciler.cli.output.files import write_all, write_whole
from reconciler.cli.output.terminal import coloured, stream
from reconciler.convert.compose import Converted
from reconciler.convert.formats import converted
from reconciler.convert.record import Crowd, Options
from reconciler.errors import Exit, UsageError
from reconciler.reports.validate import SHOWN, render_problems
from reconciler.reports.visible import counted, visible


def run(args: argparse.Namespace) -> int:
    """Write the lines; none if an image has an error, unless --skip-invalid leaves such images out."""
    done = converted(args.format, Path(args.input), options_of(args))
    if done.note:
        sys.stderr.write(f"{visible(done.note)}\n")
    is_good = bool(done.lines) and (args.skip_invalid or not done.errors)
    if is_good:
        _write(done, args)
    limit = None if args.all else SHOWN
    if done.problems:
        text = render_problems(done.problems, colour=coloured(args, sys.stderr), limit=limit)
        sys.stderr.write(f"{text}\n\n")
    sys.stderr.write(f"{_written(done, args.output) if is_good else _refused(done)}\n")
    if is_good and args.output != "-" and sys.stderr.isatty():
        name = visible(Path(args.output).name)
        sys.stderr.write(f"Next: name the file in a spec beside it, under entries: - file: {name}\n")
    return Exit.DONE if is_good else Exit.INVALID


def options_of(args: argparse.Namespace) -> Options:
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
    if args.images and not Path(args.images).is_dir():
        raise UsageError(f"{args.images}: is no directory")
    return Options(
        base=args.base,
        created_at=args.created_at,
        clip=args.clip,
        one_based=args.one_based,
        classes=Path(args.classes) if args.classes else None,
        attributes=tuple(args.attribute),
        columns=columns,
        split=args.split,
        images=Path(args.images) if args.images else None,
        extension=args.extension,
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
    text = f"{where}{_sum(done)} converted"
    if done.errors:
        codes = Counter(problem.code for problem in done.errors).most_common()
        named = ", ".join(f"{code} {count:,}" for code, count in codes)
        text += f"; {counted(done.skipped, 'image')} skipped ({named})"
    return f"{text}."


def _refused(done: Converted) -> str:
    errors = counted(len(done.errors), "error")
    if not done.lines:
        return f"Nothing was written: {errors}, and no image that could be converted."
    lost = f", {counted(done.skipped, 'image')} cannot be converted" if done.skipped else ""
    return f"Nothing was written: {errors}{lost}; --skip-invalid writes the others ({_sum(done)})."


def _sum(done: Converted) -> str:
    return f"{counted(len(done.lines), 'image')} with {counted(done.boxes, 'box', 'boxes')}"
