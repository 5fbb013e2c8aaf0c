"""
The tables of the documentation that repeat what the program knows.

A line ``<!-- table: NAME ARGUMENT -->`` stands above each; ``python -m tests.docs.tables`` renews them all.
"""

from __future__ import annotations

import argparse
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.cli.commands import Command
from reconciler.cli.commands.schema import KINDS, schema_of
from reconciler.cli.exits import ALWAYS, MEANINGS
from reconciler.cli.flags import add_globals
from reconciler.cli.parser import every_command
from reconciler.core.spec.documents import DOCUMENTS
from reconciler.engine.controller.registry import Registry
from reconciler.errors import ReconcilerError
from reconciler.reports.visible import visible
from reconciler.server.metrics import LABELS, Metrics
from tests.docs.faults import collected
from tests.docs.pages import ROOT
from tests.mutation import SCORE

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_MARKED = re.compile(r"(<!-- table: (\w+) ?(\S*) -->\n)((?:\|.*\n)*)")


def renewed(text: str) -> str:
    """Return a page with all its tables as they should be."""
    return _MARKED.sub(lambda found: found[1] + TABLES[found[2]](found[3]), text)


def named(text: str) -> set[tuple[str, str]]:
    """Return name and argument of the tables that a page holds."""
    return {(found[2], found[3]) for found in _MARKED.finditer(text)}


def commands(_: str) -> str:
    """Every command, linked to its section, and what it may end with."""
    rows = ((f"[`{c.name}`](#{c.name})", c.summary, _codes(c.exits)) for c in every_command())
    return _table(("command", "does", "exit codes"), rows)


def exits(command: str) -> str:
    """Every exit code; or those of one command, without what any command may end with."""
    codes = _command(command).exits if command else MEANINGS
    return _table(("exit code", "meaning"), ((str(int(code)), MEANINGS[code]) for code in sorted(codes)))


def flags(command: str) -> str:
    """Every argument of a command, its own first; or of all commands, for ``everywhere``."""
    parser = argparse.ArgumentParser(add_help=False)
    if command == "everywhere":
        add_globals(parser, default=True)
    else:
        _command(command).arguments(parser)
    return _table(("argument", "what it says"), map(_flag, parser._actions))


def _command(name: str) -> Command:
    return next(command for command in every_command() if command.name == name)


def fields(kind: str) -> str:
    """Every field of a document, what it is if it is left out, and what it says."""
    return _table(("field", "default", "what it says"), _fields(DOCUMENTS[kind], ""))


def explained() -> Mapping[str, Mapping[str, str]]:
    """Return by code its cause, who says so, what to do about it, and an example; failures explain themselves."""
    found: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "docs" / "codes.yaml").read_text("utf-8"))
    causes: dict[str, list[str]] = {}
    for kind in _tree(ReconcilerError):
        causes.setdefault(kind.code, []).append(_paragraph(inspect.getdoc(kind) or ""))
    for code, texts in causes.items():
        found[code] |= {"cause": " Or: ".join(texts), "source": "this project"}
    return found


def codes(_: str) -> str:
    """Every code with cause, fix and example."""
    rows = (
        (
            f"`{code}`",
            f"{_cell(one['cause'])} ({one['source']})",
            _cell(one["fix"]),
            _example(one["example"]),
        )
        for code, one in explained().items()
    )
    return _table(("code", "cause (and who says so)", "fix", "example"), rows)


def _example(text: str) -> str:
    """Write an example as code, with invisible characters in sight."""
    return f"`{visible(text)}`" if text else "an empty line"


def _cell(text: str) -> str:
    return _paragraph(text).replace("|", "\\|")


