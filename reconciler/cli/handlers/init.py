"""``reconciler init [DIR]``: write a first spec tree, from an example, from labels, or from AWS."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from reconciler.cli.clock import SystemClock
from reconciler.cli.exits import say
from reconciler.cli.handlers import export as exporting
from reconciler.cli.handlers.convert import may_be_written, read_labels, refused, skipped, summed
from reconciler.cli.output.files import Writer, make_directory, write_all
from reconciler.cli.output.terminal import coloured, out
from reconciler.core.moments import moment
from reconciler.core.spec.choices import DatasetType
from reconciler.errors import Exit, UsageError
from reconciler.reports.validate import SHOWN, render_problems
from reconciler.reports.visible import counted

_SPEC: Final = """\
apiVersion: reconciler/v1
kind: Dataset
metadata:
  name: {name}
spec:
  target:
    project: {project}   # Rekognition project
    type: {type}
    create: true         # create the project and an empty dataset if they are missing
    # region: us-east-1            # default: AWS_REGION, or the profile
    # accountId: "111122223333"    # refuse credentials of any other account
  entries:
    - file: {file}
  policy:
    mode: upsert         # observe: never write; create-only: add, never change
    onDrift: revert      # report: leave what was changed in AWS, and report it
"""

_EXAMPLE: Final = """\
# Images and their labels. One entry is one image; `base` is put before its name.
apiVersion: reconciler/v1
kind: Entries
base: s3://my-bucket/train/      # the bucket that holds your images
createdAt: 2026-03-01T12:00:00   # creation date of every label
images:
  - image: photo1.jpg            # labels of the whole image
    labels: [bee]
  - image: photo2.jpg
    labels: [bee, queen]
# A dataset for object detection has boxes in place of labels, in pixels from the upper left corner:
# - image: photo3.jpg
#   size: [640, 480]
#   boxes:
#     - {label: queen, left: 86, top: 65, width: 220, height: 334}
"""


def run(args: argparse.Namespace) -> int:
    """Write the tree, and print the commands to run next."""
    if args.labels and args.labels[0] == "aws":
        raise UsageError("--from is about files; for a dataset in AWS: --from-aws PROJECT")
    if args.from_aws:
        return _from_aws(args)
    return _from_labels(args) if args.labels else _example(args)


def _example(args: argparse.Namespace) -> int:
    if args.project or args.type:
        raise UsageError("--project and --type need --from FORMAT IN, or --from-aws PROJECT")
    directory = Path(args.directory)
    if directory.is_dir() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty, and init writes a first tree; name another DIR")
    spec = "# A dataset of Amazon Rekognition Custom Labels, and where its entries are.\n" + _SPEC.format(
        name="my-first-train", project="my-first", type="TRAIN", file="images.yaml"
    )
    written = _write(directory, {"dataset.yaml": _text(spec), "images.yaml": _text(_EXAMPLE)})
    return _print_result("an example: one dataset of 2 images", written, directory, local=True)


def _from_labels(args: argparse.Namespace) -> int:
    """Convert labels, and write them with the spec of a dataset that may be created."""
    from reconciler.convert.formats import AUTO, READERS  # imports every reader

    form, source = args.labels
    if form not in (*READERS, AUTO):
        raise UsageError(f"--from {form}: not one of the formats {', '.join((*READERS, AUTO))}")
    if args.created_at is None:  # recorded in the lines, so that no later command depends on the clock
        args.created_at = moment(SystemClock().now()).removesuffix("Z")
    done = read_labels(form, Path(source), args)
    if done.note:
        say(done.note)
    if done.problems:
        text = render_problems(done.problems, colour=coloured(args, sys.stderr), limit=SHOWN)
        sys.stderr.write(f"{text}\n\n")
    if not may_be_written(done, args):
        sys.stderr.write(f"{refused(done)}\n")
        return Exit.INVALID
    kind = DatasetType(args.type or "TRAIN")
    project = args.project or exporting.dns_label(Path(source).resolve().stem) or "dataset"
    name, directory = exporting.dns_label(f"{project}-{kind}"), Path(args.directory)
    spec = _SPEC.format(name=name, project=json.dumps(project), type=kind, file=f"{name}.jsonl")

    def lines(target: BinaryIO) -> None:
        target.writelines(done.ordered())

    written = _write(directory, {f"{name}.yaml": _text(spec), f"{name}.jsonl": lines})
    what = f"dataset {name} of project {project}: {summed(done)}{skipped(done)}"
    return _print_result(what, written, directory, local=True)


def _from_aws(args: argparse.Namespace) -> int:
    """Export every dataset of a project, or only that of --type."""
    from reconciler.cli.splits import read_datasets
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    directory, entries = Path(args.directory), 0
    written: list[str] = []
    with connected(args, read_only=True) as wiring:
        only = DatasetType(args.type) if args.type else None
        for kind, found in read_datasets(args.from_aws, only, wiring):
            with closing(found):
                files = exporting.write(found, args.from_aws, kind, directory, replace=False)
            for remark in exporting.remarks(found, files):
                say(remark)
            written += files
            entries += len(found.kept)
    what = f"project {args.from_aws}: {counted(entries, 'entry', 'entries')}, in mode observe"
    return _print_result(what, written, directory, local=args.local, calling=("doctor", "plan"))


def _text(content: str) -> Writer:
    return lambda target: target.write(content.encode())


def _write(directory: Path, files: dict[str, Writer]) -> list[str]:
    make_directory(directory)
    write_all({directory / name: write for name, write in files.items()}, replace=False)
    return [str(directory / name) for name in files]


def _print_result(
    what: str,
    written: list[str],
    directory: Path,
    *,
    local: bool,
    calling: tuple[str, ...] = ("plan", "apply"),
) -> int:
    """Print what was written, and the commands to run next: validate, and those that call AWS."""
    path = "" if str(directory) == "specs" else f" {directory}"
    names = "\n".join(f"  {name}" for name in written)
    commands = "".join(f"\n  reconciler {command}{path}{' --local' * local}" for command in calling)
    out(f"Wrote {what}\n{names}\nNext:\n  reconciler validate{path}{commands}")
    return Exit.DONE
