"""What the drift page prints is typed into a shell, and does what the page says."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.main import main
from tests.browser import MARKS, watched
from tests.cli.specs import dataset, images
from tests.waiting import until

pytestmark = [*MARKS, pytest.mark.git]

NAMES = [f"{n:02} it's a hive?.jpg" if n == 3 else f"{n:02}.jpg" for n in range(14)]
DATA = ".reconciler/local"


def spec(policy: str = "orphans: report") -> str:
    return dataset(f"mode: upsert, {policy}", limits="maxChangeRatio: 1")


@pytest.fixture(autouse=True)
def drifted(place: Path) -> None:
    """A repository whose images all have another label in AWS."""
    Path("specs").mkdir()
    Path("specs/bees.yaml").write_text(spec())
    Path("specs/images.yaml").write_text(images({json.dumps(name): "bee" for name in NAMES}))
    subprocess.run(["git", "init", "--quiet"], check=True)
    assert 0 == main(["apply", "specs", "--local"])
    edit = {"do": "rename_label", "dataset": "bees/train", "old": "bee", "new": "wasp"}
    assert 0 == main(["emulator", "--data", DATA, "--console", json.dumps(edit)])
    assert 4 == main(["drift", "specs", "--local", "--report", "drift.html"])


def commands(browser, chosen: list[str]) -> tuple[str, str]:
    """Select images on the page, and return the command that keeps them, and the one that reverts the others."""
    address = Path("drift.html").absolute().as_uri()
    with watched(browser, address) as page:
        page.goto(address)
        for tile in page.locator(".tile").all():
            if any(name in tile.get_attribute("aria-label") for name in chosen):
                tile.hover()
                tile.locator(".check").click()
        page.get_by_role("button", name="Keep", exact=True).click()
        kept = page.locator("#text").text_content()
        page.get_by_role("button", name="Invert").click()
        page.get_by_role("button", name="Revert", exact=True).click()
        return kept, page.locator("#text").text_content()


def run(command: str) -> None:
    """Run a command as a shell would; one of the project in this process."""
    for part in command.replace("\\\n", " ").split("&&"):
        words = shlex.split(part)
        if words[0] == "reconciler":
            assert main(words[1:]) in (0, 4)
        else:
            subprocess.run(words, check=True)


def left(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    """Return the images that differ, by their cause."""
    capsys.readouterr()
    main(["drift", "specs", "--local", "-o", "json"])
    (dataset,) = json.loads(capsys.readouterr().out)["datasets"]
    found: dict[str, list[str]] = {}
    for item in dataset["items"]:
        found.setdefault(item["cause"], []).append(item["source_ref"].removeprefix("s3://b/"))
    return found


def test_some_are_kept_and_the_others_reverted(browser, capsys):
    """The command to revert leaves exactly the selected images; the one to keep them leaves nothing."""
    chosen = [NAMES[n] for n in (0, 3, 5, 6, 9, 12, 13)]
    keep, revert = commands(browser, chosen)

    run(revert)
    assert {"drift_modified": chosen} == left(capsys)
    run(keep)
    assert {} == left(capsys)
    assert 0 == main(["plan", "specs", "--local", "--detailed-exitcode"])
    assert 7 == Path("specs/images.yaml").read_text().count("labels: [bee]")


def reverting(browser, name: str) -> tuple[str, str]:
    """Select one image on the page, and return what its Revert is said to do, and the command."""
    assert 4 == main(["drift", "specs", "--local", "--report", "drift.html"])
    address = Path("drift.html").absolute().as_uri()
    with watched(browser, address) as page:
        page.goto(address)
        page.locator("#find").fill(name)
        until(lambda: page.locator("#grid .tile").count() == 1)
        tile = page.locator("#grid .tile")
        tile.hover()
        tile.locator(".check").click()
        page.get_by_role("button", name="Revert", exact=True).click()
        return page.locator("#effect").inner_text(), page.locator("#text").text_content()


def test_what_the_policy_only_reports_is_reverted_once_the_setting_that_is_named_is_changed(browser, capsys):
    """The command alone leaves the image as it is; the page says so, and what to change first."""
    file = Path("specs/bees.yaml")
    file.write_text(spec("onDrift: report"))
    effect, command = reverting(browser, NAMES[5])

    assert "First set policy.onDrift: revert in specs/bees.yaml:1" in effect
    run(command)
    assert NAMES == left(capsys)["drift_modified"]
    file.write_text(spec("onDrift: revert"))
    run(command)
    assert [name for name in NAMES if name != NAMES[5]] == left(capsys)["drift_modified"]


def test_an_orphan_that_may_be_blanked_is_blanked(browser, capsys):
    """AWS keeps the image, without labels, and no apply has anything left to do about it."""
    Path("specs/bees.yaml").write_text(spec("orphans: blank"))
    images = Path("specs/images.yaml")
    images.write_text(images.read_text().replace(f'  - {{image: "{NAMES[5]}", labels: [bee]}}\n', ""))
    effect, command = reverting(browser, NAMES[5])

    assert "First set" not in effect
    run(command)
    assert [NAMES[5]] == left(capsys)["orphan"]
    capsys.readouterr()
    main(["plan", "specs", "--local", "--source-ref", f"s3://b/{NAMES[5]}"])
    assert "1 orphan (blank already)" in capsys.readouterr().out
