"""What `propose` takes up, what it leaves, and why."""

from __future__ import annotations

import orjson
import pytest

from reconciler.cli.specs import opened_specs
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection
from reconciler.core.proposals.report import DatasetProposal
from reconciler.core.validation.line import check_line
from reconciler.engine.usecases.propose import _shared, propose_each, unfulfilled
from reconciler.rekognition.gateway import Rekognition
from tests.builders import boxed, classified, line, ref
from tests.propose.bench import Bench

HEAD = """\
apiVersion: reconciler/v1
kind: Entries
createdAt: 2026-03-01T12:00:00
images:
"""

SHORTHAND = """\
apiVersion: reconciler/v1
kind: Entries
createdAt: 2026-03-01T12:00:00
images:
  - image: s3://b/a.jpg  # the first
    labels: [rose]
  - image: s3://b/b.jpg
"""


def lines(*content: bytes) -> bytes:
    return b"".join(one + b"\n" for one in content)


def taken(bench: Bench, selection: ChangeSelection = ALL_CHANGES):
    outcome = bench.propose(selection)
    bench.take(outcome.patch)
    return outcome


def test_the_issue_in_one(bench: Bench):
    """A box moved, an image relabelled, a third added: three wishes, one patch, and an empty plan."""
    bench.write(train_jsonl=lines(boxed("a", ("x", 1, 2, 30, 40)), classified("b", "rose")))
    bench.apply()
    bench.console.move_box(bench.arn, ref("a"), 5)
    bench.console.relabel(bench.arn, ref("b"), "rose", "tulip")
    bench.console.add_image(bench.arn, ref("c"))

    outcome = taken(bench)

    assert {ref("a"): "change", ref("b"): "change", ref("c"): "add"} == outcome.kinds
    assert () == bench.plan().changes


def test_what_only_git_changed_is_never_proposed_back(bench: Bench):
    """An edit in git that waits for its apply, an image that is new in git, and one that git took out."""
    bench.write(train_jsonl=lines(classified("a", "x"), classified("b", "x"), classified("gone", "x")))
    bench.apply()
    bench.write(train_jsonl=lines(classified("a", "y"), classified("b", "x"), classified("new", "x")))

    outcome = bench.propose()

    assert (b"", 3) == (outcome.patch, outcome.proposed.pending)


def test_without_a_memory_everything_is_proposed(bench: Bench):
    """The cause says so, for whoever reads the summary."""
    bench.write(train_jsonl=lines(classified("a", "x"), classified("b", "x")))
    bench.apply()
    bench.console.relabel(bench.arn, ref("a"), "x", "y")
    bench.context.memory.remember("train", "arn:another", (), ())

    outcome = taken(bench)

    assert ["unattributed"] == [request.cause for request in outcome.tried.edits.accepted]
    assert () == bench.plan().changes


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (ChangeSelection(kinds=("box_moved",)), {"a"}),
        (ChangeSelection(kinds=("unmanaged", "missing")), {"c", "d"}),
        (ChangeSelection(kinds=("drift_modified",)), {"a", "b"}),
        (ChangeSelection(kinds=("orphan", "add")), {"c", "d"}),
        (ChangeSelection(labels=("ro*",)), {"b"}),
        (ChangeSelection(labels=("tulip",)), {"b"}),
        (ChangeSelection(source_refs=("s3://b/[ab].jpg",)), set()),
        (ChangeSelection(source_refs=("s3://b/?.jpg",), kinds=("missing",)), {"d"}),
    ],
)
def test_a_part_can_be_taken(bench: Bench, selection, expected):
    """By class, action or cause, by label on either side, by address; the rest stays drift, and is counted."""
    bench.write(
        train_jsonl=lines(boxed("a", ("x", 1, 2, 30, 40)), classified("b", "rose"), classified("d", "z"))
    )
    bench.apply()
    bench.console.move_box(bench.arn, ref("a"), 5)
    bench.console.relabel(bench.arn, ref("b"), "rose", "tulip")
    bench.console.add_image(bench.arn, ref("c"))
    bench.console.remove_image(bench.arn, ref("d"))

    outcome = taken(bench, selection)

    assert 4 - len(expected) == outcome.proposed.not_selected
    assert {ref(name) for name in expected} == set(outcome.kinds)
    assert {ref(name) for name in {"a", "b", "c", "d"} - expected} == {
        c.source_ref for c in bench.plan().changes
    }


