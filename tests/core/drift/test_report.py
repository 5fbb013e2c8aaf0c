"""The classes of a difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.report import NOTHING_SEEN, DatasetDrift, DriftItem, DriftVerdict, classes
from reconciler.core.entries.entry import CLASSIFICATION, DETECTION, Fields
from reconciler.core.entries.image_view import LabelBalance, LabelTally, view_of
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import DriftClass

ERRORED, MISSING, RELABELLED, BOX_REMOVED, BOX_ADDED, BOX_MOVED, UNMANAGED, METADATA_ONLY = DriftClass
LEFT = ("Echo", 86, 65, 220, 334)
RIGHT = ("Dot", 399, 251, 155, 101)


def entry(*labels: str, boxes: tuple = (), size: tuple[int, int] = (640, 480), job: str = "a") -> Fields:
    """Return a line for one image with these labels and boxes."""
    fields: Fields = {"source-ref": "s3://bucket/image.png"}
    for label in labels:
        fields[label] = 1
        fields[f"{label}-metadata"] = {"type": CLASSIFICATION, "class-name": label, "job-name": job}
    if boxes:
        names = sorted({box[0] for box in boxes})
        fields["bounding-box"] = {
            "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
            "annotations": [
                {"class_id": names.index(name), "left": x, "top": y, "width": w, "height": h}
                for name, x, y, w, h in boxes
            ],
        }
        fields["bounding-box-metadata"] = {
            "type": DETECTION,
            "class-map": {str(number): name for number, name in enumerate(names)},
        }
    return fields


def kinds(desired: Fields | None, observed: Fields | None, *, errored: bool = False):
    return classes(view_of(desired, observed), errored=errored)


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        (entry("rose"), None, (MISSING,)),
        (None, entry("rose"), (UNMANAGED,)),
        (entry("rose"), entry("tulip"), (RELABELLED,)),
        (entry("rose"), entry("rose", "tulip"), (RELABELLED,)),
        (entry("rose"), entry(), (RELABELLED,)),
        (entry(boxes=[LEFT]), entry(boxes=[("Echo", 91, 65, 220, 334)]), (BOX_MOVED,)),
        (entry(boxes=[LEFT]), entry(boxes=[("Echo", 86, 65, 210, 334)]), (BOX_MOVED,)),
        (entry(boxes=[LEFT]), entry(boxes=[("Dot", 86, 65, 220, 334)]), (RELABELLED,)),
        (entry(boxes=[LEFT]), entry(boxes=[("Dot", 91, 65, 220, 334)]), (RELABELLED, BOX_MOVED)),
        (entry(boxes=[LEFT]), entry(boxes=[LEFT, RIGHT]), (BOX_ADDED,)),
        (entry(boxes=[LEFT, RIGHT]), entry(boxes=[RIGHT]), (BOX_REMOVED,)),
        (entry(boxes=[LEFT]), entry(boxes=[RIGHT]), (BOX_REMOVED, BOX_ADDED)),
        (entry("rose", job="a"), entry("rose", job="b"), (METADATA_ONLY,)),
        (entry(boxes=[LEFT]), entry(boxes=[LEFT], size=(1280, 960)), (METADATA_ONLY,)),
    ],
)
def test_a_difference_has_the_class_that_people_would_name(desired, observed, expected):
    """The class describes what happened to the image, not to its line."""
    assert expected == kinds(desired, observed)


def test_an_errored_image_says_so_besides_what_else_it_is():
    """An error mark of the service is a class beside the others and hides none."""
    assert (ERRORED, RELABELLED) == kinds(entry("rose"), entry("tulip"), errored=True)
    assert (ERRORED,) == kinds(entry("rose"), entry("rose"), errored=True)


words = st.sampled_from(["rose", "tulip", "iris"])
entries = st.builds(
    lambda labels, boxes: entry(*sorted(labels), boxes=tuple(boxes)),
    st.sets(words),
    st.lists(st.tuples(words, *[st.integers(2, 60)] * 4), max_size=4),
)


@given(entries, entries)
def test_what_git_lost_is_what_aws_lacks(desired, observed):
    """Swapping the two sides swaps added and removed, and leaves moves and their overlap unchanged."""
    there, back = LabelTally(), LabelTally()
    there.add(view_of(desired, observed))
    back.add(view_of(observed, desired))

    swapped = {row.label: (row.lost, row.gained, row.moved) for row in back.balances()}
    assert {row.label: (row.gained, row.lost, row.moved) for row in there.balances()} == swapped


@given(entries)
def test_an_image_that_did_not_change_counts_for_nothing(same):
    """An image that did not change adds nothing to the summary."""
    tally = LabelTally()
    tally.add(view_of(same, same))

    assert () == tally.balances()


def test_an_image_has_the_size_that_git_states_else_that_of_aws():
    ours, theirs = entry(boxes=[LEFT], size=(640, 480)), entry(boxes=[LEFT], size=(1280, 960))

    assert (640, 480) == view_of(ours, theirs).size
    assert (1280, 960) == view_of(entry("rose"), theirs).size
    assert (1280, 960) == view_of(None, theirs).size
    assert view_of(entry("rose"), None).size is None


def test_a_summary_counts_by_label():
    """The summary counts by label what was added and removed, and how far boxes moved."""
    tally = LabelTally()
    tally.add(view_of(entry("crack"), entry("dust")))
    tally.add(view_of(entry(boxes=[("crack", 0, 0, 10, 10)]), entry(boxes=[("crack", 5, 0, 10, 10)])))
    tally.add(view_of(None, entry("dust")))

    crack, dust = tally.balances()
    assert LabelBalance("crack", gained=0, lost=1, moved=1, mean_iou=pytest.approx(1 / 3)) == crack
    assert LabelBalance("dust", gained=2) == dust


def test_the_label_with_most_changes_comes_first():
    """Whether they were gained, lost or moved counts the same; equal numbers are ordered by name."""
    tally = LabelTally()
    for label, ways in {"a": "l", "b": "gggg", "c": "llll", "d": "mmm", "e": "glm", "f": "lll"}.items():
        box = [(label, 0, 0, 10, 10)]
        moved = [(label, 5, 0, 10, 10)]
        for way in ways:
            before, after = {"g": ([], box), "l": (box, []), "m": (box, moved)}[way]
            tally.add(view_of(entry(boxes=before), entry(boxes=after)))

    assert ["b", "c", "d", "e", "f", "a"] == [balance.label for balance in tally.balances()]


def item(cause: Cause, **more) -> DriftItem:
    return DriftItem("s3://bucket/image.png", (BOX_MOVED,), cause, **more)


@pytest.mark.parametrize(
    ("items", "complete", "verdict", "alarm"),
    [
        ([], True, DriftVerdict.IN_SYNC, 0),
        ([], False, DriftVerdict.UNKNOWN, 0),
        ([item(Cause.SPEC_CHANGED)], True, DriftVerdict.PENDING, 0),
        ([item(Cause.SPEC_ADDED)], False, DriftVerdict.PENDING, 0),
        ([item(Cause.SPEC_ADDED), item(Cause.ORPHAN)], False, DriftVerdict.UNKNOWN, 4),
        ([item(Cause.ORPHAN)], False, DriftVerdict.UNKNOWN, 4),
        ([item(Cause.SPEC_ADDED), item(Cause.ORPHAN)], True, DriftVerdict.DRIFTED, 4),
        ([item(Cause.DRIFT_MODIFIED)], False, DriftVerdict.DRIFTED, 4),
        ([item(Cause.CONFLICT)], True, DriftVerdict.DRIFTED, 4),
        ([item(Cause.UNATTRIBUTED)], True, DriftVerdict.DRIFTED, 4),
        ([item(Cause.ORPHAN, acknowledged="known")], True, DriftVerdict.DRIFTED, 0),
    ],
)
def test_the_verdict_says_who_moved(items, complete, verdict, alarm):
    """Drifted where AWS may have changed, pending where only git did, never in sync if incomplete."""
    found = DatasetDrift("train", None, items=tuple(items), complete=complete)

    assert (verdict, (0, alarm)) == (found.verdict, found.exit_codes)


def test_what_became_what_is_known_for_boxes_and_for_the_whole_image():
    """Pairs of labels from git to AWS, each once."""
    before = entry("rose", boxes=(LEFT, ("Dot", 400, 10, 50, 50), ("Dot", 500, 300, 50, 50)))
    after = entry("tulip", boxes=(LEFT, ("Spot", 400, 10, 50, 50), ("Spot", 500, 300, 50, 50)))

    assert (("Dot", "Spot"), ("rose", "tulip")) == view_of(before, after).relabellings
    assert () == view_of(before, None).relabellings


def test_the_lowest_overlap_is_that_of_the_box_that_moved_most():
    """A box that did not move has no part in it."""
    far = entry(boxes=(LEFT, ("Dot", 399, 251, 155, 101)))
    near = entry(boxes=(LEFT, ("Dot", 399, 302, 155, 101)))

    assert pytest.approx(50 / 152) == view_of(far, near).lowest_iou
    assert view_of(far, far).lowest_iou is None


def test_severity_orders_by_class_then_by_overlap_then_by_path():
    """What raises no alarm comes last, whatever its class; of one class, what has no overlap to show."""

    def drifted(name: str, left: float, *kinds: DriftClass, **more) -> DriftItem:
        seen = view_of(entry(boxes=(("Dot", 0, 0, 100, 100),)), entry(boxes=(("Dot", left, 0, 100, 100),)))
        return DriftItem(name, kinds, Cause.DRIFT_MODIFIED, view=seen, **more)

    expected = [
        drifted("z", 9, ERRORED),
        drifted("y", 9, MISSING),
        drifted("x", 50, BOX_MOVED),
        drifted("a", 5, BOX_MOVED),
        drifted("b", 5, BOX_MOVED),
        DriftItem("a", (BOX_MOVED,), Cause.DRIFT_MODIFIED),
        drifted("a", 5, UNMANAGED),
        drifted("a", 5, ERRORED, acknowledged="known"),
    ]

    assert expected == sorted([*expected[3:], *expected[:3]], key=lambda item: item.severity)


def test_where_nothing_was_seen_nothing_is_covered():
    """Neither side has an entry."""
    assert (0, 0, 0, 0) == NOTHING_SEEN
