"""What a check of images found as one HTML page, with the images that look alike side by side."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from reconciler.core.images.near_duplicates import HASH_BITS
from reconciler.core.images.report import ImagesCheck
from reconciler.reports.check_images.text import sorted_problems, summary
from reconciler.reports.visible import counted
from reconciler.reports.webpage import rendered, style, templates

if TYPE_CHECKING:
    import jinja2

    from reconciler.reports.registry import Options

LIMIT: Final = 1_000
"""Most problems, and most pairs, of one dataset in a page; --all lifts it. JSON has all."""


def render(check: ImagesCheck, options: Options) -> Iterator[bytes]:
    """Give the page in UTF-8; where the screen has no limit, the page has none."""
    return rendered(
        _environment().get_template("check_images.html"),
        style("reconciler.reports.check_images", "page", "check_images.css"),
        "img-src data:",
        check=check,
        limit=None if options.screen.limit is None else LIMIT,
        thumbnails=options.thumbnails,
    )


@cache
def _environment() -> jinja2.Environment:
    environment = templates("reconciler.reports.check_images", "page")
    environment.globals |= {
        "HASH_BITS": HASH_BITS,
        "counted": counted,
        "sorted_problems": sorted_problems,
        "summary": summary,
    }
    return environment
