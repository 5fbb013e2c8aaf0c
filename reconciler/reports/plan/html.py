"""A plan as one HTML page that needs nothing else: no network, no other file. Its script only draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import TYPE_CHECKING, Final

from reconciler.core.entries.image_view import ImageView
from reconciler.core.moments import moment
from reconciler.core.planning.diff import Action
from reconciler.core.planning.plan import Plan, PlannedChange
from reconciler.reports.drawing import due_data
from reconciler.reports.plan import words
from reconciler.reports.plan.text import images, label_summaries, title
from reconciler.reports.registry import RenderOptions
from reconciler.reports.sentences import contents, due_changes, field_name
from reconciler.reports.visible import ELLIPSIS, counted, side
from reconciler.reports.webpage import hash_source, ours, rendered, script, style

if TYPE_CHECKING:
    from markupsafe import Markup

# Images that are drawn: with two boxes each they take some 300 kB of a page.
_DRAWN: Final = 1_000


def render(plan: Plan, options: RenderOptions) -> Iterator[bytes]:
    """Yield the page in UTF-8."""
    js = _script()
    return rendered(
        "plan",
        _style(),
        "img-src data:",
        f"script-src {hash_source(js)}",
        plan=plan,
        title=title(plan.datasets),
        js=js,
        limit=options.page_limit,
        more=_more(options.page_limit),
        drawn=_Drawn(),
        words=words,
        contents=contents,
        counted=counted,
        due_changes=due_changes,
        field_name=field_name,
        images=images,
        label_summaries=label_summaries,
        moment=moment,
        side=side,
    )


class _Drawn:
    """The images of a page that are drawn, in their order."""

    def __init__(self) -> None:
        self._images: list[tuple[str, ImageView]] = []

    def add(self, item: PlannedChange) -> int | None:
        """Return the place of an image among those that are drawn; None for one in which no box changes."""
        seen = item.view if item.action is not Action.ORPHAN or item.sent is not None else None
        if seen is None or all(pair.is_same for pair in seen.boxes) or len(self._images) >= _DRAWN:
            return None
        self._images.append((item.source_ref, seen))
        return len(self._images) - 1

    @property
    def data(self) -> Iterator[str]:
        return due_data(self._images)


def _style() -> Markup:
    return ours(
        style("reconciler.reports.plan", "page", "plan.css")
        + style("reconciler.reports.drift", "page", "drawing.css", beginning=False)
    )


def _script() -> Markup:
    names = ("basics.js", "drawing.js", "captions.js")
    return ours(
        script("reconciler.reports.drift", "page", *names)
        + script("reconciler.reports.plan", "page", "plan.js")
    )


def _more(limit: int | None) -> Callable[[Sized], str]:
    """Return the function that counts, below a list, the items that are not shown."""

    def more(items: Sized) -> str:
        left = len(items) - (len(items) if limit is None else limit)
        return (
            ours(f'\n<p class="dim">{ELLIPSIS} and {left:,} more; --all shows them</p>') if left > 0 else ""
        )

    return more
