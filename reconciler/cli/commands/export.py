"""``reconciler export``: an existing dataset as a spec and sorted JSON Lines."""

from __future__ import annotations

import argparse
import json
import re
from contextlib import closing
from pathlib import Path

from reconciler.cli.exits import Exit, say
from reconciler.cli.files import Writer, write_all
from reconciler.cli.terminal import out
from reconciler.cli.wiring import connected
from reconciler.core.choices import DatasetType
from reconciler.core.spec import Target
from reconciler.engine.export import Exported, export
from reconciler.errors import OutputError
from reconciler.reports.visible import counted

PATIENCE_SECONDS = 60.0

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
    """Write the spec and the lines; `plan` right after it finds nothing."""
    kind = DatasetType(args.type)
    with connected(args, read_only=True) as wiring:
        world = wiring.world_of(Target(project=args.project, type=kind))
        with closing(export(args.project, kind, world, PATIENCE_SECONDS)) as found:
            files = _write(found, args)
    if found.errored:
        many = counted(len(found.errored), "entry is", "entries are")
        first = f"{many} stored with errors, {found.errored[0]} first"
        say(f"{first}; validate names what is wrong")
    if args.output == "json":
        summary = {"format": "export/v1", "arn": found.arn, "entries": len(found.places), "files": files}
        out(json.dumps(summary, indent=2))
    else:
        out(
            f"{counted(len(found.places), 'entry', 'entries')} of {found.arn}\n"
            + "\n".join(f"  {file}" for file in files)
        )
    return Exit.DONE


def _write(found: Exported, args: argparse.Namespace) -> list[str]:
    directory = Path(args.directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(f"{directory}: {exc.strerror or exc}") from exc
    name = _dns_label(f"{args.project}-{args.type}")
    files: dict[Path, Writer] = {
        directory / f"{name}.yaml": lambda stream: stream.write(_spec(found, name, args).encode()),
        directory / f"{name}.jsonl": lambda stream: stream.writelines(line + b"\n" for line in found.lines()),
    }
    write_all(files, replace=args.force)
    return [str(path) for path in files]


def _spec(found: Exported, name: str, args: argparse.Namespace) -> str:
    _, _, _, region, account, _ = found.arn.split(":", 5)
    text = _SPEC.format(
        arn=found.arn,
        name=name,
        project=json.dumps(args.project),  # a project may be called 012, or on
        type=args.type,
        region=region,
        account=account,
    )
    return text if found.places else text + "    allowEmpty: true  # it is empty now\n"


def _dns_label(text: str) -> str:
    """Return the nearest DNS-1123 label: what a dataset may be called in a spec."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")
