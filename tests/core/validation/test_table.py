"""Each row of `tests/fixtures/lines.yaml`, checked by the public function and by the rules."""

import pytest

from reconciler.core.validation.checked_line import is_blank
from reconciler.core.validation.fast import check_clean
from reconciler.core.validation.line import check_line, check_slowly
from tests.fixtures.lines import Row, rows

TABLE = [pytest.param(row, id=row.id) for row in rows()]


@pytest.mark.parametrize("row", TABLE)
def test_a_line_gets_the_codes_of_the_table(row: Row):
    """A line gets exactly the codes of the table, with their severities."""
    found = [(problem.code, problem.severity) for problem in check_line(row.raw).problems]

    assert dict(row.validator) == dict(found)
    assert len(row.validator) == len(found)


@pytest.mark.parametrize("row", TABLE)
def test_the_shortcut_agrees_with_the_rules(row: Row):
    """The fast path gives the result of the rules, or none."""
    assert check_clean(row.raw) in (None, check_slowly(row.raw))


@pytest.mark.parametrize("row", TABLE)
def test_what_the_service_drops_or_marks_is_an_error(row: Row):
    """What the service is documented to drop or mark is an error and never sent; blank lines do not count."""
    checked = check_line(row.raw)
    trouble = row.service is not None and (row.service.dropped or bool(row.service.errors))

    assert not (trouble and checked.is_valid and not is_blank(checked.problems))


def test_ids_are_unique():
    """Row ids are unique."""
    names = [row.id for row in rows()]

    assert sorted(set(names)) == sorted(names)
