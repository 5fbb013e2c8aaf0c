"""A plan as a comment: never too long, and never anything but a plan."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from reconciler.core.entries.equality import FieldChange
from reconciler.core.entries.image_view import LabelBalance, LabelSummary, Relabelling
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import Plan, PlanError, unplanned
from reconciler.reports.comment import LIMIT
from reconciler.reports.plan.markdown import MARKER
from tests.reports.builders import HOSTILE, add, dataset, everywhere, orphan, plan, ref, rendered, update

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# The only HTML that the renderer itself writes.
OURS = re.compile(r"<!-- reconciler-plan -->|</?(details|summary|code|sub)>")


def commented(it: Plan) -> str:
    return rendered("plan", "markdown", it).decode()


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def tokens(text: str):
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def test_the_comment_says_what_would_be_done():
    """Marker, title, table, what stands in the way, the changes."""
    it = plan(
        dataset(add("a", 7), orphan("o"), guards=(Guard("MAX_CHANGES", "too many"),)),
        dataset(name="two"),
        revision="0123456789abcdef",
    )
    counts = "1 to add, 0 to update, 1 orphan (reported), 694 unchanged"

    assert f"""\
{MARKER}
### Plan: 1 to add, 0 to update, 1 orphan (reported), 1,388 unchanged

| dataset | add | update | not sent | orphans | unchanged | |
|:--|--:|--:|--:|--:|--:|:--|
| <code>flowers-train</code> | 1 | 0 | 0 | 1 | 694 | blocked |
| <code>two</code> | 0 | 0 | 0 | 0 | 694 | as desired |

**<code>flowers-train</code>**

```text
Blocked: too many (MAX_CHANGES)
```

<details><summary><code>flowers-train</code>: {counts}</summary>

```text
# 1 to add: new in git
+ s3://acme-flowers/train/a.jpg  specs/train.jsonl:7
# 1 orphan: not in the specs; AWS cannot delete a single entry
? s3://acme-flowers/train/o.jpg
```

</details>

<sub>plan <code>{it.digest}</code>, specs of <code>0123456789ab</code></sub>
""" == commented(it)


def test_nothing_to_do_is_the_title():
    """Nobody has to open anything to know."""
    assert "### No changes: 694 entries are as desired\n" in commented(plan(dataset()))


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([unplanned("a", [PlanError("X", "y")], 3)] * 2, "No plan: 2 datasets could not be read"),
        (
            [unplanned("a", [PlanError("X", "y")], 3), dataset()],
            "Plan: 0 to add, 0 to update, 694 unchanged; 1 dataset could not be read",
        ),
    ],
    ids=["none", "one"],
)
def test_the_title_counts_what_could_not_be_planned(plans, expected):
    """“0 to add, 0 to update” alone would read as if nothing changed."""
    assert f"### {expected}\n" in commented(plan(*plans))


LARGE = {
    "changes": lambda: plan(dataset(*[add(f"{n:06}", n + 1) for n in range(20_000)])),
    "labels": lambda: plan(
        dataset(
            *[update(f"{n:04}" + "€" * 900, FieldChange("/x", "😀" * 9_000, "y" * 9_000)) for n in range(99)]
        )
    ),
    "datasets": lambda: plan(*[dataset(add("a"), name=f"set-{n:05}") for n in range(3_000)]),
    "guards": lambda: plan(
        *[dataset(add("a"), name="😀" * 500, guards=(Guard("X", "🌺" * 9_000),) * 20) for _ in range(200)]
    ),
    "errors": lambda: plan(
        *[unplanned("x" * 300, [PlanError("X", "`" * 99_999)] * 50, 5) for _ in range(100)]
    ),
    "revision": lambda: plan(dataset(add("a")), revision="😀" * 100_000),
}


@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_the_comment_fits_whatever_the_plan(make):
    """GitHub refuses what is longer, and then nobody sees the plan at all."""
    text = commented(make())

    assert units(text) <= LIMIT
    assert text.startswith(MARKER)
    assert 0 == text.count("```") % 2
    assert text.count("<details>") == text.count("</details>")


def test_what_blocks_a_plan_is_never_cut():
    """The end of the sentence names the flag that allows it."""
    images = ", ".join(ref("x" * 300 + str(number)) for number in range(5))
    message = f"5 protected images would change: {images}; --allow-protected"

    text = commented(plan(dataset(add("a", 7), guards=(Guard("PROTECTED", message),))))

    assert f"Blocked: {message} (PROTECTED)" in text


def test_no_sentence_is_cut():
    """Neither an error of any length, nor what happens to the labels."""
    message = f"{'very ' * 500}wrong; see line 12"
    balances = (LabelBalance("crack", gained=120, lost=3, moved=2), LabelBalance("dent", moved=4))
    labels = LabelSummary(3, balances, (Relabelling("old", "n|w", 41),))
    it = replace(dataset(add("a", 7), errors=(PlanError("RKD1001", message),)), labels=labels)

    text = html.unescape(commented(plan(it)))

    assert f"error: {message} (RKD1001)" in text
    assert "by label: <code>crack +120 \N{MINUS SIGN}3 (2 moved), old → n|w 41, dent 4 moved</code>" in text


def test_omitted_changes_are_counted():
    """Shown and hidden are all."""
    text = commented(plan(dataset(*[add(f"{n:06}", n + 1) for n in range(20_000)])))

    hidden = int(re.search(r"\*\*([0-9,]+) changes are not shown here\*\*", text).group(1).replace(",", ""))

    assert 20_000 == hidden + sum(row.startswith("+ ") for row in text.splitlines())


def test_a_large_dataset_leaves_room_for_the_others():
    """First come is not all served."""
    large = dataset(*[add(f"{n:06}", n + 1) for n in range(10_000)])

    assert f"+ {ref('small')}" in commented(plan(large, dataset(add("small"), name="two")))


def test_omitted_reasons_are_counted():
    """A blocked plan never looks as if nothing stood in its way."""
    text = commented(plan(*[dataset(name=f"n{n}", guards=(Guard("X", "y" * 390),) * 20) for n in range(50)]))

    told = text.count("**<code>")
    assert f"**What stands in the way of {50 - told} more datasets is not shown here.**" in text


@given(
    st.text(st.characters()) | st.text(st.sampled_from("`<>@|\\*_[]()#!&;~\n/ -=adetils")) | st.just(HOSTILE)
)
def test_nothing_from_outside_becomes_markup(text):
    """No tag, link, mention, cell, or end of a block: as an independent parser reads the comment."""
    comment = commented(everywhere(text))

    found = list(tokens(comment))

    assert units(comment) <= LIMIT
    for token in found:
        assert token.type not in {"link_open", "image", "code_inline", "s_open", "em_open", "blockquote_open"}
        if token.type in {"html_block", "html_inline"}:
            assert "" == re.sub(r"&#[0-9]+;|[^<>@`]", "", OURS.sub("", token.content))
    assert 7 * 2 == sum(token.type == "td_open" for token in found)
    outside = PARSER.renderer.render(
        [t for t in PARSER.parse(comment) if t.type != "fence"], PARSER.options, {}
    )
    assert "@" not in re.sub(r"<code>.*?</code>", "", outside)
