"""The selection, and the commands and documents that are about exactly what was selected."""

import csv
import io
import shlex

import pytest
import yaml

from reconciler.core.drift.annotations import acknowledged
from reconciler.core.planning.cause import Cause
from reconciler.core.spec.documents import Acknowledgement
from tests.browser import MARKS
from tests.reports.drift.builders import BUCKET, dataset, drift, entry, item
from tests.reports.drift.opened import MARKED, MOVED, NEW, RENAMED, many, opened

pytestmark = MARKS

AWKWARD = item(entry("it's [a] $strange name.png", "a"), entry("it's [a] $strange name.png", "b"))
HIDDEN = item(entry("turned\u202egnp'.exe", "a"), entry("turned\u202egnp'.exe", "b"))


def selected(page, *numbers: int) -> None:
    """Select images by their places in the grid."""
    for number in numbers:
        tile = page.locator(f".tile[aria-posinset='{number + 1}']")
        tile.hover()
        tile.locator(".check").click()


def text(page, action: str) -> str:
    """Return what an action of the tray shows to be copied."""
    page.locator(f"#tray [data-action={action}]").click()
    return page.locator("#text").text_content()


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\\n", " "))


def refs(command: str) -> list[str]:
    found = words(command)
    return [found[at + 1].removeprefix(BUCKET) for at, word in enumerate(found) if word == "--source-ref"]


def test_seven_are_kept_and_the_others_reverted(browser, tmp_path):
    """Select seven, copy a command; invert, copy the other: each names exactly its images."""
    with opened(browser, tmp_path, *many(20)) as page:
        selected(page, 0, 1, 2, 4, 6, 8, 9)
        assert "7 selected" == page.locator("#selected").text_content()
        kept = text(page, "keep")
        page.get_by_role("button", name="Invert").click()
        assert "13 selected" == page.locator("#selected").text_content()
        reverted = text(page, "revert")

    assert [f"{n:04}.png" for n in (0, 1, 2, 4, 6, 8, 9)] == refs(kept)
    assert words(kept)[:5] == ["reconciler", "propose", "specs", "--dataset", "flowers-train"]
    assert words(kept)[-6:] == ["--patch", "keep.patch", "&&", "git", "apply", "keep.patch"]
    assert [f"{n:04}.png" for n in (3, 5, 7, *range(10, 20))] == refs(reverted)
    assert words(reverted)[:5] == ["reconciler", "apply", "specs", "--dataset", "flowers-train"]


def test_a_range_is_selected_by_shift_and_by_keys(browser, tmp_path):
    """Shift and a click select all between; x or Space one; Ctrl+A all that are shown; Escape none."""
    with opened(browser, tmp_path, *many(30)) as page:
        selected(page, 2)
        page.locator(".tile").nth(6).click(modifiers=["Shift"])
        assert "5 selected" == page.locator("#selected").text_content()
        page.keyboard.press("j")
        page.keyboard.press("x")
        assert "6 selected" == page.locator("#selected").text_content()
        page.keyboard.press("Space")
        assert "5 selected" == page.locator("#selected").text_content()
        page.keyboard.press("Control+a")
        assert "30 selected" == page.locator("#selected").text_content()
        page.keyboard.press("Escape")
        assert not page.locator("#tray").is_visible()


def test_a_selection_says_how_much_of_it_is_not_shown(browser, tmp_path):
    """A filter leaves it as it is, and its commands are about all of it."""
    with opened(browser, tmp_path, *many(20)) as page:
        selected(page, 1, 3, 5)
        page.get_by_label("Find").fill("0003.png")
        assert "3 selected, 2 not shown" == page.locator("#selected").text_content()
        assert ["0001.png", "0003.png", "0005.png"] == refs(text(page, "keep"))


def test_the_selection_outlives_a_reload(browser, tmp_path):
    """It stands in the address, so that it can be sent as well."""
    with opened(browser, tmp_path, *many(20)) as page:
        selected(page, 1, 3)
        page.reload()
        assert "2 selected" == page.locator("#selected").text_content()
        assert ["0001.png", "0003.png"] == refs(text(page, "keep"))


def test_an_action_is_about_those_images_to_which_it_applies(browser, tmp_path):
    """Its button says how many, and one that could do nothing is disabled."""
    waiting = item(entry("later.png", "a"), None, Cause.SPEC_ADDED)
    with opened(browser, tmp_path, MOVED, NEW, MARKED, waiting) as page:
        selected(page, 0, 1, 2, 3)
        buttons = {
            action: page.locator(f"#tray [data-action={action}]").text_content()
            for action in ("keep", "revert", "ignore")
        }
        assert {"keep": "Keep 2", "revert": "Revert 2", "ignore": "Ignore 3"} == buttons
        assert ["desk.png", "new.png"] == refs(text(page, "keep"))
        assert ["desk.png", "later.png"] == refs(text(page, "revert"))
        page.get_by_role("button", name="Clear").click()
        selected(page, 0)
        assert page.locator("#tray [data-action=keep]").is_disabled()


