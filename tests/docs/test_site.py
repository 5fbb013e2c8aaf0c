"""The documentation site: built strictly, and looked at in a browser."""

import fcntl
import os
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT

SITE = ROOT / "build" / "site"
SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def site(tmp_path_factory, worker_id):
    """
    Build the site as its command does; a warning, such as of a broken link, fails it.

    It has one place in the checkout, so one worker builds it, while the others wait.
    """
    mine = tmp_path_factory.getbasetemp()
    run = mine if worker_id == "master" else mine.parent  # pytest-xdist gives each worker a directory below
    built = run / "site-is-built"
    descriptor = os.open(run, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        if not built.exists():
            _build()
            built.touch()
    finally:
        os.close(descriptor)
    return SITE


def _build():
    done = subprocess.run([sys.executable, "dev.py", "docs"], cwd=ROOT, capture_output=True, text=True)
    if "Could not find a version" in done.stderr or "No matching distribution" in done.stderr:
        pytest.skip("the packages of the site cannot be installed here")
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.tools
def test_the_site_is_built_without_a_warning(site):
    """Every page of docs/, and those that are kept beside it, are in the navigation."""
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    made = {path.stem for path in site.glob("*.html")}

    assert {*pages, "index", "changelog", "contributing", "security", "deploy", "schemas"} <= made
    assert (site / "search" / "search_index.js").exists(), "the search needs a server"


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_reads_well_from_the_file_system(site, scheme, screen):
    """Light and dark, on a phone too: no page loads anything from elsewhere, none is wider than the screen."""
    browsers = pytest.importorskip("tests.browser")
    if browsers.CHROMIUM is None:
        pytest.skip("there is no Chromium")
    width, height = SCREENS[screen]
    with (
        browsers.launched() as browser,
        browsers.watched(
            browser, "file:", color_scheme=scheme, viewport={"width": width, "height": height}
        ) as page,
    ):
        for name in ("index", "tutorial", "codes", "commands", "troubleshooting"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.locator("h1").count() == 1
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (scheme == "dark") == (sum(map(int, background[4:-1].split(",")[:3])) < 384), background
        page.locator(".md-search__input").press_sequentially("quarantine")
        page.locator(".md-search-result__item").first.wait_for(state="attached")
        image = page.goto((site / "index.html").as_uri()) and page.locator("picture img")
        assert image.evaluate("image => image.naturalWidth") > 0
