"""What can be done about drifted images."""

import shlex

import pytest
from msgspec.structs import replace

from reconciler.core.planning.cause import Cause
from reconciler.core.planning.withholding import Withheld
from reconciler.core.spec.choices import Mode
from reconciler.reports.drift.remedies import Remedy, condition, hint, keep, last_day, remedies, revert
from tests.reports.drift.builders import dataset, entry, item

CHANGED = item(entry("a", "rose"), entry("a", "tulip"))
NEW = item(None, entry("new.png"))
WAITING = item(entry("a"), None, Cause.SPEC_ADDED)
MARKED = item(entry("a", "x"), entry("a", "x"), Cause.UNATTRIBUTED, codes=("ERROR_INVALID_IMAGE",))
KNOWN = item(entry("a", "rose"), entry("a", "tulip"), acknowledged="labelling party")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (CHANGED, (Remedy.KEEP, Remedy.REVERT, Remedy.IGNORE)),
        (NEW, (Remedy.KEEP, Remedy.IGNORE)),
        (WAITING, (Remedy.REVERT,)),
        (MARKED, (Remedy.IGNORE,)),
        (KNOWN, (Remedy.KEEP, Remedy.REVERT)),
    ],
)
def test_an_image_has_the_remedies_that_do_something(image, expected):
    """
    AWS cannot delete an entry; what waits for an apply is applied; equal sides can be neither kept nor reverted.

    What is acknowledged needs no second acknowledgement.
    """
    assert expected == remedies(image)


def test_an_orphan_is_reverted_where_the_policy_lets_an_apply_blank_it():
    """And not once it is blank: nothing is left to do."""
    blankable = replace(NEW, withheld=None)
    blank = replace(blankable, settled=True, acknowledged="blank already")

    assert (Remedy.KEEP, Remedy.REVERT, Remedy.IGNORE) == remedies(blankable)
    assert "takes its labels away" in hint(blankable)
    assert (Remedy.KEEP,) == remedies(blank)
    assert "blank already" in hint(blank)


@pytest.mark.parametrize(
    ("withheld", "setting"),
    [(Withheld.ON_DRIFT, "policy.onDrift: revert"), (Withheld.CREATE_ONLY, "policy.mode: upsert")],
)
def test_what_the_policy_keeps_from_being_reverted_names_the_setting(withheld, setting):
    """The command alone would leave the image as it is, and exit with 0."""
    found = condition(replace(CHANGED, withheld=withheld), dataset(CHANGED))

    assert f"set {setting} in specs/train.yaml:1" in found
    assert "" == condition(CHANGED, dataset(CHANGED))
    assert "" == condition(NEW, dataset(NEW))


def test_a_missing_remedy_is_explained():
    """A reader who looks for a command finds out why there is none."""
    assert "" == hint(CHANGED)
    assert "AWS cannot delete one entry" in hint(NEW)
    assert "correct it in git" in hint(MARKED)


def test_a_dataset_that_is_only_observed_says_so():
    """The command would write nothing, and a reader is told why."""
    assert "policy.mode is observe" in revert(dataset(CHANGED, mode=Mode.OBSERVE), "specs").effect
    assert "policy.mode" not in revert(dataset(CHANGED), "specs").effect


def test_a_command_is_about_the_same_account_and_survives_a_shell():
    """What was seen with --local is kept with --local, wherever the specs are."""
    command = keep(dataset(CHANGED), "my specs", ("--local",))

    words = shlex.split(f"{command.start} --source-ref x{command.end}")
    assert ["reconciler", "propose", "my specs", "--local", "--dataset", "flowers-train"] == words[:6]
    assert ["--source-ref", "x", "--patch", "keep.patch", "&&", "git", "apply", "keep.patch"] == words[6:]
    assert "reconciler apply specs --dataset flowers-train" == revert(dataset(CHANGED), "specs").start


def test_an_acknowledgement_from_a_report_is_valid_for_a_month():
    """Thirty days from the observation; without one there is no such day."""
    assert "2026-12-23" == last_day(dataset(CHANGED))
    assert last_day(dataset(observed_at=None)) is None
