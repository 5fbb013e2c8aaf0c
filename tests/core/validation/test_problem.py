"""A problem as a value."""

import pytest

from reconciler.core.validation.problem import LONGEST_MESSAGE, Origin, Problem, Severity, by_place


@pytest.mark.parametrize("length", [LONGEST_MESSAGE, LONGEST_MESSAGE + 1, 5_000_000])
def test_a_message_is_never_as_long_as_what_it_quotes(length):
    """A key of five megabytes is quoted by its beginning; the remedy still ends the message."""
    problem = Problem(
        Severity.ERROR, "RKD1203", f"unknown field {'x' * length}; did you mean policy?"[-length:], None
    )

    assert LONGEST_MESSAGE >= len(problem.message)
    assert problem.message.endswith("did you mean policy?")
    assert (length > LONGEST_MESSAGE) == ("…" in problem.message)


def test_problems_are_listed_by_place():
    """Those without a place first, and those of a whole line before those of a column."""

    def problem(code: str, *origin: object, message: str = "m") -> Problem:
        return Problem(Severity.ERROR, code, message, Origin(*origin) if origin else None)  # type: ignore[arg-type]

    ordered = [
        problem("RKD1"),
        problem("RKD1", "", 1),
        problem("RKD2", "a.yaml", 9),
        problem("RKD1", "a.yaml", 9, 1),
        problem("RKD2", "a.yaml", 9, 2, message="a"),
        problem("RKD2", "a.yaml", 9, 2, message="b"),
        problem("RKD3", "a.yaml", 9, 2, message="a"),
        problem("RKD1", "a.yaml", 10, 1),
        problem("RKD1", "b.yaml", 2, 1),
    ]

    assert ordered == sorted([*ordered[4:], *ordered[:4]], key=by_place)
