"""``reconciler export``: write an existing dataset as a spec and sorted JSON Lines."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from reconciler.cli.exits import say
from reconciler.cli.output.files import Writer, make_directory, write_all
from reconciler.cli.output.terminal import out
from reconciler.cli.wiring import connected
from reconciler.core.spec.arn import Arn
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from reconciler.engine.usecases.export import Exported, export
from reconciler.errors import Exit
from reconciler.reports.visible import counted

WAIT_SECONDS = 60.0

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
    """Write the spec and the lines; a `plan` right afterwards finds no change."""
    kind = DatasetType(args.type)
    with connected(args, read_only=True) as wiring:
        context = wiring.context_of(Target(project=args.project, type=kind))
        with closing(export(args.project, kind, context, WAIT_SECONDS)) as found:
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
