"""
What the drift page of 5,000 entries takes in a real browser, in milliseconds on the wall.

Taken in Chromium with a window of 1,280 by 900 pixels. A busy machine makes every figure larger: the least of some
repetitions says most.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from benchmarks import specs
from benchmarks.measure import Setting

# One screen row a frame: ten times as fast as somebody who scrolls without stopping.
_SCROLL = """async () => {
  const gaps = [];
  let last = performance.now();
  for (let frame = 0; frame < 240; frame++) {
    scrollBy(0, 220);
    await new Promise((done) => requestAnimationFrame(done));
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  return gaps.sort((a, b) => a - b)[Math.floor(0.95 * gaps.length)];
}"""

_FILTER = """async () => {
  const start = performance.now();
  document.querySelector("button.kind").click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""

_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


class _Seen(NamedTuple):
    """Milliseconds until the first paint, for a filter, and of the slowest but for 5 % of the frames."""

    paint: float
    choice: float
    frame: float


def paint(setting: Setting) -> list[float]:
    return [seen.paint for seen in _seen(setting)]


def choice(setting: Setting) -> list[float]:
    return [seen.choice for seen in _seen(setting)]


def frame(setting: Setting) -> list[float]:
    return [seen.frame for seen in _seen(setting)]


@cache
def _seen(setting: Setting) -> list[_Seen]:
    from tests.browser import launched  # needs Playwright, which a plain run of the other budgets does not

    file = setting.directory / "drift.html"
    file.write_bytes(specs.drift_html(setting))
    with launched() as browser:
        return [_look(browser, file.as_uri()) for _ in range(max(setting.runs, 3))]


def _look(browser: Any, address: str) -> _Seen:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(f"{_PAINT} > 0")
    seen = _Seen(page.evaluate(_PAINT), page.evaluate(_FILTER), page.evaluate(_SCROLL))
    context.close()
    return seen
