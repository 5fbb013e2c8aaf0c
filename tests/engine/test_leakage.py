"""An image is not silently added to both the training and the test dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.status.result import Verdict
from reconciler.engine.dataset.context import Overrides
from reconciler.engine.usecases.apply_each import apply_each
from reconciler.engine.usecases.spec_tree import Selection, read, select
from reconciler.sources.directory import open_path
from reconciler.sources.load import load
from tests.builders import classified, ref
from tests.engine.conftest import Lab


def write(specs: Path, name: str, names: str, project: str = "flowers") -> None:
    specs.mkdir(exist_ok=True)
    (specs / f"{name}.jsonl").write_bytes(b"".join(classified(n, "rose") + b"\n" for n in names))
    (specs / f"{name}.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Dataset\n"
        f"metadata: {{name: {name}}}\n"
        f"spec:\n  target: {{project: {project}, type: {name.upper()}, create: true}}\n"
        f"  entries: [{{file: {name}.jsonl}}]\n  policy: {{mode: upsert}}\n"
    )


def apply(lab: Lab, *names: str, allow: bool = False):
    specs = select(load(open_path(lab.specs).tree), Selection(names))
    reading = read(specs, Overrides(allow_leakage=allow))
    results = list(apply_each([(d, None) for d in reading.datasets], lambda _: lab.context))
    reading.close()
    return {result.name: result for result in results}


@pytest.mark.parametrize("name", ["train", "test"])
def test_a_shared_image_blocks_either_dataset(lab: Lab, name: str):
    """A shared image blocks either dataset, applied alone or with the other; the error names the way out."""
    write(lab.specs, "train", "abcd")
    write(lab.specs, "test", "cdefg")

    result = apply(lab, name)[name]

    (error,) = result.errors
    assert (Verdict.BLOCKED, 6, "LEAKAGE") == (result.verdict, result.exit_code, error.code)
    assert f"2 of {4 if name == 'train' else 5} images" in error.message
    assert f"{ref('c')}, {ref('d')}" in error.message
    assert "--allow-leakage" in error.message
    assert [] == lab.updates()


def test_it_can_be_allowed(lab: Lab):
    write(lab.specs, "train", "abcd")
    write(lab.specs, "test", "cd")

    results = apply(lab, allow=True)

    assert [Verdict.CONVERGED] * 2 == [result.verdict for result in results.values()]


def test_what_is_shared_already_blocks_nothing_else(lab: Lab):
    """Only images that are to be added count: an edit of a shared image is not blocked."""
    write(lab.specs, "train", "abcd")
    write(lab.specs, "test", "cd")
    apply(lab, allow=True)
    write(lab.specs, "train", "abcde")

    results = apply(lab)

    assert [Verdict.CONVERGED] * 2 == [result.verdict for result in results.values()]


def test_projects_share_what_they_like(lab: Lab):
    write(lab.specs, "train", "abcd")
    write(lab.specs, "test", "abcd", project="others")

    assert [Verdict.CONVERGED] * 2 == [result.verdict for result in apply(lab).values()]


def test_a_sealed_dataset_keeps_what_it_holds(lab: Lab):
    """A change of git is planned, and blocked, until a commit takes the seal away."""
    write(lab.specs, "test", "ab")
    assert Verdict.CONVERGED == apply(lab, "test")["test"].verdict
    write(lab.specs, "test", "abc")
    spec = lab.specs / "test.yaml"
    unsealed = spec.read_text()
    spec.write_text(unsealed.replace("upsert", "upsert, sealed: true"))

    result = apply(lab, "test")["test"]

    (error,) = result.errors
    assert (Verdict.BLOCKED, 6, "SEALED") == (result.verdict, result.exit_code, error.code)
    spec.write_text(unsealed)
    assert (Verdict.CONVERGED, 1) == ((done := apply(lab, "test")["test"]).verdict, done.added)
