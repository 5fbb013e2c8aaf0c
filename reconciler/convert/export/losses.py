"""What an export leaves behind: counted by kind, and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple


class LossKind(StrEnum):
    """A part of an entry that a format may be unable to carry."""

    UNLABELLED = "unlabelled"
    NAME = "name"
    TEXT = "text"
    SHARED_FILE = "shared-file"
    LABEL = "label"
    SIZE = "size"
    DEPTH = "depth"
    FRACTION = "fraction"
    CONFIDENCE = "confidence"
    DATE = "creation-date"
    DATES = "creation-dates"
    ATTRIBUTE = "attribute"
    CLASS_ID = "class-id"
    ANNOTATOR = "human-annotated"
    JOB = "job-name"
    BUCKET = "bucket"
    FIELD = "field"

    # The hash of Enum is written in Python, and every loss is counted by its kind.
    __hash__ = str.__hash__


MEANINGS: Final[Mapping[LossKind, str]] = {
    LossKind.UNLABELLED: "images without an annotation that the format could hold; an image without boxes would "
    "say that nothing is there",
    LossKind.NAME: "images whose key cannot be the name of a file in this format",
    LossKind.TEXT: "images with a label of characters that the format forbids",
    LossKind.SHARED_FILE: "images that differ only in their endings, and would share a file of labels",
    LossKind.LABEL: "labels of whole images",
    LossKind.SIZE: "sizes of images, which readers of the files take from the images",
    LossKind.DEPTH: "colour depths other than 3",
    LossKind.FRACTION: "fractions of pixels, which convert rounds",
    LossKind.CONFIDENCE: "confidences other than 1",
    LossKind.DATE: "creation dates",
    LossKind.DATES: "further creation dates of an image; the first is kept",
    LossKind.ATTRIBUTE: "names of attributes",
    LossKind.CLASS_ID: "class ids of a line, and classes in its map that no box has",
    LossKind.ANNOTATOR: "labels that a machine gave (human-annotated: no)",
    LossKind.JOB: "names of labelling jobs",
    LossKind.BUCKET: "buckets of images: there are several, and a name says one only as a directory",
    LossKind.FIELD: "other fields",
}

LEFT_OUT: Final = frozenset({LossKind.UNLABELLED, LossKind.NAME, LossKind.TEXT, LossKind.SHARED_FILE})
"""Kinds for which the image as a whole is in no file of labels."""

MAX_IMAGES: Final = 1_000
MAX_NAMES: Final = 100


class Lost(NamedTuple):
    """
    One part of an entry that is not in the files.

    Attributes:
        name: What it is called, such as the name of an attribute; empty if the kind says it all.
        times: How many there are, such as boxes with a confidence.
    """

    kind: LossKind
    name: str = ""
    times: int = 1


@dataclass(slots=True)
class Loss:
    """
    All losses of one kind.

    Attributes:
        count: How many parts were lost; at least one for each image.
        images: In how many images.
        names: What was lost -> how often; of very many different names only the first are kept apart.
        source_refs: The first images, at most 1,000.
    """

    count: int = 0
    images: int = 0
    names: Counter[str] = field(default_factory=Counter)
    source_refs: list[str] = field(default_factory=list)


class Losses:
    """Counts what is lost; in memory it takes the same however many entries there are."""

    def __init__(self) -> None:
        self._found: dict[LossKind, Loss] = {}

    def add(self, source_ref: str, lost: Iterable[Lost]) -> None:
        """Count what was lost of one image."""
        kinds = set()
        for kind, name, times in lost:
            loss = self._found.setdefault(kind, Loss())
            loss.count += times
            kinds.add(kind)
            if name and (name in loss.names or len(loss.names) < MAX_NAMES):
                loss.names[name] += times
        for kind in kinds:
            loss = self._found[kind]
            loss.images += 1
            if len(loss.source_refs) < MAX_IMAGES:
                loss.source_refs.append(source_ref)

    def by_kind(self) -> Mapping[LossKind, Loss]:
        """Return the losses: whole images first, then in the order of `LossKind`."""
        return {kind: self._found[kind] for kind in LossKind if kind in self._found}
