"""Files of entries outside git, kept by their digests."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from reconciler.core.spec.choices import PinnedObject
from reconciler.core.spec.documents import Target
from reconciler.errors import ManifestUnavailable, ManifestUnusable
from reconciler.sources.manifests import ManifestCache
from tests.waiting import until

TARGET = Target(project="flowers", type="TRAIN")
CONTENT = b"0123456789" * 1_000


def pinned(content: bytes = CONTENT) -> PinnedObject:
    return PinnedObject("acme", "train.manifest", None, sha256(content).hexdigest())


class Downloads:
    """Gives a content in pieces, and counts how often."""

    def __init__(self, content: bytes = CONTENT, break_after: int | None = None) -> None:
        self.content, self.break_after, self.count = content, break_after, 0

    def __call__(self, wanted, target, into) -> None:
        self.count += 1
        for start in range(0, len(self.content), 1_000):
            if self.break_after is not None and start >= self.break_after:
                raise ManifestUnavailable("the connection broke")
            into(self.content[start : start + 1_000])


def read(cache: ManifestCache, content: bytes = CONTENT) -> bytes:
    with cache.open(pinned(content), TARGET) as stream:
        return stream.read()


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_file_is_downloaded_once_for_all_processes(tmp_path):
    """Private to this user, whatever the umask."""
    downloads = Downloads()
    before = os.umask(0)
    try:
        assert CONTENT == read(ManifestCache(tmp_path / "kept", downloads))
    finally:
        os.umask(before)
    assert (
        CONTENT == read(ManifestCache(tmp_path / "kept", downloads)) == read(ManifestCache(tmp_path / "kept"))
    )

    (file,) = (tmp_path / "kept").iterdir()
    assert 1 == downloads.count
    assert [0o700, 0o600] == [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "kept", file)]


def test_without_a_connection_a_missing_file_is_an_error_that_names_the_flag(tmp_path):
    """Nothing is created."""
    with pytest.raises(ManifestUnavailable, match="--download"):
        ManifestCache(tmp_path / "kept").open(pinned(), TARGET)

    assert not (tmp_path / "kept").exists()


def test_a_broken_download_leaves_nothing_and_is_tried_again(tmp_path):
    """A part is never visible under the name of the whole."""
    downloads = Downloads(break_after=5_000)
    cache = ManifestCache(tmp_path, downloads)

    with pytest.raises(ManifestUnavailable, match="broke"):
        cache.open(pinned(), TARGET)
    after = kept(tmp_path)
    downloads.break_after = None

    assert ([], CONTENT) == (after, read(cache))


def test_other_bytes_are_refused_with_both_digests(tmp_path):
    with pytest.raises(ManifestUnusable) as caught:
        ManifestCache(tmp_path, Downloads(b"other")).open(pinned(), TARGET)

    assert pinned().sha256 in str(caught.value)
    assert sha256(b"other").hexdigest() in str(caught.value)
    assert [] == kept(tmp_path)


@pytest.mark.parametrize("version", [None, "v1"])
def test_an_object_with_other_bytes_is_not_read_in_every_cycle(tmp_path, monkeypatch, version):
    """It may have a gigabyte. Without a version it may be restored, and is read again after a while."""
    downloads = Downloads(b"other")
    cache, wanted = ManifestCache(tmp_path, downloads), pinned()._replace(version_id=version)
    for _ in range(3):
        with pytest.raises(ManifestUnusable, match=sha256(b"other").hexdigest()):
            cache.open(wanted, TARGET)
    assert 1 == downloads.count

    monkeypatch.setattr("reconciler.sources.manifests.REFUSED_SECONDS", 0.0)
    downloads.content = CONTENT
    if version is None:
        cache.open(wanted, TARGET).close()
    else:
        with pytest.raises(ManifestUnusable):
            cache.open(wanted, TARGET)


@pytest.mark.parametrize("damage", ["flip", "cut", "open to others", "link"])
def test_a_file_that_was_tampered_with_is_downloaded_again(tmp_path, damage):
    """Damaged by a disk, or writable for others: neither is used."""
    downloads = Downloads()
    read(ManifestCache(tmp_path, downloads))
    (file,) = tmp_path.iterdir()
    match damage:
        case "flip":
            file.write_bytes(b"1" + CONTENT[1:])
        case "cut":
            file.write_bytes(CONTENT[:-1])
        case "open to others":
            file.chmod(0o666)
        case _:
            file.unlink()
            file.symlink_to("/etc/hostname")

    assert CONTENT == read(ManifestCache(tmp_path, downloads))
    assert 2 == downloads.count


def test_a_file_that_changes_behind_the_back_of_a_process_is_noticed(tmp_path):
    """What was verified is this file, with this size and time."""
    cache = ManifestCache(tmp_path, Downloads())
    read(cache)
    (file,) = tmp_path.iterdir()
    file.write_bytes(CONTENT[::-1])

    assert CONTENT == read(cache)


def test_threads_that_need_one_file_download_it_once(tmp_path):
    """The others wait for the first."""
    downloads, begun, go_on = Downloads(), threading.Event(), threading.Event()

    def slowly(wanted, target, into):
        begun.set()
        go_on.wait(30)
        downloads(wanted, target, into)

    cache, found = ManifestCache(tmp_path, slowly), []
    threads = [threading.Thread(target=lambda: found.append(read(cache))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    go_on.set()
    for thread in threads:
        thread.join(30)

    assert ([CONTENT] * 4, 1) == (found, downloads.count)


def test_the_file_of_a_killed_download_is_replaced(tmp_path):
    """SIGKILL in the middle of a download: the lock goes with the process, and nothing was visible."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from tests.sources.test_manifests import *\n"
        "def forever(wanted, target, into):\n"
        "    into(b'x' * 5_000_000)\n"
        "    threading.Event().wait()\n"
        "ManifestCache(Path(sys.argv[1]), forever).open(pinned(), TARGET)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    until(lambda: any(path.stat().st_size > 1_000_000 for path in tmp_path.iterdir()), 60)
    process.kill()
    process.wait()
    left = kept(tmp_path)

    assert CONTENT == read(ManifestCache(tmp_path, Downloads()))
    assert [[f"{pinned().sha256}.part"], [f"{pinned().sha256}.manifest"]] == [left, kept(tmp_path)]


