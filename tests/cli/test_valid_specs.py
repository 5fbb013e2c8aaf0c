"""Specs that are odd but valid are read, planned and applied."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.docs.pages import ROOT
from tests.preloaded import python

DATASET = """\
apiVersion: reconciler/v1
kind: Dataset
metadata: {{name: {name}, labels: &labels {{team: &team {team}, "{long}": *team}}}}
spec:
  target: {{project: {project}, type: {kind}, create: true}}
  entries: [{{file: {name}.yaml}}]
  policy: {{mode: upsert, compare: {compare}}}
  limits: {{maxChanges: {most}, maxChangeRatio: {ratio}}}
  ignore: [{{paths: &paths ["/*-metadata/creation-date"]}}, {{paths: *paths, match: "{match}"}}]
  schedule: {{interval: {interval}, jitter: 0}}
"""
HEAD = """\
apiVersion: reconciler/v1
kind: Entries
base: {base}
createdAt: 2026-03-01T12:00:00
images:
"""

# Letters of several planes, combining marks, right to left, and what YAML or JSON must escape.
WORDS = st.text(
    st.sampled_from("aZ9 _-.'\"\\#:&*!|>%@`é\u0301ßñ日本語🐝𝔘אب\u200d\u00a0{}[],?<~=nullyes"),
    min_size=1,
    max_size=40,
).filter(lambda text: text.strip() == text)
LONG = st.integers(1, 250).map(lambda length: "x" * length)
LABELS = st.one_of(WORDS, LONG, st.sampled_from(["no", "null", "1e3", "0x1F", "~", "2026-03-01", "<<", "="]))


def quoted(text: str, escaped: bool) -> str:
    """Return a YAML scalar, escaped only within the first plane: YAML knows no surrogate pairs."""
    return json.dumps(text, ensure_ascii=escaped and all(letter < "\U00010000" for letter in text))


@st.composite
def images(draw: st.DrawFn, number: int) -> str:
    """Draw one document: boxes merged from boxes, labels that are aliases of labels."""
    base = draw(
        st.sampled_from(["s3://acme-odd/", f"s3://acme-odd/{'deep/' * 40}", "s3://acme-odd/日本/ä ö/"])
    )
    text = [HEAD.format(base=quoted(base, draw(st.booleans())))]
    names = draw(st.lists(WORDS.map(lambda name: name.replace("\\", "-")), max_size=8))
    for count, name in enumerate(names):
        labels = ", ".join(quoted(label, draw(st.booleans())) for label in draw(st.sets(LABELS, max_size=4)))
        held = "*labels0" if count and draw(st.booleans()) else f"&labels{count} [{labels}]"
        image = quoted(f"{number}/{count}/{name}.jpg", draw(st.booleans()))
        text.append(f"  - image: {image}\n    labels: {held}\n")
        if draw(st.booleans()):
            text.append(f"    size: [{draw(st.integers(640, 4_096))}, 640]\n    boxes:\n")
            text += boxes(draw, f"box{count}_")
    return "".join(text) if names else text[0].replace("images:", "images: []")


def boxes(draw: st.DrawFn, anchor: str) -> list[str]:
    """Draw boxes each of which is merged from those before it, to some depth."""
    label = quoted(draw(LABELS), False)
    lines = [f"      - &{anchor}0 {{label: {label}, left: 0, top: 0, width: 9, height: 9}}\n"]
    for count in range(1, draw(st.integers(1, 12))):
        above = draw(st.sampled_from([f"*{anchor}{count - 1}", f"[*{anchor}{count - 1}, *{anchor}0]"]))
        left = draw(st.integers(0, 500))
        lines.append(
            f"      - &{anchor}{count} {{<<: {above}, left: {left}, width: {draw(st.integers(2, 100))}}}\n"
        )
    return lines


@st.composite
def trees(draw: st.DrawFn) -> dict[str, str]:
    """Draw a tree: for each dataset one file, of a spec and some documents of entries."""
    files = {}
    for number in range(draw(st.integers(1, 3))):
        name = f"d{number}" + draw(st.sampled_from(["", "-" + "n" * 55, "-2"]))
        spec = DATASET.format(
            name=name,
            team=quoted(draw(st.sampled_from(["botany", "a-b_c.d", "7"])), False),
            long=draw(st.sampled_from(["owner", "k" * 63])),
            project=f"p{number}" + "q" * draw(st.sampled_from([0, 200])),
            kind=draw(st.sampled_from(["TRAIN", "TEST"])),
            compare=draw(st.sampled_from(["exact", "labels"])),
            most=draw(st.sampled_from([100, 20_000, 10**9, 10**15])),
            ratio=draw(st.sampled_from(["1", "1.0", "0.9999999999999999"])),
            match=draw(st.sampled_from(["**", "s3://acme-odd/**/*.jpg", "s3://*/**/[!a]*?.jpg"])),
            interval=draw(st.sampled_from(["1m", "90s", "8760h", "1h30m"])),
        )
        entries = [draw(images(count)) for count in range(draw(st.integers(1, 4)))]
        if not any("- image:" in one for one in entries):
            entries.append(HEAD.format(base="s3://acme-odd/") + "  - image: one.jpg\n")
        files[f"{name}.yaml"] = "---\n".join([spec, *entries])
    return files


def reconciler(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [python(), "-m", "reconciler", *words],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.fault(
    "specs",
    "valid but extreme specs: nested anchors, merges, any Unicode, the longest names and numbers",
    "they validate, plan and apply; the next plan is empty",
)
@settings(max_examples=15, derandomize=True)  # the same in every run
@given(trees())
def test_what_is_odd_and_valid_is_applied(tree: dict[str, str]) -> None:
    """By the command itself, against the emulator."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "specs").mkdir()
        for file, text in tree.items():
            (directory / "specs" / file).write_text(text, encoding="utf-8")
        for words, code in (
            (("validate",), 0),
            (("plan", "--local"), 0),
            (("apply", "--local"), 0),
            (("plan", "--local", "--detailed-exitcode"), 0),
        ):
            done = reconciler(directory, *words)
            assert code == done.returncode, (words, done.stdout[-3_000:], done.stderr[-3_000:])
