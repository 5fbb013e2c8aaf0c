"""The documentation page of all codes: of spec files, of the rules, and of the exception tree."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

from reconciler.core.validation.codes import Code
from reconciler.core.validation.spec_codes import SPEC_CODES
from reconciler.errors import ReconcilerError

_HEADER: Final = """\
# Codes

What `validate`, `plan` and the reports say, and why. A code of AWS's own keeps AWS's name and sense; `RKD`
codes are this project's. One code may be an error in one place and a warning in another: an error is what
the service would drop, refuse or mark; a warning is what training would ignore, or what only looks odd.

This page is rendered by `reconciler/core/validation/catalogue.py`; a code is explained where it is defined.

| code | what it means | after |
|---|---|---|
"""


def page() -> str:
    """Render `docs/codes.md`."""
    specs = [(code.code, f"{code.title}. {code.explanation}", code.source) for code in SPEC_CODES]
    problems = [(code.value, code.meaning, code.source) for code in Code]
    failures = [(kind.code, inspect.getdoc(kind) or "", "this project") for kind in _tree(ReconcilerError)]
    rows = [*specs, *problems, *sorted(failures)]
    return _HEADER + "".join(f"| `{code}` | {_line(text)} | {source} |\n" for code, text, source in rows)


def _tree(kind: type[ReconcilerError]) -> Iterator[type[ReconcilerError]]:
    """Yield the exception classes of `reconciler.errors`, the root first."""
    if kind.__module__ == ReconcilerError.__module__:
        yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _line(text: str) -> str:
    """Return the first paragraph on one line."""
    return " ".join(text.split("\n\n")[0].split())
