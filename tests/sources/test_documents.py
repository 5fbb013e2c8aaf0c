"""Documents that cannot be read whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.sources import documents
from tests.sources.builders import LINE, dataset, loaded, problems_in, write


def test_a_spec_of_more_than_32_mib_is_refused_with_its_place(tmp_path: Path) -> None:
    """YAML takes a hundred times its size in memory: such entries are kept as JSON Lines."""
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE)
    with (tmp_path / "d.yaml").open("a") as stream:
        stream.write("#" * (32 * 1024**2))

    specs = loaded(tmp_path)

    assert ["specs/d.yaml:1:1 RKD1006"] == problems_in(specs)
    assert "larger than 32 MiB; keep large datasets as JSON Lines" in specs.problems[0].message


def test_a_spec_may_be_as_large_as_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE)
    size = (tmp_path / "d.yaml").stat().st_size

    monkeypatch.setattr(documents, "_MAX_BYTES", size)
    assert [] == problems_in(loaded(tmp_path))
    monkeypatch.setattr(documents, "_MAX_BYTES", size - 1)
    assert ["specs/d.yaml:1:1 RKD1006"] == problems_in(loaded(tmp_path))


def test_a_large_file_of_another_program_is_none_of_ours(tmp_path: Path) -> None:
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE, other_yaml="a: 1\n" + "#" * (32 * 1024**2))

    assert [] == problems_in(loaded(tmp_path))


def test_a_syntax_error_in_the_yaml_of_another_program_is_none_of_ours(tmp_path: Path) -> None:
    """Unless what follows it looks like a document of ours, which would be missed."""
    broken = "a: [1\n"
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE, other_yaml=f"{broken}---\nkind: ConfigMap\n")
    assert [] == problems_in(loaded(tmp_path))

    write(tmp_path, other_yaml=f"{broken}---\n{dataset('other', 'train.jsonl')}")
    (problem,) = loaded(tmp_path).problems
    assert problem.origin is not None
    assert "specs/other.yaml" == problem.origin.file


def test_a_document_of_another_program_before_a_syntax_error_is_none_of_ours(tmp_path: Path) -> None:
    """Only what was not parsed is judged by its lines: from the last --- before the error on."""
    theirs = "a: {kind: Dataset, spec: x}\n"
    write(tmp_path, d_yaml=dataset(), train_jsonl=LINE, other_yaml=f"{theirs}---\nb: [1\n")
    assert [] == problems_in(loaded(tmp_path))

    write(tmp_path, other_yaml=f"b: 1\n---\n{theirs}c: [1\n")
    assert 1 == len(loaded(tmp_path).problems)


def test_a_list_of_documents_is_refused_with_the_way_to_write_them(tmp_path: Path) -> None:
    """As a tool prints several."""
    item = "\n  ".join(dataset().splitlines())
    write(tmp_path, d_yaml=f"- {item}\n", train_jsonl=LINE)

    (problem,) = loaded(tmp_path).problems

    assert ("RKD1205", "specs/d.yaml:1:1") == (problem.code, str(problem.origin))
    assert "with --- between them" in problem.message


@pytest.mark.parametrize(
    ("images", "more"),
    [("{a.jpg: x}", ["4:9"]), ("a.jpg", ["4:9"]), ("null", ["4:9"]), ("[]", [])],
)
def test_images_that_are_no_list_are_one_problem_of_the_document(
    tmp_path: Path, images: str, more: list[str]
) -> None:
    """None of them can be judged."""
    text = f"apiVersion: reconciler/v1\nkind: Entries\ncreatedAt: 5\nimages: {images}\n"
    write(tmp_path, d_yaml=dataset(file="e.yaml"), e_yaml=text)

    expected = [f"specs/e.yaml:{place} RKD1205" for place in ("3:12", *more)]
    assert expected == problems_in(loaded(tmp_path))
