"""The images of each label before and after an apply, from the desired totals and what differs."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.image_view import ImageView, LabelTotal, Totals
from reconciler.core.entries.training_view import Meaning, TrainingBox

LABELS = st.sets(st.sampled_from("abcd"), max_size=3)
SIDES = st.dictionaries(st.integers(0, 9), LABELS)


def side(labels: set[str]) -> Meaning:
    """Return an image with some labels of its own, and the others on two boxes each."""
    own = {label for label in labels if label < "c"}
    boxes = tuple(TrainingBox(label, left, 0, 9, 9) for label in sorted(labels - own) for left in (0, 20))
    return Meaning(tuple(sorted(own)), boxes, ())


def counted(images: dict[int, set[str]]) -> Counter[str]:
    return Counter(label for labels in images.values() for label in labels)


@given(desired=SIDES, observed=SIDES, sent=st.sets(st.integers(0, 9)))
def test_totals_are_those_of_counting_every_line(desired, observed, sent):
    """Adds, updates, orphans left alone and orphans blanked; whatever of them is sent."""
    totals = Totals()
    after = dict(observed)
    for key in sorted(desired.keys() | observed.keys()):
        if desired.get(key) == observed.get(key):
            continue
        ours, theirs = (side(images[key]) if key in images else None for images in (desired, observed))
        totals.add(ImageView(ours, theirs, ()), sent=key in sent)
        if key in sent:
            after[key] = desired.get(key, set())

    assert changed(counted(observed), counted(after)) == totals.images(counted(desired))
    found = changed(boxes(observed), boxes(after))
    assert (found, bool(found)) == (totals.boxes(boxes(desired)), totals.has_other_boxes)


def boxes(images: dict[int, set[str]]) -> Counter[str]:
    return Counter(box.label for labels in images.values() for box in side(labels).boxes)


def changed(before: Counter[str], after: Counter[str]) -> tuple[LabelTotal, ...]:
    return tuple(
        LabelTotal(label, before[label], after[label]) for label in "abcd" if before[label] != after[label]
    )
