"""The names that a shell completes."""

from __future__ import annotations

import pytest

from reconciler.sources import dataset_names as names
from reconciler.sources.dataset_names import dataset_names
from tests.sources.builders import DATASET, dataset, write


def test_all_datasets_below_a_directory_are_named(tmp_path):
    """In every file and document, sorted and once; hidden directories and other files are left out."""
    write(
        tmp_path,
        z_yaml=dataset("bees"),
        deep__er__a_yml=dataset("ants") + "---\n" + DATASET.format(name="wasps", file="w", project="w"),
        again_yaml=dataset("bees"),
        other_txt=dataset("text"),
    )
    write(tmp_path / "specs" / ".git", hidden_yaml=dataset("hidden"))

    assert ["ants", "bees", "wasps"] == dataset_names(tmp_path)
    assert ["bees"] == dataset_names(tmp_path / "z.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "kind: Dataset\nmetadata: {name: [\n",
        "kind: Dataset\nmetadata: {name: '$(reboot)'}\n",
        f"kind: Dataset\nmetadata: {{name: {'a' * 64}}}\n",
        "kind: Dataset\nmetadata: {name: A}\n",
        "kind: Dataset\nmetadata: {name: 1}\n",
        "kind: Datasets\nmetadata: {name: other}\n",
        b"\xff\xfe# Dataset",
        "{" * 5_000 + "Dataset",
    ],
)
def test_what_is_no_name_is_left_out(tmp_path, text):
    """A shell gets nothing that it could execute, and an unreadable file hides no other."""
    write(tmp_path, a_yaml=text, b_yaml=dataset("bees"))

    assert ["bees"] == dataset_names(tmp_path)


def test_it_reads_no_more_than_it_must(tmp_path, monkeypatch):
    """A key press must not wait for a large tree: the number and the size of files are limited."""
    write(tmp_path, a_yaml=dataset("a"), b_yaml=dataset("b") + "#" * 2_000, c_yaml=dataset("c"))

    monkeypatch.setattr(names, "MAX_BYTES", 1_000)
    assert ["a", "c"] == dataset_names(tmp_path)
    monkeypatch.setattr(names, "MAX_FILES", 2)
    assert ["a"] == dataset_names(tmp_path)
