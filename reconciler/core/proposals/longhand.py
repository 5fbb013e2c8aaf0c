"""Conversion of a manifest line to an item of the YAML shorthand: the inverse of `spec.labelling`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import orjson

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, SOURCE_REF, Fields
from reconciler.core.entries.equality import Equality, FieldChange, field_changes
from reconciler.core.entries.training_view import attributes
from reconciler.core.spec.labelling import Box, Entries, Image, compile_lines

# How many fields that the shorthand cannot express are listed in a message.
_NAMED: Final = 3

T = TypeVar("T")


class NotExpressible(Exception):
    """The shorthand cannot express a line. The message says which part."""


def shortened(fields: Fields, head: Entries, old: Image | None, equality: Equality) -> Image:
    """
    Return the item of a document that compiles to a line.

    Args:
        head: The document: its base and its date become part of every line.
        old: The item to replace; None for an image that is new in the document.
        equality: The comparison of the policy; fields outside it may differ.

    Raises:
        NotExpressible: There is no such item.
    """
    name = _below(fields[SOURCE_REF], head.base) if old is None else old.image
    labels = tuple(dict.fromkeys(_labels(fields)))
    size, boxes = _boxes(fields)
    item = Image.model_construct(image=name, labels=labels, size=size, boxes=boxes)
    if old is not None:
        item = item.model_copy(update={"labels": _nearest(old.labels, labels)})
        if boxes is not None and old.boxes:
            near = item.model_copy(update={"boxes": _nearest(old.boxes, boxes)})
            if equality.text(_compiled(near, head)) == equality.text(fields):
                return near
    compiled = _compiled(item, head)
    if compiled[SOURCE_REF] != fields[SOURCE_REF]:
        raise NotExpressible("its address cannot be written there")
    if equality.text(compiled) != equality.text(fields):
        raise NotExpressible(_cannot_say(field_changes(fields, compiled)))
    return item


def _nearest(old: Sequence[T], new: Sequence[T]) -> tuple[T, ...]:
    """Order *new* like *old*: added items first fill the places of removed ones, the rest comes last."""
    left = list(new)
    kept: list[T | None] = []
    for item in old:
        if item in left:
            left.remove(item)
            kept.append(item)
        else:
            kept.append(None)
    filled = [item if item is not None else (left.pop(0) if left else None) for item in kept]
    return (*(item for item in filled if item is not None), *left)


def _compiled(item: Image, head: Entries) -> Fields:
    if not all(item.labels) or not all(box.label for box in item.boxes or ()):
        raise NotExpressible("the YAML shorthand has no empty labels")
    found = compile_lines(head.model_copy(update={"images": (item,)}))
    if found.model_errors:
        raise NotExpressible(found.model_errors[0].message)
    fields: Fields = orjson.loads(found.lines[0])
    return fields


def _cannot_say(differences: tuple[FieldChange, ...]) -> str:
    names = [field.path for field in differences[:_NAMED]]
    more = len(differences) - len(names)
    return f"the YAML shorthand cannot say its {', '.join(names)}" + (f" and {more} more" if more else "")


def _below(source_ref: str, base: str | None) -> str:
    """Return an address as written in a document with this base."""
    if base is not None:
        prefix = base if base.endswith("/") else f"{base}/"
        if source_ref.startswith(prefix) and len(source_ref) > len(prefix):
            return source_ref.removeprefix(prefix)
    return source_ref


def _labels(fields: Fields) -> Iterator[str]:
    for _, _, metadata in attributes(fields):
        if metadata.get("type") == CLASSIFICATION and isinstance(name := metadata.get("class-name"), str):
            yield name


def _boxes(fields: Fields) -> tuple[tuple[int, ...] | None, tuple[Box, ...] | None]:
    found = [
        (value, metadata) for _, value, metadata in attributes(fields) if metadata.get("type") == DETECTION
    ]
    if not found:
        return None, None
    try:
        size: tuple[int, ...] | None = None
        boxes: list[Box] = []
        for value, metadata in found:
            (stated,) = value["image_size"]
            depth = _integer(stated["depth"])
            this = (_integer(stated["width"]), _integer(stated["height"]), *(() if depth == 3 else (depth,)))
            if size not in (None, this):
                raise NotExpressible("it has two sizes")
            size = this
            for box in value["annotations"]:
                label = metadata["class-map"][str(_integer(box["class_id"]))]
                if not isinstance(label, str):
                    raise TypeError("a label is not text")
                edges = {edge: _integer(box[edge]) for edge in ("left", "top", "width", "height")}
                boxes.append(Box.model_construct(None, label=label, **edges))
    except (KeyError, TypeError, ValueError) as exc:
        raise NotExpressible("its boxes are not in the common form") from exc
    return size, tuple(boxes)


def _integer(value: object) -> int:
    """
    Return a whole number, written as 1 or as 1.0.

    Raises:
        NotExpressible: It is not a whole number.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise NotExpressible(f"the YAML shorthand counts in whole pixels, and {value!r} is none")
