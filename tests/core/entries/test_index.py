"""The index of desired lines by source-ref."""

from __future__ import annotations

import json
import tracemalloc
from array import array
from io import BytesIO

import orjson
import pytest

from reconciler.core.entries.index import Index, IndexedLines, Place
from reconciler.core.entries.lines import text_digest
from reconciler.core.entries.listed_form import hash_desired
from reconciler.core.validation.judged.carried import read_columns
from reconciler.core.validation.judged.lines import DatasetLines
from reconciler.core.validation.line import LineChecker
from tests.builders import errors, index_of, line, listed, ref


def test_gives_the_place_of_each_line() -> None:
    place = Place(file=1, offset=2**40, length=99_000, line=250_000)
    lines = IndexedLines([ref("a")], *([field] for field in place[1:]), [0])
    index = Index([IndexedLines((), (), (), (), ()), lines], {ref("b")})

    assert place == index.place(0)
    assert 0 == index.row(ref("a"))
    assert 1 == len(index)
    assert ref("a") in index
    assert ref("b") not in index
    assert {ref("b")} == index.void


def test_prints_are_read_when_they_are_first_asked_for() -> None:
    """A line is known by the digest of its text until then."""
    lines = [line("a"), line("b")]
    unread = IndexedLines([ref("a"), ref("b")], [0, 99], map(len, lines), [1, 2], None)
    index = Index([unread], texts=b"".join(map(text_digest, lines)))
    assert (True, False) == (index.is_at(1, line("b")), index.is_at(1, line("a")))
    with pytest.raises(ValueError, match="not known"):
        index.text_hash(0)

    index.read_hashes = lambda: (array("q", hash_desired(lines)), True)

    assert 1 == index.listed_as(listed(line("b")))
    assert (True, False) == (index.is_at(1, line("b")), index.is_at(1, line("a")))


SERVICE = b'{"source-ref":"s3://b/c.jpg","errors":[{"code":"E"}]}'


def test_only_lines_with_service_keys_have_the_hash_of_their_whole_text() -> None:
    """The service appends its keys before the last brace; a line that has such keys is not listed so."""
    texts = [line("a"), SERVICE, line("b") + b" ", line("c")]

    found = hash_desired(texts, unclean=[1, 3])

    assert list(map(hash, (line("a")[:-1], SERVICE, line("b") + b" ", line("c")[:-1]))) == found
    assert found != hash_desired(texts)


