"""Every code has a cause, a fix and an example, and what they name exists."""

from __future__ import annotations

import re

import pytest

from reconciler.cli.parser import COMMANDS, build
from reconciler.core.validation.codes import Code
from tests.docs.tables import Explained, explained, remedies
from tests.fixtures.lines import rows

REMEDIES, ROWS = remedies(), rows()
LINES = [code for code in Code if any(code in row.validator for row in ROWS)]


def test_the_register_holds_every_code_and_no_other():
    """A new code needs an entry in docs/codes.yaml."""
    assert {one.code for one in explained()} == set(REMEDIES)
    assert len(explained()) == len(REMEDIES)


@pytest.mark.parametrize("one", explained(), ids=lambda one: one.code)
def test_a_code_has_a_cause_a_fix_and_an_example(one: Explained):
    """The fix is a sentence; both fit into the cell of a table."""
    fix, example = REMEDIES[one.code]["fix"], REMEDIES[one.code]["example"]

    assert one.cause.endswith(".")
    assert fix.endswith(".")
    assert example or one.code == Code.BLANK_LINE
    assert not {"\n", "|", "`"} & set(example)


@pytest.mark.parametrize("code", LINES)
def test_the_example_of_a_line_has_the_code(code: Code):
    """It is a part of a line of the fixtures, to which validation gives this code."""
    example = REMEDIES[code]["example"].encode()

    assert any(code in row.validator and example in row.raw for row in ROWS)


def test_fixes_name_commands_and_flags_that_exist():
    """A fix that cannot be typed is none."""
    names = {command.name for command in COMMANDS}
    flags = set()
    for name in names:
        (sub,) = (a for a in build([name], whole=False)._actions if a.dest == "command")
        flags |= set(sub.choices[name]._option_string_actions)  # type: ignore[union-attr, index, call-overload]
    fixes = " ".join(remedy["fix"] for remedy in REMEDIES.values())

    assert set() == set(re.findall(r"`reconciler ([a-z]+)", fixes)) - names
    assert set() == set(re.findall(r"(?<!\w)--[a-z-]+", fixes)) - flags - {"--help"}
