"""The index of desired lines by source-ref."""

from __future__ import annotations

import json
import tracemalloc
from io import BytesIO

import orjson
import pytest

from reconciler.core.entries.index import Index, Place
from reconciler.core.entries.lines import iter_blocks
from tests.builders import errors, index_of, line, listed, ref


def test_remembers_where_each_line_stands() -> None:
    index, place = Index(), Place(file=70_000, offset=2**40, length=99_000, line=250_000)
    index.add(ref("a"), place, line("a"))

    assert place == index.place(0)
    assert 0 == index.row(ref("a"))
    assert 1 == len(index) == index.rows
    assert ref("a") in index


def test_takes_no_source_ref_twice() -> None:
    index = Index()
    place = Place(0, 0, 9, 1)

    assert index.add(ref("a"), place, line("a"))
    assert not index.add(ref("a"), place, line("a", x=2))
    index.discard(ref("a"))
    assert not index.add(ref("a"), place, line("a"))
    assert 1 == index.rows


CLEAN, SPACED = line("a"), b'{"source-ref": "s3://b/b.jpg"}'
SERVICE = b'{"source-ref":"s3://b/c.jpg","errors":[{"code":"E"}]}'


@pytest.mark.parametrize("texts", [(CLEAN,), (CLEAN, SPACED), (SERVICE, CLEAN), (CLEAN, SERVICE, SPACED)])
def test_lines_added_together_are_as_if_added_one_by_one(texts: tuple[bytes, ...]) -> None:
    names = [orjson.loads(text)["source-ref"] for text in texts]
    (block,) = iter_blocks(BytesIO(b"\n".join((line("z"), *texts))))
    alone, together = Index(), Index()
    for index in (alone, together):
        index.add(ref("z"), Place(0, 0, len(line("z")), 1), line("z"))

    rest = block._replace(texts=block.texts[1:], offsets=block.offsets[1:], first=2)
    unclean = [number for number, text in enumerate(texts) if text == SERVICE]
    assert together.extend(2, names, rest, unclean)
    for name, (text, offset, number) in zip(names, rest.lines(), strict=True):
        alone.add(name, Place(2, offset, len(text), number), text)

    assert list(alone.items()) == list(together.items())
    for row, text in enumerate((line("z"), *texts)):
        assert alone.print(row) == together.print(row)
        assert together.is_at(row, text)
        assert alone.listed_as(listed(text)) == together.listed_as(listed(text))


@pytest.mark.parametrize("names", [("a", "a"), ("z", "a"), ("a", "void")])
def test_lines_are_added_together_only_if_each_could_be(names: tuple[str, str]) -> None:
    index = index_of(line("z"), line("void"))
    index.discard(ref("void"))
    (block,) = iter_blocks(BytesIO(b"\n".join(map(line, names))))

    assert not index.extend(2, list(map(ref, names)), block)

    assert 2 == index.rows
    assert [ref("z")] == list(index.source_refs)


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

    def test_does_not_find_what_was_discarded(self) -> None:
        index = index_of(line("a"))
        index.discard(ref("a"))

        assert index.listed_as(line("a")) is None


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


def test_a_void_entry_is_no_entry_but_its_source_ref_is_remembered() -> None:
    index = index_of(line("a"), line("b"))
    index.discard(ref("a"))

    assert [ref("b")] == list(index.source_refs)
    assert {ref("a")} == index.void
    assert (1, 2) == (len(index), index.rows)
    assert 1 == index.row(ref("b"))


def test_a_source_ref_may_be_void_without_ever_having_been_usable() -> None:
    index = Index()
    index.discard(ref("a"))

    assert {ref("a")} == index.void


@pytest.mark.slow
def test_needs_less_than_300_bytes_an_entry() -> None:
    """An entry takes less than 300 bytes, source-refs of 90 characters included, to serve 250,000 of them."""
    names = 50_000
    tracemalloc.start()
    try:
        index = Index()
        for number in range(names):
            raw = line(f"{'x' * 75}{number}")
            index.add(ref(f"{'x' * 75}{number}"), Place(0, number * 100, 100, number + 1), raw)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 300 * names
