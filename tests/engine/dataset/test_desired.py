"""What is desired of one dataset, and what follows from its files."""

from __future__ import annotations

import gc
import weakref
from contextlib import closing
from io import BytesIO
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest

from reconciler.engine.dataset.desired import Desired
from reconciler.engine.dataset.observe_and_plan import observe_and_plan
from reconciler.errors import Exit, ManifestUnavailable, SourceError
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab


class File:
    """A file of entries that counts how often it is opened."""

    name = "test.jsonl"

    def __init__(self, content: bytes = b"", error: Exception | None = None) -> None:
        self.content, self.error, self.opened = content, error, 0

    def open(self) -> BinaryIO:
        self.opened += 1
        if self.error is not None:
            raise self.error
        return BytesIO(self.content)


def with_partners(*files: File) -> Desired:
    loaded: Any = SimpleNamespace(partners=[SimpleNamespace(files=[file]) for file in files])
    return Desired(loaded, [])


def test_what_a_partner_desires_too_is_named_in_order():
    """Its unusable lines name nothing, and entries outside git that cannot be read now stop nothing."""
    lines = b"\n".join([*named("cab"), b"not an entry"])
    away = File(error=ManifestUnavailable("no answer"))
    desired = with_partners(away, File(lines), File(classified("d")))

    assert [ref("a"), ref("c"), ref("d")] == desired.shared([ref("d"), ref("c"), ref("a"), ref("x")])


def test_partners_are_read_only_for_new_entries():
    file = File()

    assert ([], 0) == (with_partners(file).shared([]), file.opened)


def test_a_partner_whose_file_is_gone_is_an_error():
    with pytest.raises(SourceError):
        with_partners(File(error=SourceError("gone"))).shared([ref("a")])


@pytest.mark.parametrize(("files", "opened"), [(3, 3), (40, 32)])
def test_of_very_many_files_only_the_first_are_held_open(files: int, opened: int):
    """A process may have about a thousand files open, and reconciles many datasets."""
    found = [File() for _ in range(files)]
    loaded: Any = SimpleNamespace(files=found)
    with closing(Desired(loaded, [])) as desired:
        for _ in range(2):
            desired.open_files()

    assert [1] * opened + [0] * (files - opened) == [file.opened for file in found]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [((b"k",), b"k", True), ((b"j",), b"k", False), ((), None, False)],
    ids=["remembered", "another", "not known"],
)
def test_only_what_is_remembered_to_share_no_image_is_apart(
    ours: tuple[bytes, ...], theirs: bytes | None, expected: bool
):
    unused: Any = None
    one, other = Desired(unused, [], apart=ours), Desired(unused, [], key=theirs)

    assert expected is one.is_apart_from(other)


@pytest.mark.parametrize(
    ("usable", "expected"), [(True, Exit.DONE), (False, Exit.INVALID)], ids=["usable", "unusable"]
)
def test_a_dataset_that_cannot_be_used_is_invalid_without_an_error(usable: bool, expected: Exit):
    unused: Any = None

    assert expected is Desired(unused, [], usable=usable).exit_code


@pytest.mark.parametrize("is_longer", [False, True])
def test_lines_that_change_while_they_are_in_use_are_not_taken_for_the_old_ones(full: Lab, is_longer: bool):
    """Neither one by one nor all in order, whether the file has as many lines as before or fewer."""
    desired = full.desired()
    lines = [raw for raw, _, _ in desired.usable_lines()]
    place = desired.index.place(0)
    assert (5, lines[0]) == (len(lines), desired.read(ref("a"), place))
    desired.close()
    text = (full.specs / "train.jsonl").read_bytes()
    (full.specs / "train.jsonl").write_bytes(text.replace(b"rose", b"nose") if is_longer else b"")

    with pytest.raises(SourceError, match=r"train\.jsonl.*: the file changed while it was in use"):
        desired.read(ref("a"), place)
    with pytest.raises(SourceError, match="changed while"):
        list(desired.usable_lines())


def test_nothing_stays_in_memory_once_it_is_used_no_more(lab: Lab):
    """
    What a cycle has read is freed with it, and not when the next search for reference cycles comes.

    Such a search counts objects; these are few, and hold the columns of whole files.
    """
    lab.write(*named("abc"))
    lab.apply()
    lab.write(*named("abcd"))
    gc.disable()
    try:
        desired = lab.desired()
        planned = observe_and_plan(desired, lab.context, 0.0)
        left = [weakref.ref(desired), weakref.ref(desired.index)]
        planned.close()
        desired.close()
        lab.open.remove(desired)
        del desired, planned

        assert [None, None] == [one() for one in left]
    finally:
        gc.enable()
