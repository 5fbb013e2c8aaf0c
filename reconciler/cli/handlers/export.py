"""``reconciler export``: write datasets as a spec and sorted JSON Lines, or in the format of another tool."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.cli.exits import say
from reconciler.cli.output.files import Writer, make_directory, new_directory, write_all
from reconciler.cli.output.show import next_step
from reconciler.cli.output.terminal import out
from reconciler.cli.splits import read_datasets, splits_of
from reconciler.convert.export.format import Format
from reconciler.convert.export.losses import LEFT_OUT, MEANINGS, Loss, LossKind
from reconciler.convert.export.run import Report, Written
from reconciler.convert.export.run import write as write_format
from reconciler.convert.formats import WRITERS
from reconciler.core.spec.choices import Arn, DatasetType
from reconciler.engine.usecases.export import Exported
from reconciler.errors import Exit, UsageError
from reconciler.reports.visible import counted, shortened, visible

REPORT = "export.json"
"""The report, in the directory of an export that is complete."""

_OWN = "jsonl"
_SHOWN_NAMES: Final = 5
_SHOWN_CHARS: Final = 40

_SPEC = """\
# Exported from {arn}.
# Nothing is written to AWS until policy.mode is create-only or upsert.
apiVersion: reconciler/v1
kind: Dataset
metadata:
  name: {name}
spec:
  target:
    project: {project}
    type: {type}
    region: {region}
    accountId: "{account}"
  entries:
    - file: {name}.jsonl
  policy:
    mode: observe
"""


def run(args: argparse.Namespace) -> int:
    """Write a spec and its lines, after which a `plan` finds no change; or the files of another format."""
    if not (args.project or args.from_specs):
        raise UsageError("--project NAME exports from AWS, --from-specs from git: give one of them")
    form = WRITERS[args.format]
    if args.images_at and form.images is None:
        raise UsageError(f"--format {args.format} names images by their addresses: it takes no --images-at")
    if missing := [key for key in form.about if key not in dict(args.about)]:
        raise UsageError(f"--format {args.format} needs --about {', '.join(f'{key}=…' for key in missing)}")
    if unknown := [key for key, _ in args.about if key not in form.about]:
        known = ", ".join(form.about) or "none"
        raise UsageError(f"--about {unknown[0]}: --format {args.format} knows {known}")
    if args.from_specs or args.format != _OWN:
        return _in_format(form, args)
    if args.type is None:
        raise UsageError(f"--type TRAIN or TEST is needed with --format {_OWN}")
    return _as_spec(args)


def _as_spec(args: argparse.Namespace) -> int:
    from reconciler.cli.wiring import connected  # loads the AWS SDK

    with connected(args, read_only=True) as wiring:
        kind = DatasetType(args.type)
        for _, found in read_datasets(args.project, kind, wiring):
            with closing(found):
                files = write(found, args.project, kind, Path(args.directory), replace=args.force)
    for remark in remarks(found, files):
        say(remark)
    if args.output == "json":
        left_out = [{"source_ref": ref, "codes": codes} for ref, codes in found.refused.items()]
        summary = {"format": "export/v1", "arn": found.arn, "entries": len(found.kept)}
        out(json.dumps({**summary, "left_out": left_out, "files": files}, indent=2))
    else:
        out(
            f"{counted(len(found.kept), 'entry', 'entries')} of {found.arn}\n"
            + "\n".join(f"  {file}" for file in files)
        )
    tree = shlex.quote(args.directory)
    next_step(args, f"validate {tree}", f"plan {tree}{' --local' * args.local}")
    return Exit.DONE


def _in_format(form: Format, args: argparse.Namespace) -> int:
    if args.force:
        raise UsageError("--force replaces a spec and its lines alone: name a new or an empty directory")
    directory = Path(args.directory)
    with new_directory(directory, REPORT) as new, splits_of(args) as (project, splits):
        report = write_format(form, project, splits, new, dict(args.images_at), dict(args.about))
        files = [f"{directory / name}{'/' * name.endswith('/')}" for name in report.files]
        document = _as_json(args.format, files, report)
        (new / REPORT).write_bytes(document)
    as_text = "\n".join(_text_lines(args.format, files, report))
    out(document.decode().rstrip() if args.output == "json" else as_text)
    return Exit.DONE


def remarks(found: Exported, files: list[str]) -> Iterator[str]:
    """Yield remarks on entries that were left out or that AWS marked with errors."""
    if found.refused:
        first, codes = next(iter(found.refused.items()))
        many = counted(len(found.refused), "entry is", "entries are")
        yield (
            f"{many} left out, the first is {first}: AWS would refuse them ({', '.join(codes)}); "
            f"correct the lines in {files[-1]}, then add that file to the entries of {files[0]}"
        )
    if found.marked:
        many = counted(len(found.marked), "entry is", "entries are")
        yield f"{many} marked with errors by AWS, the first is {found.marked[0]}; plan lists them all"


def write(found: Exported, project: str, kind: DatasetType, directory: Path, *, replace: bool) -> list[str]:
    """
    Write a dataset as a spec and its lines; return the names of the files, the spec first.

    Raises:
        OutputError: A file cannot be written.
        UsageError: A file exists with other content and may not be replaced.
    """
    make_directory(directory)
    name = dns_label(f"{project}-{kind}")
    files: dict[Path, Writer] = {
        directory / f"{name}.yaml": lambda stream: stream.write(_spec(found, name, project, kind).encode()),
        directory / f"{name}.jsonl": _lines(found, found.kept),
    }
    if found.refused:
        files[directory / f"{name}.refused.jsonl"] = _lines(found, found.refused)
    write_all(files, replace=replace)
    return [str(path) for path in files]


def _lines(found: Exported, source_refs: Iterable[str]) -> Writer:
    return lambda stream: stream.writelines(line + b"\n" for line in found.lines(source_refs))


def _spec(found: Exported, name: str, project: str, kind: DatasetType) -> str:
    parts = Arn.parse(found.arn)
    text = _SPEC.format(
        arn=found.arn,
        name=name,
        project=json.dumps(project),  # a project may be called 012, or on
        type=kind,
        region=parts.region,
        account=parts.account,
    )
    return text if found.kept else text + "    allowEmpty: true  # the dataset holds no entry\n"


def dns_label(text: str) -> str:
    """Return the nearest DNS-1123 label, as the name of a dataset in a spec must be."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")