def test_what_is_ignored_keeps_gits_value(bench: Bench):
    """A rule leaves out dates: the moved box comes, the new date does not, nor a job that git does not name."""
    rule = '  ignore:\n    - paths: ["/*-metadata/creation-date", "/*-metadata/job-name"]\n'
    bench.write(more=rule, train_jsonl=lines(boxed("a", ("x", 1, 2, 30, 40))))
    bench.apply()
    bench.console.move_box(bench.arn, ref("a"), 5)
    bench.console.resave(bench.arn, ref("a"))

    taken(bench)

    assert lines(boxed("a", ("x", 6, 2, 30, 40))) == bench.read("train.jsonl")


def test_by_labels_only_labels_come(bench: Bench):
    """With compare: labels, a relabelled image keeps its attribute's name, date and confidence in git."""
    bench.write(compare="labels", train_jsonl=lines(classified("a", "rose"), classified("b", "rose")))
    bench.apply()
    bench.console.relabel(bench.arn, ref("a"), "rose", "tulip")
    bench.console.resave(bench.arn, ref("a"))
    bench.console.resave(bench.arn, ref("b"))

    taken(bench)

    expected = classified("a", "rose").replace(b'"class-name":"rose"', b'"class-name":"tulip"')
    assert lines(expected, classified("b", "rose")) == bench.read("train.jsonl")


def test_what_the_shorthand_cannot_say_goes_beside_it(bench: Bench):
    """The image leaves the YAML for a JSON Lines file, which the dataset reads from then on."""
    bench.write(labels_yaml=SHORTHAND)
    bench.apply()
    bench.console.add_label(bench.arn, ref("a"), "daisy")

    taken(bench)

    assert (
        SHORTHAND.replace("  - image: s3://b/a.jpg  # the first\n    labels: [rose]\n", "")
        == bench.read("labels.yaml").decode()
    )
    assert bench.read("labels.console.jsonl").startswith(b'{"source-ref":"s3://b/a.jpg","rose":1,')
    assert b"    - file: labels.yaml\n    - file: labels.console.jsonl\n" in bench.read("train.yaml")
    assert () == bench.plan().changes


def test_the_file_beside_is_used_again(bench: Bench):
    """A second image joins the first; the dataset's document stays as it is."""
    bench.write(labels_yaml=SHORTHAND + "  - image: s3://b/c.jpg\n")
    bench.apply()
    for name in "ab":
        bench.console.add_label(bench.arn, ref(name), "daisy")
        taken(bench)

    assert 2 == bench.read("labels.console.jsonl").count(b"\n")
    assert 1 == bench.read("train.yaml").count(b"console")
    assert () == bench.plan().changes


def test_an_anchored_item_stays_and_says_why(bench: Bench):
    """Other places of the file refer to it."""
    text = SHORTHAND.replace("labels: [rose]", "labels: &all [rose]") + "    labels: *all\n"
    bench.write(labels_yaml=text)
    bench.apply()
    bench.console.remove_labels(bench.arn, ref("a"))
    bench.console.remove_labels(bench.arn, ref("b"))

    outcome = taken(bench)

    assert {ref("a"): "it is written with YAML anchors or aliases"} == outcome.refused
    assert {ref("b"): "change"} == outcome.kinds
    assert [ref("a")] == [change.source_ref for change in bench.plan().changes]


def test_a_file_is_not_left_empty(bench: Bench):
    """An empty file reads as a mistake, so the last entries stay, and the summary says why."""
    bench.write(train_jsonl=lines(classified("a", "x")), other_jsonl=lines(classified("b", "x")))
    bench.apply()
    bench.console.remove_image(bench.arn, ref("a"))

    outcome = taken(bench)

    assert [ref("a")] == list(outcome.refused)
    assert "would hold no entries at all" in outcome.refused[ref("a")]
    assert b"" == outcome.patch


def test_a_line_that_would_not_be_valid_is_not_taken(bench: Bench):
    """What AWS holds with errors would be refused by the next validation."""
    bench.write(train_jsonl=lines(classified("a", "x")))
    bench.apply()
    bench.console.put(bench.arn, classified("z", "x").replace(b"image-classification", b"wrong").decode())

    outcome = bench.propose()

    assert b"" == outcome.patch
    assert "would not be valid" in outcome.refused[ref("z")]


