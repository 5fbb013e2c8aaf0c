"""A plan as a page: all that is told elsewhere, nothing from outside that acts, and nothing it would need."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.planning.quarantine import QuarantineReason
from reconciler.core.validation.problem import Origin
from reconciler.reports.registry import PAGE_LIMIT
from reconciler.reports.screen import PLAIN, Screen
from reconciler.reports.visible import visible
from tests.reports.builders import (
    HOSTILE,
    add,
    dataset,
    everywhere,
    orphan,
    plan,
    quarantined,
    ref,
    rendered,
    update,
)

# Elements without an end.
VOID = {"meta"}


class Reader(HTMLParser):
    """What a browser would make of a page: its elements, and the text that is read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.styles.append(data)
        elif self.open[-1:] == ["script"]:
            self.scripts.append(data)
        else:
            self.text += data


def read(it, screen: Screen = PLAIN) -> Reader:
    reader = Reader(rendered("plan", "html", it, screen).decode())
    assert [] == reader.open
    return reader


def test_the_page_shows_what_the_text_shows():
    it = plan(
        dataset(
            add("a", 7),
            update("b", FieldChange("/x", "old", "new"), FieldChange("/y", None, 1), line=8),
            update("c", FieldChange("/z", None, None), line=9),
            orphan("o"),
            add("h", quarantined=quarantined(QuarantineReason.DROPPED, "it vanished")),
            guards=(Guard("MAX_CHANGES", "too many"),),
            errors=(PlanError("RKD9999", "it is bad", Origin("a.yaml", 1, 2)),),
            errored=(("s3://b/e.jpg", ("ERROR_X", "ERROR_Y")),),
        ),
        unplanned("two", [PlanError("RKD1", "nobody answers")], 3),
        revision="0123456789abcdef",
    )

    text = re.sub(r"\s+", " ", read(it).text)

    for told in (
        "Plan: 1 to add, 2 to update, 1 not sent, 1 orphan (reported), 694 unchanged",
        f"plan {it.digest}, specs of 0123456789abcdef",
        "flowers-train blocked",
        "mode upsert",
        "Blocked: too many (MAX_CHANGES)",
        "a.yaml:1:2: error: it is bad (RKD9999)",
        "1 entry marked with errors by AWS s3://b/e.jpg ERROR_X, ERROR_Y",
        f"1 to add: new in git + {ref('a')} specs/train.jsonl:7",
        f'~ {ref("b")} specs/train.jsonl:8 “x”"old""new" “y”(none)1',
        f"~ {ref('c')} specs/train.jsonl:9 “z”differs",
        f"? {ref('o')}",
        "it vanished; retried after 2023-11-14T22:13:20Z",
        "two not planned not observed No plan: the dataset could not be read. error: nobody answers",
    ):
        assert told in text


def test_nothing_from_outside_acts_or_hides():
    """Wherever a text of somebody else can stand, it is text, and all of it can be seen."""
    reader = read(everywhere(HOSTILE))

    assert not {"a", "img", "iframe"} & reader.seen
    assert 2 == len(reader.scripts)
    assert visible(HOSTILE) in reader.text
    assert not set(HOSTILE) & {char for char in reader.text if not char.isprintable()} - {"\n"}


def test_the_style_and_the_script_are_those_that_the_policy_allows():
    """They are refused by the browser otherwise, and the page is bare."""
    page, reader = rendered("plan", "html", plan(dataset())).decode(), read(plan(dataset()))

    for kind, text in (("style", reader.styles[0]), ("script", reader.scripts[1])):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;" in page


def test_a_long_plan_counts_the_changes_it_leaves_out():
    it = plan(dataset(*(add(f"{number:04}") for number in range(PAGE_LIMIT + 10))))

    short, whole = read(it).text, read(it, Screen(limit=None)).text

    assert (PAGE_LIMIT, True) == (short.count(".jpg"), "… and 10 more; --all shows them" in short)
    assert (PAGE_LIMIT + 10, False) == (whole.count(".jpg"), " more;" in whole)