class TestListedAs:
    @pytest.mark.parametrize("labeled", [True, False])
    def test_finds_a_line_by_its_text_with_the_ending_of_the_service(self, labeled: bool) -> None:
        index = index_of(line("a"), line("b"))

        assert 1 == index.listed_as(listed(line("b"), labeled=labeled)) == index.listed_as(line("b"))

    @pytest.mark.parametrize(
        "raw",
        [
            line("c"),
            line("a", x=2),
            line("a"),
            b"",
            b"{}",
            line("a", x=1)[:-1],
            line("a", x=1)[:-1] + b"2",
            b"[1]",
            b'{"source-ref":',
            b'{"source-ref":"\xff"}',
        ],
    )
    def test_finds_nothing_else(self, raw: bytes) -> None:
        assert index_of(line("a", x=1)).listed_as(raw) is None

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"source-ref":"s3://b/a.jpg","x":1,"cl-metadata":{"is_labeled":true}}',
            b'{"source-ref":"s3://b/a.jpg","x":1,"errors":[{"code":"E"}]}',
            b'{"source-ref": "s3://b/a.jpg", "x": 1, "errors": [{"code": "E"}]}',
        ],
    )
    def test_finds_no_line_that_is_not_sent_as_it_stands(self, raw: bytes) -> None:
        """A line with fields of the service is never matched by raw text, as it is sent without them."""
        index = index_of(raw)

        for observed in (raw, raw.replace(b" ", b""), listed(line("a", x=1))):
            assert index.listed_as(observed) is None
            assert index.listed_without_spaces(observed, lambda *_: raw) is None

    @pytest.mark.parametrize("labeled", ["true", "false"])
    def test_finds_a_line_with_spaces_that_the_service_kept(self, labeled: str) -> None:
        """A line with spaces is found if the service kept them; its ending then has spaces, too."""
        raw = b'{"source-ref": "s3://b/a.jpg", "x": {"y": "a, b"}}'
        ending = b', "cl-metadata": {"is_labeled": %s}}' % labeled.encode()
        index = index_of(line("z"), raw)

        assert 1 == index.listed_as(raw[:-1] + ending) == index.listed_as(raw)

    @pytest.mark.parametrize(
        "raw",
        [
            b'{"source-ref": "s3://b/a.jpg", "x":  1}',
            b'{"source-ref": "s3://b/a.jpg", "x": 2}',
            b'{"source-ref": "s3://b/a.jpg", "x": 1',
            b'{"source-ref": "s3://b/a.jpg", "x": 1, "cl-metadata": {"is_labeled": true}, "y": 1}',
            b'{"source-ref": "s3://b/b.jpg", "x": 1}',
            b'{"source-ref": "\xff", "x": 1}',
            b'{"source-ref": "',
            b'{"source-ref": "s3://b/c.jpg',
        ],
    )
    def test_finds_no_other_line_with_spaces(self, raw: bytes) -> None:
        index = index_of(b'{"source-ref": "s3://b/a.jpg", "x": 1}', b'{"source-ref":"s3://b/c.jpg"}')

        assert index.listed_as(raw) is None

    def test_does_not_find_a_line_with_spaces_and_error_lists(self) -> None:
        raw = json.dumps({"source-ref": ref("a"), "errors": errors("E")}).encode()

        assert index_of(raw).listed_as(raw) is None

    @pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",", ": "), (" , ", ":")])
    def test_proves_that_there_are_no_error_lists(self, separators: tuple[str, str]) -> None:
        """A line matched by raw text has no error lists, however the desired line writes its own."""
        fields = {"source-ref": ref("a"), "x": {"cl-errors": errors("E")}, "warnings": errors("W")}
        raw = json.dumps(fields, separators=separators).encode()

        assert index_of(raw).listed_as(listed(raw)) is None

    @pytest.mark.parametrize("expected", [0, 1, 2, 99])
    def test_finds_a_line_whichever_is_expected(self, expected: int) -> None:
        index = index_of(line("a"), line("b"))

        assert 1 == index.listed_as(listed(line("b")), expected)
        assert index.listed_as(listed(line("c")), expected) is None

    def test_does_not_find_what_is_void(self) -> None:
        assert index_of(line("a"), void=[ref("a")]).listed_as(line("a")) is None


class TestListedWithoutSpaces:
    """Lines are written with spaces by most programs, and sent and listed without."""

    @pytest.mark.parametrize("separators", [(", ", ": "), (",", ": "), (" ,\t", " : ")])
    @pytest.mark.parametrize("labeled", [True, False])
    def test_finds_a_line_by_what_is_sent(self, separators: tuple[str, str], labeled: bool) -> None:
        fields = {"source-ref": ref("a"), "x": {"y": "a , b: c", "z": [1, 2.50, True]}}
        raw = json.dumps(fields, separators=separators).encode()
        index, sent = index_of(line("z"), raw), json.dumps(fields, separators=(",", ":")).encode()

        for observed in (sent, listed(sent, labeled=labeled)):
            assert index.listed_as(observed) is None
            assert 1 == index.listed_without_spaces(observed, lambda *_: raw)

    @pytest.mark.parametrize(
        "sent",
        [
            line("a", x="a,b"),
            line("b", x="a, b"),
            line("a", x="a, b")[:-1],
            line("a", x="a, b", y=1),
            line("a", x="a, b", errors=errors("E")),
            b'{"source-ref":"\xff"}',
            b"{}",
            b"",
        ],
    )
    def test_finds_nothing_else(self, sent: bytes) -> None:
        raw = json.dumps({"source-ref": ref("a"), "x": "a, b"}).encode()

        assert index_of(raw).listed_without_spaces(sent, lambda *_: raw) is None

    def test_reads_nothing_where_no_line_has_spaces(self) -> None:
        def read(*_: object) -> bytes:
            raise AssertionError

        assert index_of(line("a")).listed_without_spaces(line("a", x=1), read) is None

    def test_leaves_a_deep_nest_to_others(self) -> None:
        nest = b"[" * 990 + b"]" * 990
        raw = b'{"source-ref": "%s", "x": %s}' % (ref("a").encode(), nest)

        assert index_of(raw).listed_without_spaces(raw.replace(b" ", b""), lambda *_: raw) is None