def test_the_document_to_ignore_covers_exactly_the_selected_images(browser, tmp_path):
    """Committed as it stands, it is read, and silences these and no others for a month."""
    images = [AWKWARD, HIDDEN, MOVED, RENAMED]
    with opened(browser, tmp_path, *images) as page:
        names = page.locator(".tile").evaluate_all("(all) => all.map((one) => one.image.ref)")
        selected(page, *(names.index(one.source_ref) for one in images[:3]))
        document = text(page, "ignore")

    found = [Acknowledgement.model_validate(one) for one in yaml.load_all(document, Loader=yaml.BaseLoader)]
    assert {"2026-12-23"} == {one.until for one in found}
    silent = {one.source_ref for one in acknowledged(dataset(*images), found).items if one.acknowledged}
    assert {one.source_ref for one in images[:3]} == silent


def test_a_source_ref_survives_a_shell(browser, tmp_path):
    """Whatever it is called, the shell hands it on as one word; what cannot be seen is written out."""
    with opened(browser, tmp_path, AWKWARD, HIDDEN) as page:
        names = page.locator(".tile").evaluate_all("(all) => all.map((one) => one.image.ref)")
        selected(page, names.index(AWKWARD.source_ref))
        command = text(page, "keep")
        assert AWKWARD.source_ref.removeprefix(BUCKET) in refs(command)
        page.get_by_role("button", name="Clear").click()
        selected(page, names.index(HIDDEN.source_ref))
        command = text(page, "keep")

    assert f"--source-ref $'{BUCKET}turned\\u202egnp\\'.exe'" in command


def test_a_wild_name_says_what_else_it_matches(browser, tmp_path):
    """A command has patterns: one of these images is called like a pattern for the other."""
    wild, other = (item(entry(name, "a"), entry(name, "b")) for name in ("a?.png", "ab.png"))
    with opened(browser, tmp_path, wild, other) as page:
        selected(page, 0)
        text(page, "keep")
        assert "also matches 1 image not selected" in page.locator("#effect").text_content()


def test_images_of_two_datasets_are_two_commands(browser, tmp_path):
    """Each names its dataset; the second runs if the first did."""
    report = drift(dataset(MOVED, name="train"), dataset(MOVED, name="test"))
    with opened(browser, tmp_path, report=report) as page:
        selected(page, 0, 1)
        first, second = text(page, "revert").split(" &&\n")

    assert ["reconciler", "apply", "specs", "--dataset", "train", "--source-ref", MOVED.source_ref] == words(
        first
    )
    assert "test" == words(second)[4]


def test_paths_and_a_table_can_be_taken_along(browser, tmp_path):
    """One source-ref a line; a CSV that a spreadsheet reads, in which no cell is a formula."""
    formula = item(entry("f.png", "=1+1"), entry("f.png", 'a "quoted", label'))
    with opened(browser, tmp_path, MOVED, formula) as page:
        page.locator(".tile").first.focus()
        page.keyboard.press("Control+a")
        assert [formula.source_ref, MOVED.source_ref] == text(page, "paths").splitlines()
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        content = download.value.path().read_text("utf-8")

    rows = list(csv.DictReader(io.StringIO(content)))
    assert "drift.csv" == download.value.suggested_filename
    assert [formula.source_ref, MOVED.source_ref] == [row["source_ref"] for row in rows]
    assert '\'=1+1; a "quoted", label' == rows[0]["labels"]
    assert "box_moved" == rows[1]["classes"]
    assert pytest.approx(0.6923, abs=1e-4) == float(rows[1]["lowest_iou"])


def test_an_open_image_is_selected_and_has_its_commands(browser, tmp_path):
    """`x` selects it; its own commands are about it alone."""
    with opened(browser, tmp_path, MOVED, RENAMED) as page:
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.keyboard.press("x")
        assert page.get_by_label("Select", exact=True).is_checked()
        page.get_by_role("dialog").get_by_text("Keep", exact=True).click()
        assert ["rose.jpg"] == refs(page.locator(".remedy[open] code").text_content())
        page.keyboard.press("Escape")
        assert "1 selected" == page.locator("#selected").text_content()
