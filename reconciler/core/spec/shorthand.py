"""The YAML shorthand, exactly as it may be written: entries for people to write. Strict, as all documents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from reconciler.core.spec.field_types import (
    LabelName,
    Moment,
    Part,
    S3Base,
    Text,
    described,
    list_field,
    refusal,
)


class Box(Part):
    """One labelled rectangle, in whole pixels."""

    label: LabelName = described("What is in the box.")
    left: int = described("From the left edge of the image, in pixels.")
    top: int = described("From the upper edge of the image, in pixels.")
    width: int = described("In pixels.")
    height: int = described("In pixels.")


def _two_or_three(size: tuple[int, ...]) -> tuple[int, ...]:
    if len(size) not in {2, 3}:
        raise refusal("must be [width, height] or [width, height, depth]")
    return size


class Image(Part):
    """One image and its labels."""

    image: Text = described("Key below base, or a whole s3:// address.", examples=["spurge1.jpg"])
    labels: tuple[LabelName, ...] = list_field("Labels of the whole image.")
    size: Annotated[tuple[int, ...], AfterValidator(_two_or_three)] | None = list_field(
        "Width, height and, if not 3, depth. Needed for boxes.", None, examples=[[640, 480]]
    )
    boxes: tuple[Box, ...] | None = list_field(
        "Labelled rectangles. An empty list means that the image contains none.", None
    )


class Entries(Part):
    """The YAML shorthand: entries for people to write."""

    api_version: Literal["reconciler/v1"] = described("The format of this document.")
    kind: Literal["Entries"] = described("What this document is.")
    base: S3Base | None = described("Where the images are.", None, examples=["s3://bucket/train/"])
    created_at: Moment = described("Becomes creation-date, as written.", examples=["2026-03-01T12:00:00"])
    images: tuple[Image, ...] = list_field("The entries, in order.", ...)
