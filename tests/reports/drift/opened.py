"""The drift page in a real browser, and the images that its tests look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from reconciler.core.planning.cause import Cause
from reconciler.reports.drift.html import drift_page
from reconciler.reports.pictures import Thumbnail
from tests.browser import playwright, watched
from tests.reports.drift.builders import AT, BUCKET, dataset, drift, entry, item

ECHO, DOT = ("Echo", 86, 65, 220, 334), ("Dot", 399, 251, 155, 101)
MOVED = item(
    entry("desk.png", boxes=(ECHO, DOT)), entry("desk.png", boxes=(("Echo", 126, 65, 220, 334), DOT)), line=1
)
RENAMED = item(entry("rose.jpg", "rose"), entry("rose.jpg", "<script>window.harmed = 1</script>"), line=2)
NEW = item(None, entry("new.png", boxes=(DOT,)))
BOXED = item(entry("part.png", boxes=(DOT,)), entry("part.png", boxes=(("Spot", *DOT[1:]),)), line=3)
MARKED = item(
    entry("bad.png", "x"), entry("bad.png", "x"), Cause.UNATTRIBUTED, line=4, codes=("ERROR_INVALID_IMAGE",)
)
LONG = item(entry("x" * 300, "a" * 200), entry("x" * 300, "b" * 200, boxes=(("c" * 200, 86, 65, 220, 334),)))
CROWDED = item(
    entry("crowd.png", boxes=tuple((f"n{n}", 60 * n, 60, 40, 40) for n in range(9))),
    entry("crowd.png", boxes=tuple((f"n{n}", 60 * n + 3, 60, 40, 40) for n in range(9))),
)
STACKED = item(  # no room for a name between one box and the next
    entry("stack.png", boxes=tuple((f"n{n}", 200, 20 + 50 * n, 90, 44) for n in range(6))),
    entry("stack.png", boxes=tuple((f"n{n}", 203, 20 + 50 * n, 90, 44) for n in range(6))),
)


def many(number: int, **more: Any) -> list:
    """Images whose box moved, each a little less far than the one before, so that severity is by name."""
    return [
        item(
            entry(f"{n:04}.png", boxes=(ECHO, DOT)),
            entry(f"{n:04}.png", boxes=(("Echo", 86 + 200 * (number - n) / number, 65, 220, 334), DOT)),
            line=n + 1,
            since=AT - n * 3_600,
            times=1,
            **more,
        )
        for n in range(number)
    ]


@contextmanager
def opened(
    browser: playwright.Browser,
    tmp_path: Path,
    *items: Any,
    address: str = "",
    thumbnails: Mapping[str, Thumbnail] | None = None,
    report: Any = None,
    **context: Any,
) -> Iterator[playwright.Page]:
    """Open a page from a file, and see to it that it neither complains nor asks for anything."""
    file = tmp_path / "drift.html"
    file.write_bytes(b"".join(drift_page(report or drift(dataset(*items)), thumbnails or {})))
    with watched(browser, (file.as_uri(), "data:", "blob:"), **context) as page:
        page.goto(f"{file.as_uri()}{address}")
        yield page


def names(page: playwright.Page) -> list[str]:
    """Return the names of the tiles near the screen, in the order in which they are shown."""
    found = page.locator("#grid .tile").evaluate_all(
        "(tiles) => tiles.map((one) => [Number(one.ariaPosInSet), one.image.name])"
    )
    return [name for _, name in sorted(found)]


def focused(page: playwright.Page) -> str:
    """Return the name of the tile that has the focus; empty for anything else."""
    return page.evaluate("document.activeElement.image?.name ?? ''")


def image_id(name: str) -> str:
    return sha256(f"{BUCKET}{name}".encode()).hexdigest()[:8]