def test_a_line_with_several_errors_is_refused_by_the_first(bench: Bench):
    """As validate lists them."""
    bench.write(train_jsonl=lines(classified("a", "x")))
    bench.apply()
    bad = classified("z", "x").replace(b'"yes"', b'"maybe"').replace(b'"confidence":1', b'"confidence":"no"')
    bench.console.put(bench.arn, bad.decode())
    first, *others = [problem for problem in check_line(bad).problems if problem.is_error]

    (reason,) = bench.propose().refused.values()

    assert others
    assert f"{first.message} ({first.code})" in reason


@pytest.mark.parametrize("left", [b'"7"', b"null", b"true", b"[7]", b"{}"])
def test_a_coordinate_that_is_no_number_spoils_nothing_else(bench: Bench, left: bytes):
    """A shorthand file has no words for it: that image is refused with a reason, the others are taken."""
    bench.write(a_yaml=HEAD + f"  - image: {ref('a')}\n    size: [640, 480]\n    boxes: []\n")
    bench.apply()
    drawn = boxed("a", ("x", 7, 2, 30, 40))
    bench.console.put(bench.arn, drawn.replace(b'"left":7', b'"left":' + left).decode())
    bench.console.add_image(bench.arn, ref("b"))

    outcome = taken(bench)

    assert {ref("b"): "add"} == outcome.kinds
    assert [ref("a")] == list(outcome.refused)


@pytest.mark.parametrize("metadata", [b"7", b'"x"', b"[]", b"null"])
def test_an_attribute_whose_metadata_is_no_object_spoils_nothing_else(bench: Bench, metadata: bytes):
    """As it may stand in AWS, where nobody holds it to anything: compared by labels, it is no label."""
    bench.write(compare="labels", train_jsonl=lines(boxed("a", ("x", 1, 2, 30, 40)), classified("b", "x")))
    bench.apply()
    spoilt = orjson.loads(boxed("a", ("x", 1, 2, 30, 40)))
    name = next(key for key in spoilt if key.endswith("-metadata"))
    bench.console.put(bench.arn, orjson.dumps(spoilt | {name: orjson.loads(metadata)}).decode())
    bench.console.relabel(bench.arn, ref("b"), "x", "y")

    outcome = taken(bench)

    assert "change" == outcome.kinds[ref("b")]
    assert ref("a") in {**outcome.kinds, **outcome.refused}


def test_a_conflict_is_counted_and_drift_is_not(bench: Bench):
    """Where git moved as well, the patch takes back what somebody wrote in git: the summary warns of it."""
    bench.write(train_jsonl=lines(classified("a", "x"), classified("b", "x")))
    bench.apply()
    bench.console.relabel(bench.arn, ref("a"), "x", "y")
    bench.console.relabel(bench.arn, ref("b"), "x", "y")
    bench.write(train_jsonl=lines(classified("a", "x"), classified("b", "z")))

    outcome = bench.propose()

    assert {ref("a"), ref("b")} == set(outcome.kinds)
    summary = DatasetProposal("train", None, outcome.tried.edits.accepted)
    assert (1, 0) == (summary.conflicting, summary.guessed)


def test_new_images_go_where_their_neighbours_are(bench: Bench):
    """By the longest common beginning; in order where the file is in order, else at its end."""
    bench.write(
        one_jsonl=lines(*(line(f"one/{name}") for name in "ac")),
        two_jsonl=lines(*(line(f"two/{name}") for name in "ca")),
    )
    bench.apply()
    for place in ("one/b", "two/b"):
        bench.console.add_image(bench.arn, ref(place))

    taken(bench)

    assert lines(*(line(f"one/{name}") for name in "abc")) == bench.read("one.jsonl")
    assert lines(*(line(f"two/{name}") for name in "cab")) == bench.read("two.jsonl")


