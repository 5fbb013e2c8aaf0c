"""A line as an item of the YAML shorthand, where the shorthand can say it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from reconciler.core.entries.equality import Equality
from reconciler.core.proposals.longhand import NotExpressible, _nearest, shortened
from reconciler.core.spec.labelling import Box, Entries, compile_lines

BOXES = [
    {"label": "queen", "left": 1, "top": 2, "width": 30, "height": 40},
    {"label": "drone", "left": 5, "top": 6, "width": 7, "height": 8},
]


def document(*images: dict[str, Any], base: str | None = "s3://b/train") -> Entries:
    head = {"apiVersion": "reconciler/v1", "kind": "Entries", "createdAt": "2026-03-01T12:00:00"}
    return Entries.model_validate({**head, **({"base": base} if base else {}), "images": list(images)})


def compiled(image: dict[str, Any], **options: Any) -> dict[str, Any]:
    return orjson.loads(compile_lines(document(image, **options)).lines[0])


@pytest.mark.parametrize(
    "image",
    [
        {"image": "a.jpg"},
        {"image": "a.jpg", "labels": ["rose", "tulip"]},
        {"image": "deep/a.jpg", "size": [640, 480], "boxes": BOXES},
        {"image": "a.jpg", "size": [640, 480, 1], "boxes": BOXES, "labels": ["rose"]},
        {"image": "a.jpg", "size": [640, 480], "boxes": []},
    ],
)
def test_what_the_shorthand_says_it_says_again(image: dict[str, Any]) -> None:
    found = shortened(compiled(image), document(), None, Equality())

    assert image == found.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize("base", ["s3://b/train", "s3://b/train/", None, "s3://b/tra"])
def test_an_address_is_written_below_the_base(base: str | None) -> None:
    """In full where there is none, or where the image is in another folder."""
    fields = compiled({"image": "a.jpg"})

    written = "a.jpg" if base in ("s3://b/train", "s3://b/train/") else "s3://b/train/a.jpg"
    assert written == shortened(fields, document(base=base), None, Equality()).image


def _first(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the value of the box attribute."""
    return next(value for value in fields.values() if isinstance(value, dict) and "annotations" in value)


def _metadata(fields: dict[str, Any]) -> dict[str, Any]:
    return next(value for value in fields.values() if isinstance(value, dict) and "class-map" in value)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda f: _metadata(f).pop("class-map"), "not in the common form"),
        (lambda f: _metadata(f).update({"class-map": {}}), "not in the common form"),
        (lambda f: _metadata(f).update({"class-map": {"0": 7, "1": 8}}), "not in the common form"),
        (lambda f: _first(f).pop("image_size"), "not in the common form"),
        (lambda f: _first(f).update(image_size=[]), "not in the common form"),
        (lambda f: _first(f).update(image_size=7), "not in the common form"),
        (lambda f: _first(f)["image_size"].append(_first(f)["image_size"][0]), "not in the common form"),
        (lambda f: _first(f).update(annotations=7), "not in the common form"),
        (lambda f: _first(f)["annotations"][0].pop("top"), "not in the common form"),
        (lambda f: _first(f)["annotations"][0].update(top=2.5), "whole pixels, and 2.5 is none"),
        (lambda f: _first(f)["annotations"][1].update(left="5"), "whole pixels, and '5' is none"),
        (lambda f: _first(f)["annotations"][1].update(width=True), "whole pixels, and True is none"),
        (lambda f: _first(f)["annotations"][0].update(note="x"), "the YAML shorthand cannot say its /"),
        (lambda f: f.update(a=1, b=2, c=3, d=4), "cannot say its /a, /b, /c and 1 more"),
    ],
)
def test_what_the_shorthand_cannot_say_is_named(spoil: Callable[[dict[str, Any]], Any], reason: str) -> None:
    """A box in another form, or a field that the shorthand does not have, changes no file."""
    fields = copy.deepcopy(compiled({"image": "a.jpg", "size": [640, 480], "boxes": BOXES}))
    spoil(fields)

    with pytest.raises(NotExpressible, match=reason):
        shortened(fields, document(), None, Equality())


def test_a_whole_float_is_a_whole_number() -> None:
    fields = compiled({"image": "a.jpg", "size": [640, 480], "boxes": BOXES})
    _first(fields)["annotations"][0]["left"] = 1.0

    found = shortened(fields, document(), None, Equality())

    assert Box(label="queen", left=1, top=2, width=30, height=40) == (found.boxes or ())[0]


def test_an_attribute_of_boxes_in_two_sizes_cannot_be_said() -> None:
    fields = compiled({"image": "a.jpg", "size": [640, 480], "boxes": BOXES})
    value, metadata = _first(fields), _metadata(fields)
    other = copy.deepcopy(value)
    fields |= {"other": other, "other-metadata": metadata}
    other["image_size"][0]["width"] = 641

    with pytest.raises(NotExpressible, match="it has two sizes"):
        shortened(fields, document(), None, Equality())


def test_an_empty_label_cannot_be_said() -> None:
    fields = compiled({"image": "a.jpg", "labels": ["rose"]})
    next(value for value in fields.values() if isinstance(value, dict))["class-name"] = ""

    with pytest.raises(NotExpressible, match="no empty labels"):
        shortened(fields, document(), None, Equality())


def test_an_image_without_a_key_cannot_be_said() -> None:
    """AWS holds what it was sent; the reader of the specs would refuse it."""
    fields = compiled({"image": "a.jpg", "labels": ["rose"]}) | {"source-ref": "s3://bucket"}

    with pytest.raises(
        NotExpressible, match=r"images\[0\]\.image must be a key below base, or s3://bucket/key"
    ):
        shortened(fields, document(), None, Equality())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("abc", "cba", "abc"),
        ("abc", "cxa", "axc"),
        ("abc", "ca", "ac"),
        ("abc", "dcbea", "abcde"),
        ("aab", "ba", "ab"),
        ("", "ba", "ba"),
        ("ab", "", ""),
    ],
)
def test_what_stays_keeps_its_place(old: str, new: str, expected: str):
    """What comes takes the place of what goes, and the rest follows: the patch stays small."""
    assert tuple(expected) == _nearest(old, new)
