"""What a person can do: text that can be copied, and does what it says."""

import shlex

import yaml

from reconciler.core.drift.acknowledgements import acknowledged
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import Mode
from reconciler.core.spec.documents import Acknowledgement
from reconciler.reports.drift.remedies import remedies, ways
from tests.reports.drift.builders import BUCKET, dataset, entry, item

AWKWARD = "it's [a] *strange* name?.png"
CHANGED = item(entry(AWKWARD, "rose"), entry(AWKWARD, "tulip"))


def text(name: str, found=CHANGED, **more) -> str:
    (one,) = [r for r in remedies(found, dataset(found, **more), "my specs") if r.name == name]
    return one.text


def test_the_command_to_keep_survives_a_shell():
    """Whatever the image is called, the shell hands it on as one word."""
    words = shlex.split(text("Keep"))

    assert ["reconciler", "propose", "my specs"] == words[:3]
    assert BUCKET + AWKWARD == words[words.index("--source-ref") + 1]


def test_the_document_to_ignore_silences_this_very_image():
    """Committed as it stands, it is read, and covers the image for a month."""
    found = Acknowledgement.model_validate(yaml.load(text("Ignore"), Loader=yaml.BaseLoader))  # noqa: S506

    assert "2026-12-23" == found.until
    assert "to be given" == acknowledged(dataset(CHANGED), [found]).items[0].acknowledged


def test_there_is_no_command_to_delete_an_entry():
    """AWS has none: the way out is named, and nothing pretends to do it."""
    new = item(None, entry("new.png"))

    assert "" == text("Revert", new)


def test_a_dataset_that_is_only_observed_says_so():
    """The command would do nothing, and a reader is told why."""
    (_, revert, _) = remedies(CHANGED, dataset(CHANGED, mode=Mode.OBSERVE), "specs")

    assert "policy.mode is observe" in revert.effect


def test_what_waits_for_an_apply_is_applied():
    """There is nothing to keep, and nothing to ignore."""
    waiting = item(entry("a"), None, Cause.SPEC_ADDED)

    assert ["Apply"] == [remedy.name for remedy in remedies(waiting, dataset(waiting), "specs")]


def test_a_command_is_about_the_same_account():
    """What was seen with --local is kept with --local."""
    (keep, revert, _) = remedies(CHANGED, dataset(CHANGED), "specs", ("--local",))

    assert ["reconciler", "propose", "specs", "--local"] == shlex.split(keep.text)[:4]
    assert "reconciler apply specs --local --dataset flowers-train" == revert.text


def test_what_is_in_place_with_errors_can_only_be_fixed():
    """There is nothing to keep or to revert: neither command would do anything."""
    marked = item(entry("a", "x"), entry("a", "x"), codes=("ERROR_INVALID_IMAGE",))

    assert ["Fix", "Ignore"] == [remedy.name for remedy in remedies(marked, dataset(marked), "specs")]


def test_the_ways_out_are_named():
    """Before they are unfolded."""
    assert "Keep, revert or ignore" == ways(remedies(CHANGED, dataset(CHANGED), "specs"))
    waiting = item(entry("a"), None, Cause.SPEC_ADDED)
    assert "Apply" == ways(remedies(waiting, dataset(waiting), "specs"))
