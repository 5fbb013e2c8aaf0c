"""What can be done about drifted images."""

import shlex

import pytest

from reconciler.core.planning.cause import Cause
from reconciler.core.spec.choices import Mode
from reconciler.reports.drift.remedies import Remedy, hint, keep, last_day, remedies, revert
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
