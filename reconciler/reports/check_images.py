"""What a check of images found: for people, also as a page, and for programs check-images/v1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from reconciler.core.images.near_duplicates import HASH_BITS
from reconciler.core.images.report import DatasetImages, ImagesCheck
from reconciler.core.validation.problem import Problem, by_place
from reconciler.reports.documents import ErrorDoc, ProblemDoc, Rows, doc_of, encode, error_doc, problem_doc
from reconciler.reports.registry import RenderOptions
from reconciler.reports.screen import Ink, Line, Screen, Span, error_lines, indented, line, stacked
from reconciler.reports.validate import SHOWN, problem_line
from reconciler.reports.visible import ELLIPSIS, counted
from reconciler.reports.webpage import rendered, style


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
    """A test image and the training image that looks most like it; ``distance`` is in bits of 256."""

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


def render_text(check: ImagesCheck, options: RenderOptions) -> Iterator[Line]:
    """Yield a line for each dataset, and below it the problems of its images."""
    return stacked(_dataset_lines(dataset, options.screen) for dataset in check.datasets)


def _dataset_lines(dataset: DatasetImages, screen: Screen) -> Iterator[Line]:
    yield line(_mark(dataset), Span(f" {dataset.name}", Ink.BOLD), f"  {summary(dataset)}")
    problems = sorted_problems(dataset)
    shown = problems if screen.limit is None else problems[:SHOWN]
    yield from indented(map(problem_line, shown), 4)
    if rest := sum(dataset.by_code.values()) - len(shown):
        codes = ", ".join(f"{code} {number:,}" for code, number in dataset.by_code.items())
        yield line(Span(f"    {ELLIPSIS} and {rest:,} more (in all: {codes})", Ink.DIM))
    yield from indented(error_lines(dataset.errors, screen), 4)


def sorted_problems(dataset: DatasetImages) -> list[Problem]:
    """Return the problems of a dataset that are kept, errors first."""
    return sorted(dataset.problems, key=lambda problem: (not problem.is_error, by_place(problem)))


def _mark(dataset: DatasetImages) -> Span:
    if dataset.has_errors or dataset.errors:
        return Span("✗", Ink.RED)
    if not dataset.complete:
        return Span("?", Ink.RED)
    return Span("!", Ink.YELLOW) if dataset.problems else Span("✓", Ink.GREEN)


def summary(dataset: DatasetImages) -> str:
    """Return in one sentence how many images were checked, and what was found."""
    counts = dataset.counts
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (counts.read, "read"),
            (counts.unchanged, "unchanged since the last check"),
            (counts.missing, "missing"),
            (counts.unread, "not checked"),
        )
        if number
    ]
    found = sum(dataset.by_code.values())
    problems = counted(found, "problem") if found else "no problems" if dataset.complete else ""
    made = counted(sum(dataset.requests.values()), "request")
    return "; ".join(
        filter(None, [f"{counted(counts.desired, 'image')}: {', '.join(parts)}", problems, made])
    )


def render_html(check: ImagesCheck, options: RenderOptions) -> Iterator[bytes]:
    """Yield the page, with the images that look alike side by side."""
    return rendered(
        "check_images",
        style("reconciler.reports", "page", "check_images.css"),
        "img-src data:",
        check=check,
        limit=options.page_limit,
        thumbnails=options.thumbnails,
        HASH_BITS=HASH_BITS,
        counted=counted,
        sorted_problems=sorted_problems,
        summary=summary,
    )


def render_json(check: ImagesCheck, _options: RenderOptions) -> Iterator[bytes]:
    """Yield check-images/v1."""
    document: CheckImagesDoc = {
        "format": "check-images/v1",
        "revision": check.revision,
        "datasets": Rows(check.datasets, _dataset),
    }
    return encode(document)


def _dataset(dataset: DatasetImages) -> DatasetImagesDoc:
    document: DatasetImagesDoc = {
        "name": dataset.name,
        "complete": dataset.complete,
        "counts": doc_of(ImageCountsDoc, dataset.counts),
        "requests": dict(sorted(dataset.requests.items())),
        "codes": dict(dataset.by_code),
        "problems": Rows(sorted(dataset.problems, key=by_place), problem_doc),
        "errors": list(map(error_doc, dataset.errors)),
    }
    if dataset.near is not None:
        document["near_duplicates"] = [doc_of(NearPairDoc, pair) for pair in dataset.near]
    return document