def test_the_least_recently_used_files_make_room(tmp_path):
    """Not those in use, and what was verified stays verified when its time of use changes."""
    contents = [bytes([number]) * 1_000 for number in range(4)]
    for content in contents[:3]:
        read(ManifestCache(tmp_path, Downloads(content)), content)
    for age, content in ((9_000, contents[0]), (5_000, contents[1]), (7_000, contents[2])):
        path = tmp_path / f"{pinned(content).sha256}.manifest"
        os.utime(path, ns=(time.time_ns() - age * 10**9, path.stat().st_mtime_ns))

    read(ManifestCache(tmp_path, Downloads(contents[3]), most_bytes=2_000), contents[3])

    assert sorted(f"{pinned(contents[n]).sha256}.manifest" for n in (1, 3)) == kept(tmp_path)
    read(ManifestCache(tmp_path, Downloads(contents[0]), most_bytes=1), contents[0])
    assert f"{pinned(contents[3]).sha256}.manifest" in kept(tmp_path)


def test_files_that_just_fit_stay(tmp_path):
    """As many bytes as are allowed, none of them in use any more."""
    contents = [bytes([number]) * 1_000 for number in range(2)]
    for content in contents:
        read(ManifestCache(tmp_path, Downloads(content), most_bytes=2_000), content)
        path = tmp_path / f"{pinned(content).sha256}.manifest"
        os.utime(path, ns=(time.time_ns() - 9_000 * 10**9, path.stat().st_mtime_ns))

    read(ManifestCache(tmp_path, Downloads(b""), most_bytes=2_000), b"")

    assert 3 == len(kept(tmp_path))


def test_a_directory_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ManifestUnavailable, match=r"cannot be kept in .*file"):
        ManifestCache(tmp_path / "file" / "kept", Downloads()).open(pinned(), TARGET)


@pytest.mark.parametrize(("most", "left"), [(3_000, 3), (2_999, 2), (2_000, 2)])
def test_as_many_bytes_are_kept_as_there_is_room_for(tmp_path, most, left):
    """Of files that were not used for an hour."""
    contents = [bytes([number]) * 1_000 for number in range(3)]
    for content in contents:
        read(ManifestCache(tmp_path, Downloads(content)), content)
    for path in tmp_path.iterdir():
        os.utime(path, ns=(time.time_ns() - 9_000 * 10**9, path.stat().st_mtime_ns))

    ManifestCache(tmp_path, most_bytes=most)._make_room()

    assert left == len(kept(tmp_path))
