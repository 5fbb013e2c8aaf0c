"""``reconciler schema KIND``: print the JSON Schema of a document that is read or written."""

from __future__ import annotations

import argparse
from typing import Final

from reconciler.cli.commands import Command
from reconciler.errors import Exit
from reconciler.reports.registry import FORMATS

_READ: Final = ("dataset", "entries", "acknowledgement")
KINDS: Final = (*_READ, *FORMATS)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))


def schema_of(kind: str) -> str:
    """Return the JSON Schema of a document, as the command prints it."""
    import json

    if kind in _READ:
        from reconciler.core.spec import documents

        schema = documents.json_schema(kind)  # type: ignore[arg-type]  # one of them
    else:
        from reconciler.reports.registry import json_schema

        schema = json_schema(kind)
    return json.dumps(schema, indent=2)


def _run(args: argparse.Namespace) -> int:
    """Print one JSON Schema."""
    from reconciler.cli.output.terminal import out

    out(schema_of(args.kind))
    return Exit.DONE


COMMAND: Final = Command(
    name="schema",
    summary="print a JSON Schema for editors and scripts",
    example="reconciler schema dataset > dataset.schema.json",
    exits=(Exit.DONE,),
    arguments=_arguments,
    work=_run,
)
