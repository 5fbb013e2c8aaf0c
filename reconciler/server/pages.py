"""The pages for people. They load nothing from elsewhere, and work without their script, which refreshes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from reconciler.core.drift.foreign_calls import ForeignCall, suspects
from reconciler.core.drift.report import DatasetDrift, Drift
from reconciler.core.moments import moment
from reconciler.core.status.conditions import Health
from reconciler.engine.controller.registry import Registry
from reconciler.engine.controller.views import DriftView
from reconciler.reports.drift import words
from reconciler.reports.drift.html import Frame, content_security_policy, drift_page
from reconciler.reports.plan.words import QUARANTINE_REASONS
from reconciler.reports.visible import counted, size
from reconciler.reports.webpage import hash_source, policy, style, templates
from reconciler.reports.webpage import script as page_script
from reconciler.server.timeline import forecast, timeline
from reconciler.server.views import BAR_HEIGHT, BAR_PITCH, DatasetView, dataset_views

if TYPE_CHECKING:
    import jinja2

# About the number of characters in which a page is written to the wire.
PIECE: Final = 1 << 16

# With more datasets the rows are low, those in sync are folded, and there is a search.
SMALL: Final = 20
QUARANTINED_A_PAGE: Final = 100

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_SHARED: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_SENTENCES: Final[Mapping[Health, str]] = MappingProxyType(
    {
        Health.FAILING: "needs attention",
        Health.RETRYING: "is being retried",
        Health.DRIFTED: "has drifted",
        Health.WORKING: "is being updated to what git says",
        Health.DIFFERS: "differs from what git says",
        Health.SUSPENDED: "is suspended",
    }
)


class Pages:
    """Renders what the registry knows. Safe for threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._templates = _environment()
        css = style("reconciler.server", "templates", "pages.css")
        self._templates.globals["css"] = css
        script = self._templates.globals["script"] = page_script(
            "reconciler.server", "templates", "refresh.js"
        )
        allowed = f"style-src {hash_source(css)}", f"script-src {hash_source(script)}", "connect-src 'self'"
        self.headers = _headers(policy(*allowed, forms="'self'"))
        self.report_headers = _headers(content_security_policy())

    def index(self, state: str = "", query: str = "", group: str = "") -> str:
        """
        Return the list of all datasets; where there are many, those in sync are folded.

        Args:
            state: Only datasets of this health; all if there is no such health.
            query: Only datasets with this in their name or revision.
            group: The label of the specs by whose values the datasets stand together; none if no spec has it.
        """
        found = dataset_views(self._registry)
        tally = Counter(one.health for one in found)
        wanted = state if state in set(Health) else ""
        views = [one for one in found if one.health == (wanted or one.health) and one.mentions(query)]
        labels = sorted({label for one in found for label in one.labels})
        fold = len(found) > SMALL and not (wanted or query)
        return self._render(
            "index.html",
            groups=_grouped(
                [one for one in views if not (fold and one.health is Health.IN_SYNC)], group, labels
            ),
            folded=[one for one in views if fold and one.health is Health.IN_SYNC],
            headline=headline(found, self._registry),
            tally=[(kind, tally[kind]) for kind in Health if tally[kind]],
            total=len(found),
            state=wanted,
            query=query,
            labels=labels,
            group=group if group in labels else "",
        )

    def dataset(self, name: str, page: int = 1) -> str | None:
        """
        Return the page of one dataset; None if there is none of that name.

        Args:
            page: Of its quarantined images, from 1; the nearest one if there is no such page.
        """
        one = next((one for one in dataset_views(self._registry) if one.name == name), None)
        if one is None:
            return None
        with self._registry.lock:
            state = self._registry.states.get(name)
            drift_view = state.drift_view if state else None
        known = one.state.quarantined.first
        pages = -(-len(known) // QUARANTINED_A_PAGE)
        page = max(1, min(page, pages))
        return self._render(
            "dataset.html",
            one=one,
            drift_view=drift_view,
            quarantined=known[(page - 1) * QUARANTINED_A_PAGE : page * QUARANTINED_A_PAGE],
            reasons=Counter(entry.kind for entry in known).most_common(),
            page=page,
            pages=pages,
        )

    def drift(self, name: str) -> Iterator[bytes] | str | None:
        """
        Return the report of the last complete observation, in pieces.

        If there is no report, a page with the reason; None if there is no dataset of that name.
        """
        with self._registry.lock:
            state = self._registry.states.get(name)
            if state is None:
                return None
            drift_view, scanned_at = state.drift_view, state.scanned_at
            calls, applying = state.foreign_calls, bool(state.work and state.work.found)
        if drift_view is None or drift_view.drift is None:
            return self._render("unseen.html", name=name, drift_view=drift_view, scanned_at=scanned_at)
        since = _since(drift_view, applying=applying)
        links = (("/", "Datasets"), (address("dataset", name), name))
        report = Drift(
            (_with_callers(drift_view.drift, calls),), self._registry.source_name, self._registry.revision
        )
        return _pieces(drift_page(report, drift_view.pictures, Frame(since, links)))

    def missing(self) -> str:
        """Return the page for an address that leads nowhere."""
        return self._render("missing.html")

    def _render(self, template: str, **facts: Any) -> str:
        registry, now = self._registry, self._registry.wall()
        return self._templates.get_template(template).render(
            registry=registry,
            now=now,
            ago=lambda at: ago(now - at),
            ahead=lambda at: ahead(at - now),
            **facts,
        )


def _grouped(
    views: Sequence[DatasetView], label: str, labels: Sequence[str]
) -> list[tuple[str, list[DatasetView]]]:
    """Return the datasets by their values of a label, those without it last; as one group without a label."""
    if label not in labels:
        return [("", list(views))] if views else []
    values = sorted({one.labels.get(label, "") for one in views}, key=lambda value: (not value, value))
    return [
        (
            f"{label}: {value}" if value else f"without {label}",
            [one for one in views if one.labels.get(label, "") == value],
        )
        for value in values
    ]


def headline(found: Sequence[DatasetView], registry: Registry) -> str:
    """Return the health of all datasets in one sentence."""
    number = len(found)
    if not number:
        known = registry.fingerprint is not None
        return "Git declares no dataset." if known else "Nothing has been read from git yet."
    kinds = Counter(one.health for one in found)
    good = kinds[Health.IN_SYNC]
    if good == number:
        return "The dataset is as git says." if number == 1 else f"All {number:,} datasets are as git says."
    if kinds[Health.UNKNOWN] == number:
        return f"The state of the {'dataset' if number == 1 else 'datasets'} is not known yet."
    if number == 1:
        return f"The dataset {_SENTENCES[found[0].health]}."
    if not good:
        return f"None of {number:,} datasets is known to be as git says."
    return f"{good:,} of {number:,} datasets {'are' if good > 1 else 'is'} as git says."


def address(kind: str, name: str) -> str:
    return f"/{kind}/{quote(name, safe='')}"


def ago(seconds: float) -> str:
    """Return an age for people, in its largest unit."""
    return "just now" if seconds < 1 else f"{_span(seconds)} ago"


def ahead(seconds: float) -> str:
    return "now" if seconds < 1 else f"in {_span(seconds)}"


def _span(seconds: float) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return "a moment"


def _with_callers(drift: DatasetDrift, calls: Sequence[ForeignCall]) -> DatasetDrift:
    """Add the calls that may have caused the drift; they may be known later than the drift."""
    if drift.observed_at is None or not drift.drifted:
        return drift
    return replace(drift, foreign_calls=suspects(calls, drift.observed_at))


def _since(drift_view: DriftView, *, applying: bool) -> str:
    """Return what has happened since the images were observed; empty if nothing has."""
    if applying:
        return "AWS is being updated to match git; the images are shown as they were found."
    one = drift_view.set_back + drift_view.updated == 1
    found = []
    if drift_view.set_back:
        noun = counted(drift_view.set_back, "image that had changed was", "images that had changed were")
        found.append(f"{noun} reverted")
    if drift_view.updated:
        found.append(f"{counted(drift_view.updated, 'image was', 'images were')} updated")
    done = " and ".join(found)
    return (
        f"Since then {done} to what git says; {'it is' if one else 'they are'} shown as found."
        if done
        else ""
    )


def _pieces(text: Iterator[bytes]) -> Iterator[bytes]:
    """Join rendered fragments into larger pieces, so that a large page does not take thousands of writes."""
    held: list[bytes] = []
    length = 0
    for bit in text:
        held.append(bit)
        length += len(bit)
        if length >= PIECE:
            yield b"".join(held)
            held, length = [], 0
    yield b"".join(held)


def _headers(allowed: str) -> Mapping[str, str]:
    """Return the HTTP headers of a page with this policy; no page may be shown in a frame."""
    return _SHARED | {"Content-Security-Policy": f"{allowed}; frame-ancestors 'none'"}


def _environment() -> jinja2.Environment:
    environment = templates("reconciler.server", "templates")
    environment.filters |= {
        "day": words.day,
        "moment": moment,
        "size": size,
        "instant": _instant,
        "sentence": _sentence,
    }
    environment.globals |= {
        "WORDS": {kind: kind.words for kind in Health},
        "QUARANTINE_REASONS": QUARANTINE_REASONS,
        "address": address,
        "counted": counted,
        "BAR_HEIGHT": BAR_HEIGHT,
        "BAR_PITCH": BAR_PITCH,
        "SMALL": SMALL,
        "forecast": forecast,
        "timeline": timeline,
    }
    return environment


def _instant(text: str) -> str:
    """Return a moment of the history as people write it."""
    return words.day(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _sentence(text: str) -> str:
    """Return a message with its first letter in upper case, unless it begins with a name."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
