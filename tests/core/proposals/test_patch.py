"""Line edits as a diff that git can apply."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.proposals.patch import LineEdit, edited, file_diff, new_file_diff

LINES = st.sampled_from([b"a", b"b", b"", b"-- x", b"\xc3\xa9", b"y\r", b"@@ -1 +1 @@"])


def split(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.split(b"\n")[:-1]] + [
        last for last in text.split(b"\n")[-1:] if last
    ]


@st.composite
def texts_with_edits(draw):
    body = draw(st.lists(LINES, min_size=1, max_size=40))
    text = b"\n".join(body) + draw(st.sampled_from([b"\n", b""]))
    lines = split(text)
    edits, at = [], 1
    while at <= len(lines) and draw(st.integers(0, 4)):
        first = at + draw(st.integers(0, 12))
        if first > len(lines):
            break
        removed = draw(st.integers(0, min(3, len(lines) + 1 - first)))
        added = tuple(
            line + b"\n" for line in draw(st.lists(LINES, min_size=0 if removed else 1, max_size=3))
        )
        edits.append(LineEdit(first, removed, added))
        at = first + removed + 1
    return lines, edits


def applied(tmp_path, name, before, diff):
    target = tmp_path / name
    if before is not None:
        target.write_bytes(before)
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=tmp_path, input=diff, capture_output=True
    )
    assert 0 == done.returncode, (done.stderr, diff)
    return target.read_bytes()


@given(texts_with_edits())
def test_git_makes_of_the_diff_what_the_edits_say(tmp_path_factory, case):
    """Applying the diff with git gives the same text as the edits."""
    lines, edits = case
    after = b"".join(edited(lines, edits))
    if not edits or after == b"".join(lines):
        return
    diff = b"".join(file_diff("f.jsonl", lines, edits))

    assert after == applied(tmp_path_factory.mktemp("p"), "f.jsonl", b"".join(lines), diff)


@pytest.mark.parametrize(
    "name", ["plain", "with space", 'qu"ote', "tab\there", "back\\slash", "ünïcode", "a b.j"]
)
def test_any_file_name_can_be_patched(tmp_path, name):
    """File names are quoted as git quotes them."""
    diff = b"".join(file_diff(name, [b"one\n"], [LineEdit(1, 1, (b"two\n",))]))

    assert b"two\n" == applied(tmp_path, name, b"one\n", diff)


@pytest.mark.parametrize(
    "name",
    ["plain", "with space", "a/b c/d e.jsonl", 'qu"ote', "tab\there", "tab\t and space", "back\\slash",
     "bell\a\b\v\f\r", "line\nbreak", "del\x7f", "ünï cöde"],
)  # fmt: skip
def test_headers_are_git_s_own(tmp_path, name):
    """Headers are those of git to the byte; a name with a space is followed by a tab."""
    old, new = b"one\n", b"two\n"

    def git(*words):
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *words], cwd=tmp_path, capture_output=True
        )
        return done.stdout

    git("init", "-q")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(old)
    git("add", "-A")
    (tmp_path / name).write_bytes(new)
    theirs = [line for line in git("diff").splitlines(True) if not line.startswith(b"index ")]

    assert b"".join(theirs) == b"".join(file_diff(name, [old], [LineEdit(1, 1, (new,))]))

    git("rm", "-qf", "--cached", "--", name)
    git("add", "-N", "--", name)
    theirs = [line for line in git("diff").splitlines(True) if not line.startswith(b"index ")]
    assert b"".join(theirs) == b"".join(new_file_diff(name, [new]))


@pytest.mark.parametrize("apart", range(2, 10))
@pytest.mark.parametrize("first", [1, 2, 5])
def test_hunks_are_git_s_own(tmp_path, apart, first):
    """Two edits share a hunk exactly where git would give them one."""
    old = [b"%d\n" % number for number in range(1, 20)]
    edits = [LineEdit(first, 1, (b"x\n", b"y\n")), LineEdit(first + apart, 1, ())]
    for name, lines in {"old": old, "new": edited(old, edits)}.items():
        (tmp_path / name).write_bytes(b"".join(lines))

    words = ["git", "diff", "--no-index", "--no-ext-diff", "old", "new"]
    theirs = subprocess.run(words, cwd=tmp_path, capture_output=True).stdout.splitlines(True)

    def hunks(diff):
        ours = [line for line in diff if line[:1] in b"@ +-" and line[:3] not in (b"+++", b"---")]
        return [line.partition(b" @@")[0] for line in ours]  # after it git repeats a line, for orientation

    assert hunks(theirs) == hunks(b"".join(file_diff("f", old, edits)).splitlines(True))


def test_a_file_can_be_made(tmp_path):
    """A diff can create a file."""
    assert b"x\ny" == applied(tmp_path, "new", None, b"".join(new_file_diff("new", [b"x\n", b"y"])))


def test_a_diff_reads_like_anybody_elses():
    """A hunk has three lines of context and correct line numbers."""
    lines = [b"%d\n" % number for number in range(1, 9)]

    assert b"""\
diff --git a/f b/f
--- a/f
+++ b/f
@@ -2,7 +2,7 @@
 2
 3
 4
-5
+five
 6
 7
 8
""" == b"".join(file_diff("f", lines, [LineEdit(5, 1, (b"five\n",))]))


def test_later_hunks_count_what_came_before():
    """A second hunk counts the lines that earlier hunks added or removed."""
    lines = [b"%d\n" % number for number in range(1, 31)]

    diff = b"".join(file_diff("f", lines, [LineEdit(2, 1, ()), LineEdit(20, 0, (b"x\n",))]))

    assert [b"@@ -1,5 +1,4 @@", b"@@ -17,6 +16,7 @@"] == [
        line for line in diff.split(b"\n") if line.startswith(b"@@")
    ]
