"""A problem as a value."""

import pytest

from reconciler.core.validation.problem import LONGEST_MESSAGE, Problem, Severity


@pytest.mark.parametrize("length", [LONGEST_MESSAGE, LONGEST_MESSAGE + 1, 5_000_000])
def test_a_message_is_never_as_long_as_what_it_quotes(length):
    """A key of five megabytes is quoted by its beginning; the remedy still ends the message."""
    problem = Problem(
        Severity.ERROR, "RKD1203", f"unknown field {'x' * length}; did you mean policy?"[-length:], None
    )

    assert LONGEST_MESSAGE >= len(problem.message)
    assert problem.message.endswith("did you mean policy?")
    assert (length > LONGEST_MESSAGE) == ("…" in problem.message)
