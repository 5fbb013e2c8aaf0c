"""
Drift as one HTML page that needs nothing else: no network, no other file, no build step.

The first cards stand in the page as they are. The others wait in it, compressed: cards are alike, so they take a
fifteenth of their size. Each becomes part of the page while somebody is near it, and leaves it again; so a page of
5,000 drawings is as quick as one of forty, at its end too.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from reconciler.core.drift.report import DatasetDrift, Drift, DriftItem
from reconciler.core.moments import moment
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass
from reconciler.reports.drift import words
from reconciler.reports.drift.drawing import UNITS, draw
from reconciler.reports.drift.lines import side_by_side
from reconciler.reports.drift.remedies import remedies, ways
from reconciler.reports.plan.words import CAUSES
from reconciler.reports.thumbnails import Thumbnail
from reconciler.reports.webpage import exactly, policy, script, style, templates

if TYPE_CHECKING:
    import jinja2

    from reconciler.reports.registry import Options

# Cards that are in the page from the start, also for readers without scripts.
FIRST: Final = 40

# Cards that are compressed together.
PACK: Final = 100

# Events of an image that are visible at once; there may be fifty.
EVENTS: Final = 6

# Cards with their lines side by side: these are most of a page's weight.
WITH_LINES: Final = 300

Thumbnails = Mapping[str, Thumbnail]
"""Small pictures, by source-ref."""

_NO_PICTURES: Final[Thumbnails] = {}


class _Card(NamedTuple):
    facts: str
    html: str


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


def render(drift: Drift, options: Options) -> Iterator[bytes]:
    """Give the page in UTF-8."""
    return (piece.encode() for piece in render_html(drift, options.thumbnails))


def render_html(
    drift: Drift, thumbnails: Thumbnails = _NO_PICTURES, frame: Frame = _NO_FRAME
) -> Iterator[str]:
    """Give the page, piece by piece."""
    environment = _environment()
    cards = _cards(drift, thumbnails, environment.get_template("card.html"))
    first = list(islice(cards, FIRST))
    page = environment.get_template("page.html")
    yield from page.generate(
        drift=drift,
        frame=frame,
        first=first,
        rest=_island(cards),
        total=sum(item.view is not None for dataset in drift.datasets for item in dataset.items),
        undrawn=sum(item.view is None for dataset in drift.datasets for item in dataset.items),
        classes=_present(DriftClass, drift, lambda item: item.classes),
        causes=_present(Cause, drift, lambda item: (item.cause,)),
        labels=sorted({label for item in _items(drift) if item.view for label in item.view.labels}),
        css=_style(),
        js=_script(),
        policy=content_security_policy(),
    )


def _cards(drift: Drift, thumbnails: Thumbnails, template: jinja2.Template) -> Iterator[_Card]:
    number = 0
    for dataset in drift.datasets:
        for item in dataset.items:
            if item.view is not None:
                number += 1
                yield _card(item, dataset, drift, thumbnails, template, number)


def _card(
    item: DriftItem,
    dataset: DatasetDrift,
    drift: Drift,
    thumbnails: Thumbnails,
    template: jinja2.Template,
    number: int,
) -> _Card:
    assert item.view is not None  # noqa: S101  the caller has checked
    place = str(item.origin) if item.origin else ""
    facts = {
        "classes": item.classes,
        "labels": sorted(item.view.labels),
        "cause": item.cause,
        "dataset": dataset.name,
        "text": f"{item.source_ref} {place}".lower(),
    }
    thumbnail = thumbnails.get(item.source_ref)
    size = (thumbnail.width, thumbnail.height) if thumbnail else None
    drawing = draw(item.view, size, pending=item.is_pending)
    html = template.render(
        facts=_json(facts),
        item=item,
        dataset=dataset,
        several=len(drift.datasets) > 1,
        place=place,
        number=number,
        drawing=drawing,
        picture=item.view,
        thumbnail=thumbnail.address if thumbnail else None,
        age=words.age(item, dataset.observed_at),
        events=list(words.events(item)),
        remedies=remedies(item, dataset, drift.path, drift.flags),
        rows=side_by_side(item.lines) if item.lines and number <= WITH_LINES else (),
    )
    return _Card(_json(facts), html)


def _island(cards: Iterator[_Card]) -> Iterator[str]:
    """
    Give cards as JSON that can stand in a script element: nothing in it ends the element.

    The filters need the facts of every card at once. The cards themselves come in packs, each with the first of
    its cards, as zlib and base64.
    """
    separator = ""
    while pack := tuple(islice(cards, PACK)):
        packed = b64encode(zlib.compress(orjson.dumps([card.html for card in pack]))).decode()
        for number, card in enumerate(pack):
            content = {"facts": orjson.loads(card.facts)} | ({} if number else {"pack": packed})
            yield separator + _json(content).replace("<", "\\u003c").replace("\u2028", "\\u2028")
            separator = ","


def _json(content: object) -> str:
    return orjson.dumps(content, default=str).decode()


def _items(drift: Drift) -> Iterator[DriftItem]:
    return (item for dataset in drift.datasets for item in dataset.items)


def _present(
    kinds: type[DriftClass | Cause], drift: Drift, of: Callable[[DriftItem], Iterable[str]]
) -> list[tuple[str, int]]:
    """Return the kinds that occur, in their own order, and how many images are of each."""
    found: dict[str, int] = dict.fromkeys(kinds, 0)
    for item in _items(drift):
        if item.view is not None:
            for kind in of(item):
                found[kind] += 1
    return [(kind, number) for kind, number in found.items() if number]


@cache
def _environment() -> jinja2.Environment:
    environment = templates("reconciler.reports.drift", "page")
    environment.filters |= {"n": _number, "amount": "{:,}".format, "moment": moment, "day": words.day}
    environment.globals |= {
        "CLASSES": words.CLASSES,
        "CAUSES": CAUSES,
        "VERDICTS": words.VERDICTS,
        "UNITS": UNITS,
        "EVENTS": EVENTS,
        "ways": ways,
        "headline": words.headline,
        "overlap": words.overlap,
        "split": _split,
    }
    return environment


def _number(value: float) -> str:
    """Return a coordinate: two digits after the point at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _split(source_ref: str) -> tuple[str, str]:
    """Part the name of an image from where it lies."""
    head, slash, name = source_ref.rpartition("/")
    return head + slash, name


def _style() -> str:
    return style("reconciler.reports.drift", "page", "page.css")


def _script() -> str:
    return script("reconciler.reports.drift", "page", "page.js")


@cache
def content_security_policy() -> str:
    """Return the page's own Content-Security-Policy: one style, one script, pictures in the page, no more."""
    return policy("img-src data:", f"style-src {exactly(_style())}", f"script-src {exactly(_script())}")
