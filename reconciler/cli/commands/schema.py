"""``reconciler schema KIND``: JSON Schemas of what we read and write."""

from __future__ import annotations

import argparse
import json

from reconciler.cli.exits import Exit
from reconciler.cli.output.terminal import out


def run(args: argparse.Namespace) -> int:
    """Print one schema."""
    if args.kind in ("dataset", "entries", "acknowledgement"):
        from reconciler.core.spec import documents

        schema = documents.json_schema(args.kind)
    else:
        from reconciler.reports.schemas import json_schema

        schema = json_schema(args.kind)
    out(json.dumps(schema, indent=2))
    return Exit.DONE
