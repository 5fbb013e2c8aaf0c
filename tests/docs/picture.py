"""
The picture in the README: the drift page of the demo, in light and in dark.

``python -m tests.docs.picture`` takes it anew with Chromium. Each file holds a digest of the page that it shows,
without what differs from run to run, so that a test can tell whether it is current without comparing pixels.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from hashlib import blake2b
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from reconciler.demo import STEPS, upload
from tests.docs.pages import ROOT

SCHEMES = ("light", "dark")
SIZE = {"width": 1100, "height": 780}
_KEY = "page"
_VARYING = re.compile(
    r"\d{13}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z| UTC)?|\d{1,2} \w{3} \d{4}, \d\d:\d\d|nonce-?[^\s>]+"
)


def picture(scheme: str) -> Path:
    return ROOT / "docs" / "images" / f"drift-{scheme}.png"


def page(directory: Path) -> Path:
    """Run the demo up to its drift page, and return that page."""
    shutil.copytree(ROOT / "specs", directory / "specs")
    upload(directory / "specs", directory / ".reconciler" / "local")
    for step in STEPS:
        words = shlex.split(step.command)[1:]
        variables = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *words], cwd=directory, env=variables, capture_output=True
        )
        assert done.returncode == step.code, done.stderr
        if step.page:
            return directory / "drift.html"
    raise AssertionError("the demo writes no page")


def digest(html: str) -> str:
    """Return the digest of a page, without what differs from run to run."""
    return blake2b(_VARYING.sub("", html).encode(), digest_size=16).hexdigest()


def shown(path: Path) -> str:
    """Return the digest of the page that a picture shows."""
    with Image.open(path) as image:
        return str(image.info.get(_KEY, ""))


def main() -> None:
    """Take the pictures."""
    from tests.browser import launched

    with tempfile.TemporaryDirectory() as name, launched() as browser:
        html = page(Path(name))
        for scheme in SCHEMES:
            target = picture(scheme)
            target.parent.mkdir(exist_ok=True)
            context = browser.new_context(color_scheme=scheme, viewport=SIZE, device_scale_factor=1.5)
            tab = context.new_page()
            tab.goto(html.as_uri())
            for key in ("j", "Enter", "z"):  # the first image, opened, and its change
                tab.keyboard.press(key)
            tab.screenshot(path=target)
            context.close()
            note = PngInfo()
            note.add_text(_KEY, digest(html.read_text("utf-8")))
            with Image.open(target) as image:
                image.quantize(256).save(target, optimize=True, pnginfo=note)
            print(f"took {target.relative_to(ROOT)}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
