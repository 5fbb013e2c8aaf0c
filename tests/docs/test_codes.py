"""Every code has a cause, a fix and an example, and what they name exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from reconciler.cli.parser import build, every_command
from reconciler.core.validation import codes
from reconciler.core.validation.codes import Code
from reconciler.errors import ReconcilerError
from tests.docs.tables import ROOT, explained
from tests.fixtures.lines import rows

EXPLAINED, ROWS = explained(), rows()
LINES = [code for code in Code if any(code in row.validator for row in ROWS)]


def kinds_of_errors(kind: type[ReconcilerError] = ReconcilerError) -> Iterator[str]:
    yield kind.code
    for inner in kind.__subclasses__():
        yield from kinds_of_errors(inner)


def test_the_register_holds_every_code_and_no_other():
    """A new code needs an entry in docs/codes.yaml; no code stands for two kinds of problem."""
    problems = [
        *Code,
        *(text for text in vars(codes).values() if isinstance(text, str) and text[:3] == "RKD"),
    ]

    assert sorted([*problems, *set(kinds_of_errors())]) == sorted(EXPLAINED)
    assert len(EXPLAINED) == len(re.findall(r"(?m)^\w+:$", (ROOT / "docs" / "codes.yaml").read_text("utf-8")))


@pytest.mark.parametrize("code", EXPLAINED)
def test_a_code_has_a_cause_a_source_a_fix_and_an_example(code: str):
    """Cause and fix are sentences; all fit into the cell of a table."""
    one = EXPLAINED[code]

    assert one["cause"].endswith(".")
    assert one["source"]
    assert one["fix"].endswith(".")
    assert one["example"] or code == Code.BLANK_LINE
    assert not {"\n", "|"} & set(one["cause"] + one["source"])
    assert not {"\n", "|", "`"} & set(one["example"])


@pytest.mark.parametrize("code", LINES)
def test_the_example_of_a_line_has_the_code(code: Code):
    """It is a part of a line of the fixtures, to which validation gives this code."""
    example = EXPLAINED[code]["example"].encode()

    assert any(code in row.validator and example in row.raw for row in ROWS)


def test_fixes_name_commands_and_flags_that_exist():
    """A fix that cannot be typed is none."""
    names = {command.name for command in every_command()}
    flags = set()
    for name in names:
        (sub,) = (a for a in build([name], whole=False)._actions if a.dest == "command")
        flags |= set(sub.choices[name]._option_string_actions)  # type: ignore[union-attr, index, call-overload]
    fixes = " ".join(one["fix"] for one in EXPLAINED.values())

    assert set() == set(re.findall(r"`reconciler ([a-z]+)", fixes)) - names
    assert set() == set(re.findall(r"(?<!\w)--[a-z-]+", fixes)) - flags - {"--help"}
