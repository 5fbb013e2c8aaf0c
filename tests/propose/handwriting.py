"""Specs as all kinds of people write them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION

LABELS = st.sampled_from(
    [
        "rose",
        "tulip",
        "with leaves",
        "é",
        "yes",
        "012",
        'a "b"',
        "it's",
        "a: b",
        "# c",
        "🌼",
        "-x",
        "null",
        "1.5",
    ]
)
CREATED = "2026-03-01T12:00:00"
BOXES = st.tuples(LABELS, *(st.integers(0, 100),) * 2, *(st.integers(2, 100),) * 2)


@st.composite
def lines(draw: st.DrawFn, ref: str) -> dict[str, Any]:
    """Draw the content of one manifest line."""
    fields: dict[str, Any] = {"source-ref": ref}
    for number, label in enumerate(draw(st.lists(LABELS, max_size=2, unique=True))):
        fields[f"attr{number}"] = draw(st.sampled_from([0, 1]))
        fields[f"attr{number}-metadata"] = {
            "confidence": draw(st.sampled_from([1, 0.95])),
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": CREATED,
            "type": CLASSIFICATION,
        }
    if draw(st.booleans()):
        boxes = draw(st.lists(BOXES, max_size=3))
        names = sorted({box[0] for box in boxes})
        whole = draw(st.sampled_from([int, float]))
        fields["bb"] = {
            "image_size": [{"width": 640, "height": 480, "depth": 3}],
            "annotations": [
                {
                    "class_id": names.index(box[0]),
                    "left": whole(box[1]),
                    "top": box[2],
                    "width": box[3],
                    "height": box[4],
                }
                for box in boxes
            ],
        }
        fields["bb-metadata"] = {
            "objects": [{"confidence": 1} for _ in boxes],
            "class-map": {str(number): name for number, name in enumerate(names)},
            "type": DETECTION,
            "human-annotated": "yes",
            "creation-date": CREATED,
        }
    if len(fields) > 1 and draw(st.integers(0, 4)) == 0:
        fields["note"] = "grüße"
    return fields


@st.composite
def jsonl(draw: st.DrawFn, refs: list[str]) -> bytes:
    """Draw a JSON Lines file with these images, in this order."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = ""
    for ref in refs:
        fields = draw(lines(ref))
        if draw(st.booleans()):
            fields = dict(sorted(fields.items(), reverse=draw(st.booleans())))
        separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
        text += json.dumps(fields, separators=separators, ensure_ascii=draw(st.booleans())) + end
        text += draw(st.sampled_from(["", "", "", end]))
    return (text if draw(st.booleans()) else text.rstrip("\r\n")).encode()


def quoted(text: str, draw: st.DrawFn) -> str:
    plain = text.isascii() and text.isalpha() and text not in {"yes", "null"}
    style = draw(st.sampled_from(["plain", "single", "double"]))
    if plain and style == "plain":
        return text
    return "'" + text.replace("'", "''") + "'" if style == "single" else json.dumps(text, ensure_ascii=False)


@st.composite
def shorthand(draw: st.DrawFn, names: list[str]) -> bytes:
    """Draw a YAML file with these images, in this order."""
    base = draw(st.sampled_from(["s3://bucket/y/", "s3://bucket/y"]))
    head = f"# By hand.\napiVersion: reconciler/v1\nkind: Entries\nbase: {base}\ncreatedAt: {CREATED}\n"
    dash = " " * draw(st.sampled_from([0, 2, 4])) + "-" + " " * draw(st.sampled_from([1, 3]))
    body = "".join(draw(items(name, dash, number)) for number, name in enumerate(names))
    text = f"{head}images:\n{body}"
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    return (text.replace("\n", "\r\n") if draw(st.booleans()) else text).encode()


@st.composite
def items(draw: st.DrawFn, name: str, dash: str, number: int) -> str:
    """Draw one item of `images`, with comments that hold its number."""
    labels = draw(st.lists(LABELS, max_size=3, unique=True))
    boxes = draw(st.none() | st.lists(BOXES, max_size=3))
    note = draw(st.sampled_from(["", f"  # c{number}"]))
    if draw(st.integers(0, 3)) == 0:
        return f"{dash}{{{flow_item(name, labels, boxes, draw)}}}{note}\n"
    pad = " " * len(dash)
    above = draw(st.sampled_from(["", f"{pad}# above {number}\n"]))
    parts = [f"image: {name}{note}\n"]
    if labels or draw(st.booleans()):
        if labels and draw(st.booleans()):
            inner = "".join(f"{pad}  - {quoted(label, draw)}{note}\n" for label in labels)
            parts.append(f"labels:{note}\n{inner}")
        else:
            parts.append(f"labels: [{', '.join(quoted(label, draw) for label in labels)}]{note}\n")
    if boxes is not None:
        parts.append("size: [640, 480]\n")
        if boxes:
            inner = "".join(f"{pad}- {box_text(box, draw, pad)}{note}\n" for box in boxes)
            parts.append(f"boxes:{note}\n{inner}")
        else:
            parts.append("boxes: []\n")
    return above + dash + pad.join(parts)


def box_text(box: tuple[Any, ...], draw: st.DrawFn, pad: str) -> str:
    pairs = [f"label: {quoted(box[0], draw)}"]
    pairs += [
        f"{key}: {value}" for key, value in zip(("left", "top", "width", "height"), box[1:], strict=True)
    ]
    return "{" + ", ".join(pairs) + "}" if draw(st.booleans()) else f"\n{pad}  ".join(pairs)


def flow_item(name: str, labels: list[str], boxes: list[tuple[Any, ...]] | None, draw: st.DrawFn) -> str:
    parts = [f"image: {name}"]
    if labels:
        parts.append(f"labels: [{', '.join(quoted(label, draw) for label in labels)}]")
    if boxes is not None:
        inner = ", ".join(
            f"{{label: {quoted(b[0], draw)}, left: {b[1]}, top: {b[2]}, width: {b[3]}, height: {b[4]}}}"
            for b in boxes
        )
        parts += ["size: [640, 480]", f"boxes: [{inner}]"]
    return ", ".join(parts)
