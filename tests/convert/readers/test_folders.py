"""Folders: the first step of a path below IN is the label."""

import pytest

from reconciler.errors import UsageError
from tests.convert.inputs import convert, errors, fields


def folders(tmp_path, *names):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return convert("folders", tmp_path)


def test_the_folder_is_the_label(tmp_path):
    """Images may be deeper below it; other files are not looked at, and hidden ones are no images."""
    done = folders(
        tmp_path, "bee/a.jpg", "bee/x/b.PNG", "wild ant/c.jpeg", "bee/notes.txt", ".x/d.jpg", "bee/._a.jpg"
    )

    assert [
        ("s3://b/p/bee/a.jpg", "bee"),
        ("s3://b/p/bee/x/b.PNG", "bee"),
        ("s3://b/p/wild ant/c.jpeg", "wild ant"),
    ] == [
        (line["source-ref"], line[next(key for key in line if key.endswith("metadata"))]["class-name"])
        for line in fields(done)
    ]


def test_an_image_beside_the_folders_is_an_error(tmp_path):
    assert [("a.jpg:1", "RKD1602"), ("b.webp:1", "RKD1501")] == errors(
        folders(tmp_path, "a.jpg", "bee/b.webp")
    )


def test_splits_are_datasets_of_their_own(tmp_path):
    """Read as labels, they would be called train and test."""
    with pytest.raises(UsageError, match=r"name one of its parts: .*/test, .*/train"):
        folders(tmp_path, "train/bee/a.jpg", "test/bee/b.jpg")
