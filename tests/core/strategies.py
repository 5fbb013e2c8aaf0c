"""Hypothesis strategies for JSON as people and services write it, and for stranger values."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st

from reconciler.core.entries.entry import CLASSIFICATION, DETECTION

# Keys that have caused bugs in other programs.
SERVICE_KEYS = st.sampled_from(
    ["errors", "cl-errors", "warnings", "cl-warnings", "cl-metadata", "annotations"]
)
ODD_KEYS = SERVICE_KEYS | st.sampled_from(
    [
        "__x",
        "a.b",
        "a/b",
        "~",
        "a'b",
        'a"b',
        "[0]",
        "0",
        "",
        "\u00e9",
        "e\u0301",
        "\U0001f33c",
        "x",
        "x-metadata",
    ]
)
KEYS = ODD_KEYS | st.text(st.characters(codec="utf-8"), max_size=4)

# Numbers at the edges of 64 bits.
SMALL = st.sampled_from([0, -0.0, 1, 1.0, True, "1", None, False, 1.5, 1e-7])
EDGES = (
    SMALL
    | st.sampled_from(
        [10**16, 1e16, 2**53, float(2**53), 2**53 + 1, 2**63, float(2**63), -(2**63), -float(2**63)]
    )
    | st.sampled_from([2**64 - 1, float(2**64), 10**19, 1e19, 1e25])
)
SCALARS = (
    EDGES
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=6)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ERROR_LISTS = st.lists(
    st.fixed_dictionaries(
        {"code": st.sampled_from(["ERROR_A", "ERROR_B"])}, optional={"message": st.just("m")}
    ),
    min_size=1,
    max_size=2,
)
FIELDS = st.dictionaries(KEYS, VALUES | ERROR_LISTS, max_size=5)


@st.composite
def attributes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the content of a line as annotators write it: labels or boxes, sometimes nonsense."""
    edges = st.integers(0, 9) | st.sampled_from([1.0, 2.5])
    box = st.fixed_dictionaries(
        dict.fromkeys(("left", "top", "width", "height"), edges) | {"class_id": st.integers(0, 2)}
    )
    dates = st.sampled_from(["2026-03-01", "2026-03-02"])
    classification = st.fixed_dictionaries(
        {
            "type": st.just(CLASSIFICATION),
            "class-name": st.sampled_from(["cat", "dog"]),
            "creation-date": dates,
        }
    )
    detection = st.fixed_dictionaries(
        {
            "type": st.just(DETECTION),
            "class-map": st.just({"0": "cat", "1": "dog"}),
            "creation-date": dates,
        }
    )
    content: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "é"]), unique=True)):
        if draw(st.booleans()):
            content |= {name: draw(st.integers(0, 2)), f"{name}-metadata": draw(classification)}
        else:
            value = {
                "annotations": draw(st.lists(box, max_size=3)),
                "image_size": [{"width": 9, "height": 9}],
            }
            content |= {name: value, f"{name}-metadata": draw(detection)}
    return content


def rewritten(value: Any, rng: random.Random) -> Any:
    """Write the same JSON value another way: keys shuffled, whole numbers as floats or the reverse."""
    match value:
        case bool() | None | str():
            return value
        case int() if abs(value) <= 2**53:
            return rng.choice([value, float(value)])
        case float() if value.is_integer() and -(2**63) <= value < 2**64:
            return rng.choice([value, int(value)])
        case dict():
            items = [(key, rewritten(inner, rng)) for key, inner in value.items()]
            rng.shuffle(items)
            return dict(items)
        case list():
            return [rewritten(inner, rng) for inner in value]
        case _:
            return value


def dumped(value: Any, rng: random.Random) -> bytes:
    """Write JSON in one of the common styles: compact or not, escaped or not."""
    separators = rng.choice([(",", ":"), (", ", ": "), (" , ", " :\t")])
    return json.dumps(value, separators=separators, ensure_ascii=rng.random() < 0.5).encode()