@pytest.mark.parametrize(
    ("new", "first", "second"),
    [
        ("c/a", ["m/w", "m/x"], ["c/a", "c/b", "c/c"]),
        ("m/a", ["m/a", "m/w", "m/x"], ["c/b", "c/c"]),
        ("z", ["m/w", "m/x", "z"], ["c/b", "c/c"]),
    ],
)
def test_a_new_image_goes_to_the_nearer_of_two_files(
    bench: Bench, new: str, first: list[str], second: list[str]
):
    """Before all images, between those of two files, and after all; the files are in no order."""
    bench.write(first_jsonl=lines(line("m/w"), line("m/x")), second_jsonl=lines(line("c/b"), line("c/c")))
    bench.apply()
    bench.console.add_image(bench.arn, ref(new))

    taken(bench)

    assert lines(*map(line, first)) == bench.read("first.jsonl")
    assert lines(*map(line, second)) == bench.read("second.jsonl")


@pytest.mark.parametrize("new", "acegi")
def test_a_new_image_goes_to_its_place_in_a_sorted_file(bench: Bench, new: str):
    """Before the first line, between two, or after the last."""
    bench.write(train_jsonl=lines(*(line(name) for name in "bdfh")))
    bench.apply()
    bench.console.add_image(bench.arn, ref(new))

    taken(bench)

    assert lines(*(line(name) for name in sorted(f"bdfh{new}"))) == bench.read("train.jsonl")


@pytest.mark.parametrize(("before", "new", "after"), [("acbe", "d", "acbed"), ("b", "a", "ba")])
def test_a_file_that_is_not_sorted_gets_new_images_at_its_end(
    bench: Bench, before: str, new: str, after: str
):
    """Some lines in order, or a single one, are no order: nobody would look elsewhere for what is new."""
    bench.write(train_jsonl=lines(*(line(name) for name in before)))
    bench.apply()
    bench.console.add_image(bench.arn, ref(new))

    taken(bench)

    assert lines(*(line(name) for name in after)) == bench.read("train.jsonl")


def test_files_behind_links_are_patched_where_they_are(bench: Bench):
    """git follows no links, so the patch names the file itself."""
    bench.write(real__train_jsonl=lines(classified("a", "x"), classified("b", "x")))
    (bench.specs / "link.jsonl").symlink_to("real/train.jsonl")
    document = (bench.specs / "train.yaml").read_text().replace("real/train.jsonl", "link.jsonl")
    (bench.specs / "train.yaml").write_text(document)
    bench.apply()
    bench.console.relabel(bench.arn, ref("a"), "x", "y")

    outcome = taken(bench)

    assert b"--- a/specs/real/train.jsonl" in outcome.patch
    assert () == bench.plan().changes


BY_HAND = """\
# By hand.
apiVersion: reconciler/v1
kind: Entries
createdAt: 2026-03-01T12:00:00
images:
  # the first of all
  - image: s3://b/a.jpg   # a
    labels: [rose,  "tulip"]   # two
  -   image: s3://b/b.jpg
      size: [640, 480]
      boxes:
        # the left one
        - {label: Echo, left: 86, top: 65, width: 220, height: 334}  # hi
        - label: 'Dot'
          left: 1  # one
          top: 2
          width: 30
          height: 40
  - {image: s3://b/c.jpg, labels: [rose]}  # in brackets
  - image: s3://b/d.jpg
"""


@pytest.mark.parametrize(
    ("act", "old", "new"),
    [
        (lambda c, arn: c.remove_labels(arn, ref("a")), '[rose,  "tulip"]', "[]"),
        (lambda c, arn: c.move_box(arn, ref("b"), 5), "left: 86,", "left: 91,"),
        (lambda c, arn: c.move_box(arn, ref("b"), 5, 0, 1), "left: 1  # one", "left: 6  # one"),
        (lambda c, arn: c.remove_image(arn, ref("d")), "  - image: s3://b/d.jpg\n", ""),
        (
            lambda c, arn: c.remove_image(arn, ref("c")),
            "  - {image: s3://b/c.jpg, labels: [rose]}  # in brackets\n",
            "",
        ),
        (lambda c, arn: c.remove_labels(arn, ref("c")), "labels: [rose]}", "labels: []}"),
        (
            lambda c, arn: c.add_image(arn, ref("bb")),
            "  - {image: s3://b/c.jpg",
            "  - image: s3://b/bb.jpg\n  - {image: s3://b/c.jpg",
        ),
        (
            lambda c, arn: c.remove_labels(arn, ref("b")),
            BY_HAND[BY_HAND.index("      boxes:") : BY_HAND.index("  - {image")],
            "",
        ),
    ],
)
def test_only_what_must_change_does(bench: Bench, act, old, new):
    """Comments, quotes, brackets and spaces stay as they are, byte for byte."""
    bench.write(labels_yaml=BY_HAND)
    bench.apply()
    act(bench.console, bench.arn)

    taken(bench)

    assert BY_HAND.replace(old, new) == bench.read("labels.yaml").decode()
    assert () == bench.plan().changes


