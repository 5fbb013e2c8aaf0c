"""`reconciler emulator --console`: a person in the console, on the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.command import add_arguments, run
from reconciler.emulator.server import Emulator, serve
from reconciler.emulator.testing import client
from tests.emulator.builders import boxed, dataset, listed

IMAGE = "s3://bucket/a.jpg"
MOVE = f"move_box,dataset=flowers/train,source_ref={IMAGE},dx=9"
INSTANT = replace(Settings(), create_seconds=0, update_seconds=0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with a dataset of one image, as a server left it."""
    emulator = Emulator(tmp_path, INSTANT)
    with closing(emulator), serve(emulator) as running:
        dataset(client(running), boxed(IMAGE, ("bee", 10, 20, 30, 40)))
    return tmp_path


def act(data: Path, *actions: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["--data", str(data), *(w for a in actions for w in ("--console", a))]))


def boxes(data: Path) -> Any:
    """Left edge and label of every box, as AWS's own clients see them."""
    emulator = Emulator(data)
    with closing(emulator), serve(emulator) as running:
        (project,) = client(running).describe_projects()["ProjectDescriptions"]
        (line,) = listed(client(running), project["Datasets"][0]["DatasetArn"])
    names = line["BB-metadata"]["class-map"]
    return [(box["left"], names[str(box["class_id"])]) for box in line["BB"]["annotations"]]


def test_an_edit_stays(data, capsys):
    """Named by project and kind, since nobody types an ARN; then there for every client."""
    assert 0 == act(data, MOVE)
    assert [(19, "bee")] == boxes(data)
    assert "move_box: done, in the console and not in git\n" == capsys.readouterr().out


def test_edits_are_made_in_order_and_as_json_too(data):
    """For labels that hold a comma."""
    wasp = f'{{"do": "relabel", "dataset": "flowers/train", "source_ref": "{IMAGE}", "old": "bee", "new": "a,b"}}'

    assert 0 == act(data, MOVE, wasp)
    assert [(19, "a,b")] == boxes(data)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("fly", "no such action: 'fly'; one of put, "),
        (MOVE.replace("flowers", "trees"), "no dataset trees/train"),
        (MOVE.replace("a.jpg", "b.jpg"), "no entry s3://bucket/b.jpg"),
        (f"{MOVE},colour=red", "move_box: "),
    ],
)
def test_what_cannot_be_done_is_reported(data, action, said, capsys):
    """And nothing after it is done."""
    assert 64 == act(data, action, MOVE)
    assert said in capsys.readouterr().err
    assert [(10, "bee")] == boxes(data)
