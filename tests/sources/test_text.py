"""Bytes that should be text."""

import pytest

from reconciler.sources.text import decode
from reconciler.sources.yaml.parse import Mark
from reconciler.sources.yaml.strict import Fault
from tests.sources.builders import ENTRIES, LINE, dataset, loaded, problems_in, write


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("form", ["{}.jpg", "a{}.jpg", "a {} b", "# a{}b: 1", '"a{}b"', "|\n  a{}b"])
def test_a_line_break_of_old_yaml_is_refused_with_its_place(char: str, form: str):
    """One parser makes a blank of it and another keeps it; in a comment it starts a line that nobody sees."""
    found = decode(f"x: 1\nimage: {form.format(char)}\n".encode())

    assert isinstance(found, Fault)
    assert 2 <= found.mark.line
    assert f"U+{ord(char):04X} is a line break to some" in found.message


def test_its_column_is_reported():
    assert Mark(1, 5) == decode("a: b\x85c".encode()).mark


def test_an_escape_says_the_same_without_doubt(tmp_path):
    """Then the rules for addresses judge it, as they judge it in JSON."""
    write(tmp_path, d_yaml=dataset(file="l.yaml"), l_yaml=ENTRIES + '- {image: "a\\u0085b.jpg"}\n')

    (file,) = loaded(tmp_path).datasets[0].files

    assert "a\x85b.jpg" in file.open().read().decode()


def test_it_is_a_problem_of_its_file_alone(tmp_path):
    write(tmp_path, d_yaml=dataset(file="l.yaml"), l_yaml=ENTRIES + "- {image: a\x85b.jpg}\n")

    assert ["specs/l.yaml:6:12 RKD1103"] == problems_in(loaded(tmp_path))


def test_what_git_crypt_has_encrypted_is_named(tmp_path):
    """It is neither skipped as the YAML of another program nor taken for a syntax error."""
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE, other_yaml=b"\0GITCRYPT\0" + bytes(range(60)))

    (problem,) = loaded(tmp_path).problems
    assert ("specs/other.yaml", True) == (problem.origin.file, problem.is_error)
    assert "is encrypted by git-crypt; unlock the repository" in problem.message