def test_a_comment_within_brackets_is_not_doubled(bench: Bench):
    """A new element comes after a comma of its own."""
    rule = '  ignore: [{paths: ["/*-metadata/creation-date", "/*-metadata/job-name"]}]\n'
    text = BY_HAND.replace('[rose,  "tulip"]', "[rose,  # why\n             tulip]")
    bench.write(labels_yaml=text, compare="labels", more=rule)
    bench.apply()
    bench.console.add_label(bench.arn, ref("a"), "daisy")

    taken(bench)

    assert text.replace("tulip]", "tulip, daisy]") == bench.read("labels.yaml").decode()


RULE = '  ignore: [{paths: ["/*-metadata/creation-date", "/*-metadata/job-name"]}]\n'


def test_an_item_gets_the_keys_that_it_lacks(bench: Bench):
    """On a line of their own, behind those that come before them in most files."""
    text = (
        HEAD + "  - image: s3://b/a.jpg\n    boxes: []\n    size: [640, 480]\n  - image: s3://b/b.jpg  # b\n"
    )
    bench.write(labels_yaml=text, compare="labels", more=RULE)
    bench.apply()
    bench.console.add_label(bench.arn, ref("b"), "daisy")
    bench.console.put(bench.arn, orjson.loads(boxed("a", ("x", 1, 2, 30, 40))))

    taken(bench)

    expected = text.replace("boxes: []", "boxes: [{label: x, left: 1, top: 2, width: 30, height: 40}]")
    assert expected + "    labels: [daisy]\n" == bench.read("labels.yaml").decode()
    assert () == bench.plan().changes


def test_the_size_of_an_image_is_changed_number_by_number(bench: Bench):
    text = f"{HEAD}  - image: s3://b/a.jpg\n    size: [ 640, 480 ]  # px\n"
    text += "    boxes:\n      - {label: x, left: 1, top: 2, width: 30, height: 40}\n"
    bench.write(labels_yaml=text, more=RULE)
    bench.apply()
    (listed,) = [each for page in bench.context.gateway.pages(bench.arn) for each in page]
    bench.console.put(bench.arn, listed.replace('"width":640', '"width":1280'))

    taken(bench)

    assert text.replace("[ 640,", "[ 1280,") == bench.read("labels.yaml").decode()


TWO = f"{HEAD}  - image: s3://b/a.jpg\n  - image: s3://b/b.jpg\n---\n"
TWO += f"{HEAD}  - image: s3://b/m.jpg\n  - image: s3://b/n.jpg\n"


@pytest.mark.parametrize("removed", "abmn")
def test_of_several_documents_in_a_file_the_right_one_is_edited(bench: Bench, removed: str):
    bench.write(labels_yaml=TWO)
    bench.apply()
    bench.console.remove_image(bench.arn, ref(removed))

    taken(bench)

    assert TWO.replace(f"  - image: {ref(removed)}\n", "") == bench.read("labels.yaml").decode()


@pytest.mark.parametrize(("new", "behind"), [("c", "b"), ("ma", "m"), ("z", "n"), ("0", "")])
def test_a_new_image_goes_to_its_place_in_several_documents(bench: Bench, new: str, behind: str):
    bench.write(labels_yaml=TWO)
    bench.apply()
    bench.console.add_image(bench.arn, ref(new))

    taken(bench)

    before = f"  - image: {ref(behind)}\n" if behind else HEAD
    assert TWO.replace(before, f"{before}  - image: {ref(new)}\n", 1) == bench.read("labels.yaml").decode()


def test_a_shorthand_file_is_not_left_empty(bench: Bench):
    bench.write(labels_yaml=SHORTHAND, train_jsonl=lines(classified("z", "x")))
    bench.apply()
    for name in "ab":
        bench.console.remove_image(bench.arn, ref(name))

    outcome = taken(bench)

    assert {ref("a"), ref("b")} == set(outcome.refused)
    assert all("would hold no entries at all" in why for why in outcome.refused.values())
    assert b"" == outcome.patch