def _as_json(form: str, files: list[str], report: Report) -> bytes:
    """Return the document; the file in the directory of the export is the same."""
    sources = [split.of.source for split in report.splits]
    refused = {ref: codes for split in report.splits for ref, codes in split.of.refused.items()}
    document = {
        "format": "export/v1",
        "arn": sources[0] if len(sources) == 1 and sources[0].startswith("arn:") else None,
        "entries": sum(split.entries for split in report.splits),
        "left_out": [{"source_ref": ref, "codes": list(codes)} for ref, codes in refused.items()],
        "files": files,
        "written_as": form,
        "splits": [_split(split) for split in report.splits],
        "losses": [_loss(kind, loss) for kind, loss in report.losses.by_kind().items()],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _split(split: Written) -> dict[str, Any]:
    return {
        "name": split.of.name,
        "source": split.of.source,
        "entries": split.entries,
        "images": split.images,
        "boxes": split.boxes,
        "base": split.base,
    }


def _loss(kind: LossKind, loss: Loss) -> dict[str, Any]:
    return {
        "kind": kind,
        "meaning": MEANINGS[kind],
        "images_left_out": kind in LEFT_OUT,
        "count": loss.count,
        "images": loss.images,
        "names": dict(loss.names.most_common()),
        "source_refs": loss.source_refs,
    }


def _text_lines(form: str, files: list[str], report: Report) -> Iterator[str]:
    for split in report.splits:
        images, boxes = counted(split.images, "image"), counted(split.boxes, "box", "boxes")
        base = f", below {visible(split.base)}" if split.base else ""
        yield f"{split.of.name}: {images} with {boxes}, of {counted(split.entries, 'entry', 'entries')}{base}"
        if split.of.refused:
            first, codes = next(iter(split.of.refused.items()))
            many = counted(len(split.of.refused), "entry is", "entries are")
            yield f"  {many} left out: AWS would refuse them, such as {visible(first)} ({', '.join(codes)})"
    yield from (f"  {visible(name)}" for name in files)
    losses = report.losses.by_kind()
    if not losses:
        yield f"Nothing is lost in {form}."
        return
    yield f"Lost in {form}, or when it is converted again:"
    for kind, loss in losses.items():
        many = f"{loss.count:,} in " if loss.count > loss.images else ""
        many += f"{counted(loss.images, 'image')}, such as {visible(loss.source_refs[0])}"
        yield f"  {kind}: {MEANINGS[kind]}: {many}{_names(loss)}"


def _names(loss: Loss) -> str:
    shown = [
        f"{shortened(visible(name), _SHOWN_CHARS)} {count:,}"
        for name, count in loss.names.most_common(_SHOWN_NAMES)
    ]
    more = len(loss.names) - len(shown)
    return f" ({', '.join(shown)}{f' and {more} more' if more else ''})" if shown else ""
