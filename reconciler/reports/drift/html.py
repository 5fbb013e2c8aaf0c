"""
Drift as one HTML page that needs nothing else: no network, no other file, no build step.

The page holds its images once, as data; its script draws those that are on the screen. So a page of 5,000 images
is as quick as one of forty, at its end too. Readers without scripts get the first images in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from reconciler.core.drift.report import DatasetDrift, Drift
from reconciler.core.moments import moment
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.drift import words
from reconciler.reports.drift.images import Thumbnails, in_order, page_data
from reconciler.reports.plan.words import CAUSES
from reconciler.reports.registry import RenderOptions
from reconciler.reports.sentences import overlap
from reconciler.reports.webpage import hash_source, policy, rendered, script, style

if TYPE_CHECKING:
    from markupsafe import Markup

# Images that readers without scripts see.
FIRST: Final = 40

# Labels of a side in the table of relabelled images: those with the most images.
_LABELS: Final = 8

# Steps of shade in that table.
_SHADES: Final = 4

Key = TypeVar("Key", DriftClass, Cause)

_NO_PICTURES: Final[Thumbnails] = {}


class Frame(NamedTuple):
    """
    The surroundings of a report that is served, not written to a file.

    Attributes:
        note: One sentence on what happened since; may be empty.
        links: Ways on, as address and name.
    """

    note: str = ""
    links: tuple[tuple[str, str], ...] = ()


_NO_FRAME: Final = Frame()


class Cell(NamedTuple):
    """
    The images in which one label became another.

    Attributes:
        shade: 1 for few of them, up to 4 for most of them; 0 for none.
    """

    after: str
    number: int
    shade: int


class Relabelled(NamedTuple):
    """
    How many images of a dataset changed from which label to which: labels in git down, those in AWS across.

    Attributes:
        left_out: Number of pairs of labels that have no place in the table.
    """

    after: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int


def render(drift: Drift, options: RenderOptions) -> Iterator[bytes]:
    """Yield the page in UTF-8."""
    return drift_page(drift, options.thumbnails)


def drift_page(
    drift: Drift, thumbnails: Thumbnails = _NO_PICTURES, frame: Frame = _NO_FRAME
) -> Iterator[bytes]:
    """Yield the page in UTF-8, piece by piece, as a file or within the frame of a server."""
    images = [item for _, item in in_order(drift)]
    return rendered(
        "drift",
        _style(),
        *_allowed(),
        drift=drift,
        frame=frame,
        first=images[:FIRST],
        data=page_data(drift, thumbnails),
        total=len(images),
        undrawn=sum(len(dataset.items) for dataset in drift.datasets) - len(images),
        classes=_present(DriftClass, [kind for item in images for kind in item.classes]),
        causes=_present(Cause, [item.cause for item in images]),
        labels=sorted({label for item in images if item.view for label in item.view.labels}),
        js=_script(),
        words=words,
        CAUSES=CAUSES,
        moment=moment,
        overlap=overlap,
        relabelled=relabelled,
    )


def relabelled(dataset: DatasetDrift) -> Relabelled | None:
    """Return the table of relabelled images of a dataset; None if there are none."""
    found = Counter(pair for item in dataset.items if item.view for pair in item.view.relabellings)
    if not found:
        return None
    before, after = _most_frequent(found, 0), _most_frequent(found, 1)
    most = max(found.values())
    rows = tuple(
        (
            one,
            tuple(
                Cell(other, number, -(-_SHADES * number // most))
                for other in after
                for number in (found[one, other],)
            ),
        )
        for one in before
    )
    shown = sum(cell.number > 0 for _, cells in rows for cell in cells)
    return Relabelled(after, rows, len(found) - shown)


def _most_frequent(found: Counter[tuple[str, str]], side: int) -> tuple[str, ...]:
    """Return the labels of one side with the most images, by name."""
    totals: Counter[str] = Counter()
    for pair, number in found.items():
        totals[pair[side]] += number
    first = sorted(totals, key=lambda label: (-totals[label], label))[:_LABELS]
    return tuple(sorted(first))


def _present(kinds: type[Key], found: Sequence[Key]) -> list[tuple[Key, int]]:
    """Return the kinds that occur, in their own order, and how many images are of each."""
    numbers = Counter(found)
    return [(kind, numbers[kind]) for kind in kinds if numbers[kind]]


def _style() -> Markup:
    return style(
        "reconciler.reports.drift",
        "page",
        "head.css",
        "drawing.css",
        "images.css",
        "lighttable.css",
        "print.css",
    )


def _script() -> Markup:
    """Return the script: each file has one purpose, and the last starts the page."""
    names = ("basics", "drawing", "captions", "selection", "filters", "grid", "zoom", "lighttable", "start")
    return script("reconciler.reports.drift", "page", *(f"{name}.js" for name in names))


@cache
def content_security_policy() -> str:
    """Return the page's own Content-Security-Policy: one style, one script, pictures in the page, no more."""
    return policy(*_allowed(), f"style-src {hash_source(_style())}")


def _allowed() -> tuple[str, str]:
    return "img-src data:", f"script-src {hash_source(_script())}"