class TestListedSorted:
    """A service may sort the keys of the lines that it lists, its own key among them."""

    DESIRED = line("a", x={"b": 1, "a": [True, 2.5]}, attribute={"z": "a,b"})

    @staticmethod
    def as_sorted(fields: object) -> bytes:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)

    @pytest.mark.parametrize("labeled", [True, False, None])
    def test_finds_a_line_by_its_sorted_text(self, labeled: bool | None) -> None:
        fields = orjson.loads(self.DESIRED)
        if labeled is not None:
            fields["cl-metadata"] = {"is_labeled": labeled}
        index = index_of(line("z"), self.DESIRED)

        assert index.listed_as(self.as_sorted(fields)) is None
        assert 1 == index.listed_sorted(self.as_sorted(fields), lambda *_: self.DESIRED)

    @pytest.mark.parametrize(
        "more",
        [
            {"x": {"b": 1, "a": [1, 2.5]}},
            {"y": 1},
            {"source-ref": ref("b")},
            {"attribute": {"z": "a,b", "cl-metadata": {"is_labeled": True}}},
            {"cl-metadata": {"is_labeled": True, "more": 1}},
            {"cl-metadata": {"is_labeled": 1}},
            {"attribute-errors": [], "cl-errors": errors("E")},
        ],
    )
    def test_finds_nothing_else(self, more: dict[str, object]) -> None:
        raw = self.as_sorted(orjson.loads(self.DESIRED) | more)

        assert index_of(self.DESIRED).listed_sorted(raw, lambda *_: self.DESIRED) is None

    def test_proves_that_there_are_no_error_lists(self) -> None:
        """The service marked the line exactly as its author had: that must be reported."""
        desired = line("a", attribute={}, errors=errors("E"))
        raw = self.as_sorted(orjson.loads(desired))

        assert index_of(desired).listed_sorted(raw, lambda *_: desired) is None

    @pytest.mark.parametrize("raw", [b"", b"{}", b'{"a":1,"source-ref":"', b'{"a":1,"source-ref":"\xff"}'])
    def test_nothing_raises(self, raw: bytes) -> None:
        assert index_of(self.DESIRED).listed_sorted(raw, lambda *_: self.DESIRED) is None


def test_a_line_that_is_read_again_can_be_distinguished_from_another() -> None:
    index = index_of(line("a", x=1), b'{"source-ref": "s3://b/b.jpg", "errors": [{"code": "E"}]} ')

    assert index.is_at(0, line("a", x=1))
    assert not index.is_at(0, line("a", x=2))
    assert not index.is_at(0, line("a", x=1)[:-1] + b"]")
    assert index.is_at(1, b'{"source-ref": "s3://b/b.jpg", "errors": [{"code": "E"}]} ')
    assert not index.is_at(1, b"")


def test_knows_nothing_of_other_source_refs() -> None:
    assert index_of(line("a")).row(ref("b")) is None
    assert ref("b") not in index_of(line("a"))


def test_gives_entries_ordered_by_source_ref() -> None:
    index = index_of(line("b"), line("a"))

    assert [(ref("a"), 1), (ref("b"), 0)] == [(name, place.file) for name, place in index.items()]


def test_a_void_entry_is_no_entry_but_its_source_ref_is_known() -> None:
    index = index_of(line("a"), line("b"), void=[ref("a")])

    assert [ref("b")] == list(index.source_refs)
    assert {ref("a")} == index.void
    assert 1 == len(index)
    assert (0, 1) == (index.row(ref("b")), index.place(0).file)


@pytest.mark.slow
def test_needs_less_than_350_bytes_an_entry() -> None:
    """
    An entry takes less than 350 bytes, to serve 250,000 of them, with all that was found in its line.

    A source-ref of 90 characters takes 139 of them.
    """
    names = 50_000
    stream = BytesIO(b"".join(line(f"{'x' * 75}{number}") + b"\n" for number in range(names)))
    tracemalloc.start()
    try:
        lines = DatasetLines([read_columns(stream, LineChecker().check_all, 7)])
        assert names == len(lines.index)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 350 * names
