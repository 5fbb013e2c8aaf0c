"""Rules for an image in S3: what Custom Labels would refuse, and where the line contradicts the image."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from reconciler.core.images.header import BROKEN, EMPTY, TAKEN, Header
from reconciler.core.images.lookup import Stored
from reconciler.core.runtime import quotas
from reconciler.core.validation import codes
from reconciler.core.validation.checked_line import error, warning
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Problem

ARCHIVED: Final = "archived"
"""Stands for the format of an object that S3 must restore before it can be read."""


class CheckedImage(NamedTuple):
    """
    The facts about one image that suffice to judge it again without reading it.

    Attributes:
        etag, size_bytes: Of the object that was read; see `lookup.Stored`.
        header: Its format may also be `ARCHIVED`.
    """

    etag: str
    size_bytes: int
    header: Header

    def is_still(self, stored: Stored) -> bool:
        """Return whether the object is the one that was read."""
        return (self.etag, self.size_bytes) == stored


def missing(reason: str = "there is no such object") -> Problem:
    """Return the error of an image that does not exist."""
    return error(Code.INVALID_IMAGE, f"the image is missing: {reason}")


def unchecked(reason: str) -> Problem:
    """Return the error of an image that could not be looked up or read."""
    return error(codes.UNCHECKED, f"the image could not be checked: {reason}")


def judge(image: CheckedImage, stated: Collection[tuple[float, float]]) -> Iterator[Problem]:
    """
    Check one image.

    Args:
        stated: Width and height of the image as its line states them: once for each attribute with boxes.
    """
    yield from _weight(image.size_bytes)
    header = image.header
    if header.form not in TAKEN:
        yield error(Code.INVALID_IMAGE, _form(header.form))
        return
    yield from _dimensions(header)
    yield from _stated(header, stated)


def _form(form: str) -> str:
    if form == ARCHIVED:
        return "the image is archived: neither this command nor Rekognition can read it before it is restored"
    if form == BROKEN:
        return "the image is cut or broken: its header states no size"
    if form == EMPTY:
        return "the image is empty: it has 0 bytes"
    return f"the image is {form}, by its bytes; Custom Labels takes PNG and JPEG"


def _weight(size_bytes: int) -> Iterator[Problem]:
    if size_bytes > quotas.MAX_IMAGE_BYTES_READ_LARGELY:
        yield error(Code.INVALID_IMAGE, f"the image has {size_bytes:,} bytes; at most 15 MB are allowed")
    elif size_bytes > quotas.MAX_IMAGE_BYTES:
        text = f"the image has {size_bytes:,} bytes; 15 MB are allowed, which may mean 15,000,000"
        yield warning(Code.INVALID_IMAGE, text)


def _dimensions(header: Header) -> Iterator[Problem]:
    short, long = sorted((header.width, header.height))
    text = f"the image has {header.width} x {header.height} pixels"
    if short < quotas.MIN_IMAGE_SIDE or long > quotas.MAX_IMAGE_SIDE:
        allowed = f"{quotas.MIN_IMAGE_SIDE} to {quotas.MAX_IMAGE_SIDE}"
        yield error(Code.INVALID_IMAGE_DIMENSION, f"{text}; a side may have {allowed}")
    if short * quotas.MAX_ASPECT_RATIO < long:
        yield error(Code.INVALID_IMAGE, f"{text}, which is longer than {quotas.MAX_ASPECT_RATIO} to 1")


def _stated(header: Header, stated: Collection[tuple[float, float]]) -> Iterator[Problem]:
    stored = (header.width, header.height)
    has = f"{header.width} x {header.height}"
    if header.turned:
        has += f" as stored and {header.height} x {header.width} as shown (EXIF orientation {header.orientation})"
    for width, height in stated:
        says = f"'image_size' states {width:g} x {height:g}"
        if (width, height) not in (stored, header.shown):
            yield error(codes.WRONG_SIZE, f"{says}; the image has {has}")
        elif header.turned:
            which = "as shown" if (width, height) == header.shown else "as stored"
            yield warning(codes.TURNED_IMAGE, f"{says}, {which}; the image has {has}")


def no_bucket(bucket: str) -> Problem:
    """Return the error of a bucket that does not exist."""
    return error(codes.NO_BUCKET, f"there is no bucket s3://{bucket}")


def other_region(bucket: str, theirs: str, ours: str) -> Problem:
    """Return the error of a bucket in another Region than the dataset."""
    text = f"the bucket s3://{bucket} is in {theirs}, and the dataset in {ours}"
    return error(codes.OTHER_REGION, text)


def near_duplicate(train_ref: str, distance: int) -> Problem:
    """Return the warning about a test image that looks like a training image."""
    text = f"the image looks like {train_ref} in the training dataset: {distance} of 256 bits differ"
    return warning(codes.NEAR_DUPLICATE, text)


def not_all_compared(comparisons: int) -> Problem:
    """Return the warning that the search for images that look alike was ended early."""
    text = (
        f"too many images are alike: the search for near duplicates ended after {comparisons:,} comparisons"
    )
    return warning(codes.NEAR_DUPLICATE, text)


def same_content(train_ref: str) -> Problem:
    """Return the warning about a test image with the content of a training image."""
    text = f"the image has the same bytes as {train_ref} in the training dataset"
    return warning(codes.SAME_CONTENT, text)
