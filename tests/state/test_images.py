"""The memory of images: perceptual hashes belong to contents, and go with the last image that has them."""

from __future__ import annotations

import sqlite3

import pytest

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.state import State
from reconciler.state.database import FILE_NAME

ONE, OTHER = Stored("e1", 9), Stored("e2", 9)
LARGEST = (1 << 256) - 1


def image(stored: Stored, form: str = "PNG") -> CheckedImage:
    return CheckedImage(*stored, Header(form, 70, 80))


def test_a_hash_is_of_a_content_and_so_of_each_image_that_has_it(state):
    """In whatever dataset."""
    state.images.put("train", {"a": image(ONE), "b": image(OTHER)})
    state.images.put("test", {"c": image(ONE)})
    assert [("a", ONE), ("b", OTHER)] == state.images.unhashed("train")

    state.images.put_hashes({ONE: LARGEST})

    assert [("b", OTHER)] == state.images.unhashed("train")
    assert ({"a": LARGEST}, {"c": LARGEST}) == (state.images.hashes("train"), state.images.hashes("test"))


def test_an_image_without_a_hash_is_not_tried_again(state):
    state.images.put("train", {"a": image(ONE)})
    state.images.put_hashes({ONE: None})

    assert ([], {}) == (state.images.unhashed("train"), state.images.hashes("train"))


@pytest.mark.parametrize("bad", [image(ONE, "WebP"), image(Stored("e1", 15_728_641))], ids=["WebP", "large"])
def test_what_custom_labels_does_not_take_is_not_hashed(state, bad):
    state.images.put("train", {"a": bad})

    assert [] == state.images.unhashed("train")


def test_a_hash_goes_with_the_last_image_that_has_it(state):
    state.images.put("train", {"a": image(ONE)})
    state.images.put("test", {"c": image(ONE)})
    state.images.put_hashes({ONE: 5})

    state.images.retain("train", ())
    assert {"c": 5} == state.images.hashes("test")
    state.images.retain("test", ())
    state.images.put("test", {"c": image(ONE)})

    assert {} == state.images.hashes("test")


def test_a_damaged_hash_is_made_again(tmp_path):
    """It only costs a request."""
    with State(tmp_path) as state:
        state.images.put("train", {"a": image(ONE)})
        state.images.put_hashes({ONE: 5})
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE image_hash SET hash = zeroblob(32)")
    connection.close()

    with State(tmp_path) as state:
        assert ({}, [("a", ONE)]) == (state.images.hashes("train"), state.images.unhashed("train"))


def test_a_read_only_memory_remembers_nothing_new(tmp_path):
    """As `plan` promises."""
    with State(tmp_path):
        pass
    with State(tmp_path, read_only=True) as state:
        state.images.put("train", {"a": image(ONE)})

        assert {} == state.images.of("train", ["a"])
