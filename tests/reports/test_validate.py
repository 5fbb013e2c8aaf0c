"""What is wrong with a spec tree: as compilers say it, and as data."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.validation.judged.warned import WarnedLines, Warnings
from reconciler.core.validation.problem import Problem, Severity
from reconciler.reports.validate import Validation, render_problems
from tests.reports.builders import HOSTILE, problem, ref, rendered, text_of


def found(*problems: Problem) -> Validation:
    return Validation(datasets=2, entries=700, problems=problems)


def test_problems_are_listed_file_by_file_and_summed_up():
    """file:line:column, severity, words, code, image; files with errors first."""
    it = found(
        problem("box 0 lies outside the image", 9, None, source_ref=ref("a")),
        problem("box 1 lies outside the image", 3, 7),
        problem(
            "zero-width character", 4, 1, severity=Severity.WARNING, code="RKD2001", file="specs/boxes.yaml"
        ),
    )

    assert """\
specs/train.jsonl:3:7: error: box 1 lies outside the image (ERROR_INVALID_BOUNDING_BOX)
specs/train.jsonl:9: error: box 0 lies outside the image (ERROR_INVALID_BOUNDING_BOX) [s3://acme-flowers/train/a.jpg]

specs/boxes.yaml:4:1: warning: zero-width character (RKD2001)

2 datasets, 700 entries: 2 errors, 1 warning.""" == text_of("validate", it)


def test_a_sound_tree_is_one_line():
    """And says how much was looked at."""
    assert "2 datasets, 700 entries: no problems found." == text_of("validate", found())


def test_a_file_with_problems_everywhere_is_cut_and_counted():
    """The kinds of what is not shown are."""
    it = found(*[problem(line=n, code=f"RKD100{n % 2}") for n in range(1, 251)])

    text = text_of("validate", it)

    assert "specs/train.jsonl: … and 150 more (RKD1001 75, RKD1000 75)" in text.splitlines()
    assert 250 == render_problems(it.problems, limit=None).count(": error: ")


def test_the_gravest_and_the_rarest_problem_come_first():
    """Not folded away behind hundreds of others, wherever in the file they are."""
    many = [problem(line=n, code="RKD2002", severity=Severity.WARNING) for n in range(1, 301)]
    errors = [problem(line=n, code="RKD1002") for n in range(301, 451)]
    rare = [
        problem(line=700, code="RKD2001", severity=Severity.WARNING),
        problem(line=800, code="RKD1001"),
    ]
    codes = [problem.code for problem in (*errors, *many)]

    listed = render_problems((*many, *errors, *rare), limit=None).splitlines()

    assert ["RKD1001", *codes[:150], "RKD2001", *codes[150:]] == [
        row.split("(")[1].split(")")[0] for row in listed
    ]
    assert "RKD1001" in render_problems((*many, *errors, *rare), limit=1).splitlines()[0]


def test_the_document_has_exactly_the_shape_that_was_promised():
    """Ordered by place, whatever order they were found in; null where there is nothing to say."""
    nowhere = Problem(Severity.ERROR, "RKD1002", "no spec", None)
    warning = problem("look", 4, 1, code="RKD2001", severity=Severity.WARNING, source_ref=ref("a"))

    assert {
        "format": "validate/v1",
        "datasets": 2,
        "entries": 700,
        "skipped": 0,
        "problems": [
            {
                "severity": "error",
                "code": "RKD1002",
                "message": "no spec",
                "file": None,
                "line": None,
                "column": None,
                "source_ref": None,
            },
            {
                "severity": "warning",
                "code": "RKD2001",
                "message": "look",
                "file": "specs/train.jsonl",
                "line": 4,
                "column": 1,
                "source_ref": ref("a"),
            },
        ],
    } == json.loads(rendered("validate", "json", found(warning, nowhere)))


def test_the_order_in_which_they_were_found_does_not_show():
    """The same tree gives the same bytes."""
    one, two = problem(line=1), problem(line=2)

    assert 1 == len({rendered("validate", "json", found(*both)) for both in ((one, two), (two, one))})
    assert text_of("validate", found(one, two)) == text_of("validate", found(two, one))


def test_nothing_that_was_read_reaches_the_terminal_raw():
    """A label is what is wrong more often than not."""
    text = text_of("validate", found(problem(HOSTILE, file=HOSTILE, source_ref=HOSTILE, code=HOSTILE)))

    assert all(row.isprintable() for row in text.split("\n"))


@given(st.lists(st.integers(0, 3), max_size=320), st.integers(0, 2))
def test_warnings_that_are_only_counted_are_shown_as_if_each_was_built(kinds: list[int], errors: int):
    """Those of lines, beside problems of the same file that have been built."""
    codes = ["RKD2001", "RKD2002", "RKD2003"]
    distinct = [
        *[(Problem(Severity.WARNING, code, "odd"),) for code in codes],
        tuple(Problem(Severity.WARNING, code, "odd") for code in codes[:2]),
    ]
    numbers = [*range(1, len(kinds) + 1)]
    lines = WarnedLines(0, numbers, list(map(ref, map(str, numbers))), kinds, distinct)
    warnings = Warnings("specs/train.jsonl", lines, int)
    others = [problem(line=n, code="RKD2001", severity=Severity.WARNING) for n in range(5)]
    others += [problem(line=n + 7) for n in range(errors)]

    counted = replace(found(*others), warnings=[warnings])

    assert text_of("validate", found(*others, *warnings)) == text_of("validate", counted)
    assert found(*others, *warnings).ordered == counted.ordered