def test_a_line_that_aws_holds_as_no_json_is_refused_with_its_code(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """What it says is not known; the other images are taken."""
    bench.write(train_jsonl=lines(classified("a", "x"), classified("b", "x")))
    bench.apply()
    bench.console.relabel(bench.arn, ref("a"), "x", "y")
    bench.console.relabel(bench.arn, ref("b"), "x", "y")
    pages = Rekognition.pages

    def damaged(gateway, arn, contains=None):
        for page in pages(gateway, arn, contains):
            yield [each[:-1] if ref("b") in each else each for each in page]

    monkeypatch.setattr(Rekognition, "pages", damaged)
    outcome = bench.propose()

    assert {ref("a"): "change"} == outcome.kinds
    assert outcome.refused[ref("b")].startswith("AWS holds a line that is not valid JSON: ")
    assert outcome.refused[ref("b")].endswith("(ERROR_INVALID_JSON_LINE)")


@pytest.mark.parametrize("boxes_after", [1, 3])
def test_boxes_that_come_and_go_leave_the_others_as_they_are_written(bench: Bench, boxes_after: int):
    """In a list of YAML, line by line: one is removed, or one is added."""
    kept = "      - {label: x, left: 1, top: 2, width: 30, height: 40}  # first\n"
    gone = "      - {label: x, left: 100, top: 2, width: 30, height: 40}  # second\n"
    new = "      - {label: x, left: 300, top: 2, width: 30, height: 40}\n"
    head = f"{HEAD}  - image: s3://b/a.jpg\n    size: [640, 480]\n    boxes:\n"
    bench.write(labels_yaml=head + kept + gone, compare="labels", more=RULE)
    bench.apply()
    drawn = [("x", left, 2, 30, 40) for left in (1, 100, 300)][:boxes_after]
    bench.console.put(bench.arn, orjson.loads(boxed("a", *drawn)))

    taken(bench)

    assert head + kept + {1: "", 3: gone + new}[boxes_after] == bench.read("labels.yaml").decode()


def test_into_files_without_images_a_new_one_goes_at_the_beginning_of_the_first(bench: Bench):
    """There is no neighbour to follow."""
    bench.write(compare="exact, allowEmpty: true", one_jsonl=b"", two_jsonl=b"")
    bench.apply()
    for name in "ba":
        bench.console.add_image(bench.arn, ref(name))

    taken(bench)

    assert (lines(line("a"), line("b")), b"") == (bench.read("one.jsonl"), bench.read("two.jsonl"))


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("abc", "abd", 2), ("abc", "abc", 3), ("abc", "xbc", 0), ("ab", "abc", 2)]
)
def test_neighbours_are_those_whose_addresses_begin_alike(one: str, other: str, expected: int):
    assert expected == _shared(one, other)


@pytest.mark.parametrize("edited", ["a", "abcdef", "x", "xx"])
def test_an_edit_of_an_image_that_was_not_asked_for_is_found(bench: Bench, edited: str):
    """Whichever way its line changed; what was asked for must be there as it was, and once."""
    names = "abcdefx"
    bench.write(train_jsonl=lines(*(classified(name, "rose") for name in names)))
    bench.apply()
    bench.console.put(bench.arn, classified("x", "tulip").decode())
    with opened_specs(bench._args()) as (_, _, found):
        (before,) = propose_each(found.datasets, lambda _: bench.context)
        (request,) = before.requests
        labels = {name: "tulip" if name == "x" else "rose" for name in names}
        labels |= dict.fromkeys(edited, "daisy" if edited != "xx" else "tulip")
        bench.specs.joinpath("edited.jsonl").write_bytes(
            lines(*(classified(name, labels[name]) for name in names + edited[1:2].replace("b", "")))
        )
        path = bench.specs / "train.yaml"
        path.write_text(path.read_text().replace("train.jsonl", "edited.jsonl"))
        with opened_specs(bench._args()) as (_, _, after):
            (desired,) = after.datasets
            assert frozenset(map(ref, edited)) == unfulfilled(desired, before, [request])
