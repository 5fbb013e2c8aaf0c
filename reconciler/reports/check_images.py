"""What a check of images found, for programs: check-images/v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.images.report import DatasetImages, ImagesCheck
from reconciler.reports.documents import ErrorDoc, ProblemDoc, Rows, encode, error_doc, problem_doc
from reconciler.reports.validate.json import by_place

if TYPE_CHECKING:
    from reconciler.reports.registry import Options


class ImageCountsDoc(TypedDict):
    """
    Images of one dataset.

    ``unchanged`` are as they were when they were checked before; ``read`` are new or changed; of those that are
    ``unread`` nothing is known.
    """

    desired: int
    missing: int
    unchanged: int
    read: int
    unread: int


class NearPairDoc(TypedDict):
    """A test image and the training image that looks most like it: their hashes differ in so many of 256 bits."""

    train_ref: str
    test_ref: str
    distance: int


class DatasetImagesDoc(TypedDict):
    """
    The images of one dataset.

    ``problems`` holds at most 1,000 of each code; ``codes`` counts all of them. ``errors`` is why not every image
    was checked. ``requests`` counts those that were made, by operation. ``near_duplicates``, nearest first, is
    there for a test dataset with --near-duplicates.
    """

    name: str
    complete: bool
    counts: ImageCountsDoc
    requests: Mapping[str, int]
    codes: Mapping[str, int]
    problems: Sequence[ProblemDoc]
    errors: Sequence[ErrorDoc]
    near_duplicates: NotRequired[Sequence[NearPairDoc]]


class CheckImagesDoc(TypedDict):
    """What is wrong with the images of the selected datasets."""

    format: Literal["check-images/v1"]
    revision: str | None
    datasets: Sequence[DatasetImagesDoc]
    errors: NotRequired[Sequence[ErrorDoc]]


DOCUMENT: Final = CheckImagesDoc


def render(check: ImagesCheck, _options: Options) -> Iterator[bytes]:
    """Give check-images/v1."""
    document: CheckImagesDoc = {
        "format": "check-images/v1",
        "revision": check.revision,
        "datasets": Rows(check.datasets, _dataset),
    }
    return encode(document)


def _dataset(dataset: DatasetImages) -> DatasetImagesDoc:
    counts = dataset.counts
    document: DatasetImagesDoc = {
        "name": dataset.name,
        "complete": dataset.complete,
        "counts": {
            "desired": counts.desired,
            "missing": counts.missing,
            "unchanged": counts.unchanged,
            "read": counts.read,
            "unread": counts.unread,
        },
        "requests": dict(sorted(dataset.requests.items())),
        "codes": dict(dataset.by_code),
        "problems": Rows(sorted(dataset.problems, key=by_place), problem_doc),
        "errors": list(map(error_doc, dataset.errors)),
    }
    if dataset.near is not None:
        document["near_duplicates"] = [
            {"train_ref": pair.train_ref, "test_ref": pair.test_ref, "distance": pair.distance}
            for pair in dataset.near
        ]
    return document
