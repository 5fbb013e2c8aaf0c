"""Whole manifests as labelling jobs and the console write them, and the problems of public ones."""

from pathlib import Path

from reconciler.core.entries.lines import iter_lines
from reconciler.core.validation.checked_line import LabelKinds
from reconciler.core.validation.dataset import DatasetFacts, check_dataset
from reconciler.core.validation.judged.carried import read_columns
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.line import LineChecker, check_line

MANIFESTS = Path(__file__).parents[2] / "fixtures" / "manifests"


def read(name: str) -> tuple[list[list[str]], DatasetFacts]:
    """Check a manifest; return the codes of each line, and those of the whole."""
    with (MANIFESTS / name).open("rb") as stream:
        columns = read_columns(stream, LineChecker().check_all)
        stream.seek(0)
        checked = [check_line(raw) for raw, _, _ in iter_lines(stream)]
    codes = [[problem.code for problem in one.problems] for one in checked]
    return codes, DatasetLines([columns]).facts


def test_an_image_level_manifest_as_the_console_writes_it():
    """Two labels an image, an extra key, accents and commas: only the unlabelled line is reported."""
    codes, facts = read("garden.manifest")

    assert [[], [], [], [], ["WARNING_UNANNOTATED_RECORD"]] == codes
    assert {"spurge": 2, "with_leaves": 2, "iris": 2, "without_leaves": 1} == facts.labels
    assert () == check_dataset(facts, "TRAIN")


def test_a_box_manifest_with_spaces_and_windows_line_ends():
    """White space between tokens is ignored; of a class map only the classes in use count as labels."""
    codes, facts = read("desk-spaced-crlf.manifest")

    assert [[], [], []] == codes
    assert {"mouse": 2, "keyboard": 2} == facts.labels
    assert {LabelKinds.BOXES: 3} == facts.kinds


def test_the_problems_of_public_manifests():
    """Each problem has its own line and its own code, and hides no line after it."""
    codes, facts = read("desk-troubles.manifest")

    assert [
        ["RKD2006"],
        ["RKD2012"],
        ["ERROR_UNSUPPORTED_USE_CASE_TYPE"],
        ["ERROR_TOO_MANY_BOUNDING_BOXES"],
        ["ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"],
        ["ERROR_NO_LABEL_ATTRIBUTES"],
        ["RKD2004"],
        ["ERROR_INVALID_IMAGE_DIMENSION"],
        ["WARNING_NO_ATTRIBUTE_ANNOTATIONS", "WARNING_NO_ANNOTATIONS"],
        ["ERROR_UNSUPPORTED_USE_CASE_TYPE", "ERROR_NO_VALID_LABEL_ATTRIBUTES"],
        ["RKD2002"],
        ["ERROR_INVALID_JSON_LINE"],
    ] == codes
    assert (11, 7, 1) == (facts.entries, facts.invalid, facts.dropped)
    assert ["ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"] == [
        found.code for found in check_dataset(facts, "TRAIN")
    ]
