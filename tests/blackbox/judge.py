"""
What the service would think of a manifest line: a second opinion, written from the developer guide.

Shares nothing with the project, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import json
import re
from typing import Any

SOURCE_REF = re.compile(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/.+", re.DOTALL)
IMAGE_LEVEL = "groundtruth/image-classification"
BOXES = "groundtruth/object-detection"
OWN_KEYS = ("cl-metadata", "cl-errors", "cl-warnings")


def dropped(line: str) -> str | None:
    """Return why a line would vanish without a word, or None."""
    if len(line) > 100_000:
        return "longer than 100,000 characters"
    try:
        fields = json.loads(line)
    except ValueError:
        return "not JSON"
    if not isinstance(fields, dict):
        return "not an object"
    ref = fields.get("source-ref")
    if not isinstance(ref, str):
        return "no source-ref"
    if not SOURCE_REF.fullmatch(ref):
        return "source-ref is not s3://bucket/key"
    return None


def model_errors(fields: dict[str, Any]) -> list[str]:
    """Return the codes that the service would store with an entry."""
    codes: list[str] = []
    pairs = [key for key in fields if f"{key}-metadata" in fields]
    for key in fields:
        if key in ("source-ref", *OWN_KEYS) or key in pairs or key.removesuffix("-metadata") in pairs:
            continue
        if key.endswith("-metadata"):
            codes.append("ERROR_NO_LABEL_ATTRIBUTES")
    for key in pairs:
        codes += _pair(fields[key], fields[f"{key}-metadata"])
    return codes


def _pair(value: Any, meta: Any) -> list[str]:
    if not isinstance(meta, dict):
        return ["ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"]
    if meta.get("type") not in (IMAGE_LEVEL, BOXES):
        return ["ERROR_UNSUPPORTED_USE_CASE_TYPE"]
    if meta.get("human-annotated") not in ("yes", "no") or not isinstance(meta.get("creation-date"), str):
        return ["ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"]
    return _image_level(value, meta) if meta["type"] == IMAGE_LEVEL else _boxes(value, meta)


def _image_level(value: Any, meta: dict[str, Any]) -> list[str]:
    name = meta.get("class-name")
    if not isinstance(name, str) or not _number(meta.get("confidence")):
        return ["ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"]
    if not 1 <= len(name) <= 255:
        return ["ERROR_INVALID_LABEL_NAME_LENGTH"]
    return [] if isinstance(value, int | str) else ["ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"]


def _boxes(value: Any, meta: dict[str, Any]) -> list[str]:
    try:
        (size,) = value["image_size"]
        width, height = size["width"], size["height"]
        annotations, objects, names = value["annotations"], meta["objects"], meta["class-map"]
    except (KeyError, TypeError, ValueError):
        return ["ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"]
    if len(objects) < len(annotations) or any("confidence" not in o for o in objects):
        return ["ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"]
    if any(str(box.get("class_id")) not in names for box in annotations):
        return ["ERROR_MISSING_CLASS_MAP_ID"]
    if len(annotations) > 50:
        return ["ERROR_TOO_MANY_BOUNDING_BOXES"]
    if not (64 <= width <= 4096 and 64 <= height <= 4096):
        return ["ERROR_INVALID_IMAGE_DIMENSION"]
    return [code for box in annotations if (code := _box(box, width, height))]


def _box(box: dict[str, Any], width: float, height: float) -> str | None:
    if min(box["left"], box["top"], box["width"], box["height"]) < 0:
        return "ERROR_INVALID_BOUNDING_BOX"
    if box["left"] + box["width"] > width or box["top"] + box["height"] > height:
        return "ERROR_INVALID_BOUNDING_BOX"
    if box["width"] <= 1 or box["height"] <= 1:
        return "ERROR_BOUNDING_BOX_TOO_SMALL"
    return None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def labels_of(fields: dict[str, Any]) -> set[str]:
    """Return every label name that an entry declares."""
    found: set[str] = set()
    for key, meta in fields.items():
        if key.endswith("-metadata") and isinstance(meta, dict):
            if isinstance(name := meta.get("class-name"), str):
                found.add(name)
            found |= set(meta.get("class-map", {}).values())
    return found


def is_labeled(fields: dict[str, Any]) -> bool:
    return any(f"{key}-metadata" in fields for key in fields)


def same(left: Any, right: Any) -> bool:
    """Compare two entries by value: 1 equals 1.0, True equals nothing but True."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)