def _tree(kind: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    """Yield the exception classes of `reconciler.errors`, the root first."""
    if kind.__module__ == "reconciler.errors":
        yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _paragraph(text: str) -> str:
    """Return the first paragraph on one line."""
    return " ".join(text.split("\n\n")[0].split())


def faults(_: str) -> str:
    """Every fault that is tried, where it strikes, what is promised then, and how often all lanes try it."""
    rows = (
        (fault.where, fault.what, fault.promise, str(tried), _linked(fault.report))
        for fault, tried in collected()
    )
    return _table(("where", "fault", "promise", "tried", "reported"), rows)


def metrics(_: str) -> str:
    """Every metric that the controller serves."""
    served = Metrics("version")
    served.watch(Registry("source", time.time, time.monotonic))
    rows = []
    for family in served.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in LABELS[family.name])
        rows.append((f"`{name}`", family.type, labels, family.documentation))
    return _table(("metric", "type", "labels", "what it holds"), sorted(rows))


def mutation(_: str) -> str:
    """Of each part of the package, how many changes were made at random, and how many a test noticed."""
    scores = yaml.safe_load(SCORE.read_text("utf-8")) if SCORE.exists() else {}
    rows = [
        (
            f"`{part}`",
            str(score["changes"]),
            str(score["noticed"]),
            str(without := len(score.get("without_effect", ()))),
            f"{100 * score['noticed'] / (score['changes'] - without):.0f} %",
            f"`{score['commit']}`, seed {score['seed']}",
        )
        for part, score in scores.items()
    ] or [("not taken yet", "", "", "", "", "")]
    return _table(("part", "changes", "noticed", "without effect", "score", "taken at"), rows)


TABLES: dict[str, Callable[[str], str]] = {
    "codes": codes,
    "commands": commands,
    "exits": exits,
    "flags": flags,
    "fields": fields,
    "faults": faults,
    "metrics": metrics,
    "mutation": mutation,
}


def leaves(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted path of every field that holds a value; ``[]`` stands for the items of a list."""
    for name, info in model.model_fields.items():
        path = above + (info.alias or name)
        inner = next(_models_in(info.annotation), None)
        if inner is None:
            yield path, info
        elif inner is info.annotation:
            yield from leaves(inner, f"{path}.")
        else:
            yield path, info
            yield from leaves(inner, f"{path}[].")


def _fields(model: type[BaseModel], above: str) -> Iterator[tuple[str, str, str]]:
    for path, info in leaves(model, above):
        yield f"`{path}`", _default(path, info), str(info.description)


def _default(path: str, info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    match info.default:
        case None | () | {}:
            return "none"
        case int(seconds) if (info.alias or "") != "maxChanges" and not isinstance(seconds, bool):
            return f"`{seconds // 3600}h`" if seconds % 3600 == 0 else f"`{seconds // 60}m`"
        case bool(value):
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _flag(action: argparse.Action) -> tuple[str, str]:
    names = ", ".join(action.option_strings)
    choices = "|".join(map(str, action.choices)) if action.choices and not action.metavar else ""
    metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
    value = metavar or choices or (action.dest.upper() if action.nargs != 0 else "")
    shown = f"{names} {value}".strip()
    if not action.option_strings and action.nargs == "?":
        shown = f"[{shown}]"
    return f"`{shown}`".replace("|", "\\|"), str(action.help) % vars(action)


def _linked(report: str) -> str:
    """Return where a fault was reported, as a link if it is a thread on GitHub."""
    if thread := re.fullmatch(r"([\w.-]+/[\w.-]+)#(\d+)", report):
        return f"[{report}](https://github.com/{thread[1]}/issues/{thread[2]})"
    return report.replace("|", "\\|")


def _codes(codes: Iterable[int]) -> str:
    return " ".join(str(int(code)) for code in sorted(codes) if code not in ALWAYS)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return "".join([lines[0], "|---" * len(head) + "|\n", *lines[1:]])


def main() -> None:
    """Write every table and every JSON Schema."""
    files = {path: renewed(path.read_text("utf-8")) for path in PAGES}
    files |= {ROOT / "schemas" / f"{kind}.json": f"{schema_of(kind)}\n" for kind in KINDS}
    for path, new in files.items():
        if not path.exists() or new != path.read_text("utf-8"):
            Path(path).write_text(new, "utf-8")
            print(f"renewed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
