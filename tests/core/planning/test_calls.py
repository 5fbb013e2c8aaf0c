"""Lines are packed into few updates, and few listing calls show them: at most those of a full listing."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, inf
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.calls import Batch, Cover, cover, pack, payload

LIMITS = st.integers(20, 60)
LENGTHS = st.lists(st.integers(0, 19), max_size=60)


def packed(lengths: list[int], limit: int) -> tuple[Batch[int], ...]:
    return pack(list(enumerate(lengths)), limit)


@given(LENGTHS, LIMITS)
def test_keeps_order_and_loses_nothing(lengths: list[int], limit: int) -> None:
    sent = [item for batch in packed(lengths, limit) for item in batch.items]

    assert list(range(len(lengths))) == sent


@given(LENGTHS, LIMITS)
def test_every_batch_fits_and_holds_something(lengths: list[int], limit: int) -> None:
    """No batch is empty or over the limit, and its size is that of its payload to the byte."""
    for batch in packed(lengths, limit):
        assert len(batch) == len(batch.items) > 0
        assert len(payload(b"x" * lengths[item] for item in batch.items)) == batch.size <= limit


@given(LENGTHS.filter(bool), LIMITS)
def test_there_are_as_few_as_can_be_to_within_one_line_each(lengths: list[int], limit: int) -> None:
    total, longest = sum(lengths) + len(lengths), max(lengths) + 1
    count = len(packed(lengths, limit))

    assert ceil(total / limit) <= count <= ceil(total / (limit - longest + 1))


@given(LENGTHS, LIMITS)
def test_no_batch_could_take_the_line_after_it(lengths: list[int], limit: int) -> None:
    batches = packed(lengths, limit)
    for batch, after in pairwise(batches):
        assert batch.size + lengths[after.items[0]] + 1 > limit


def test_nothing_gives_no_batch() -> None:
    assert () == pack([], 10)


def test_a_line_may_fill_a_batch_to_the_byte() -> None:
    assert [10, 10] == [batch.size for batch in packed([9, 9], 10)]


@pytest.mark.parametrize("lengths", [[10], [1, 10], [10, 1]])
def test_a_line_over_the_limit_is_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="over its limit"):
        packed(lengths, 10)


def test_an_empty_batch_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="at least one line"):
        Batch((), 0, 10)


def test_a_payload_ends_every_line() -> None:
    assert b'{"a":1}\n{"b":2}\n' == payload([b'{"a":1}', b'{"b":2}'])


# Few letters, so that prefixes are shared; letters of two and of four bytes; a scheme inside a key.
KEYS = st.lists(st.sampled_from(["a", "b", "/", "é", "\U0001f98a", "s3://", "\n"]), max_size=5).map("".join)
REFS = st.sets(KEYS.map(lambda key: "s3://" + key), min_size=1, max_size=24)


def pages(known, contained, page_size):
    """Return the number of pages for so many entries, at least one."""
    return max(1, -(-sum(contained in ref for ref in known) // page_size))


def fewest(known, touched, page_size):
    """Search all sets of prefixes that show all touched refs; usable prefixes end before a line end."""
    prefixes = {ref[:end] for ref in touched for end in range(5, len(ref) + 1)}
    best = {frozenset(): 0}
    for prefix in (p for p in prefixes if "\n" not in p):
        cost = pages(known, prefix, page_size)
        shown = {ref for ref in touched if ref.startswith(prefix)}
        for covered, calls in list(best.items()):
            wider = covered | shown
            best[wider] = min(best.get(wider, inf), calls + cost)
    return min(best.get(frozenset(touched), inf), pages(known, "", page_size))


@given(REFS, st.data(), st.integers(1, 4))
def test_no_set_of_prefixes_takes_fewer_calls(refs, data, page_size):
    """On small cases no set of prefixes takes fewer calls, and the announced calls are those made."""
    known = sorted(refs)
    touched = data.draw(st.sets(st.sampled_from(known), min_size=1, max_size=7))

    chosen = cover(known, touched, page_size)

    assert fewest(known, touched, page_size) == chosen.calls
    if chosen.full:
        assert (-(-len(known) // page_size), ()) == (chosen.calls, chosen.filters)
    else:
        assert sum(pages(known, one, page_size) for one in chosen.filters) == chosen.calls
        assert all(any(one in ref for one in chosen.filters) for ref in touched)
        assert list(chosen.filters) == sorted(set(chosen.filters))


def folder(name, count):
    return [f"s3://b/{name}/{number:04}.jpg" for number in range(count)]


def test_nothing_touched_takes_no_call():
    """Without touched refs no call is made."""
    assert Cover(full=False, filters=(), calls=0) == cover(folder("a", 3), [])


def test_one_touched_ref_is_listed_by_its_whole_name():
    """One touched ref is listed by its whole name with one call, however large the dataset is."""
    known = folder("a", 1_000)

    assert Cover(full=False, filters=(known[7],), calls=1) == cover(known, [known[7]])


def test_a_touched_folder_is_listed_by_its_prefix():
    """A touched folder is listed by the longest prefix that its refs share, which shows the fewest others."""
    known = sorted(folder("a", 90) + folder("b", 900))

    assert Cover(full=False, filters=("s3://b/a/00",), calls=1) == cover(known, folder("a", 90))


def test_of_two_ways_at_the_same_price_the_one_with_fewer_filters_is_taken():
    """Two single refs are preferred to the two pages of their folder, which show more entries."""
    known = sorted(folder("a", 150) + folder("b", 900))

    assert Cover(full=False, filters=("s3://b/a/0",), calls=2) == cover(known, [known[0], known[149]])


def test_a_small_dataset_is_listed_whole():
    """A small dataset is listed in full, which shows more at the same price."""
    known = folder("a", 100)

    assert Cover(full=True, filters=(), calls=1) == cover(known, known[:1])


def test_a_dataset_that_is_touched_everywhere_is_listed_whole():
    """A dataset touched everywhere is listed in full: ten pages are fewer than 200 refs or ten prefixes."""
    known = folder("a", 1_000)

    assert Cover(full=True, filters=(), calls=10) == cover(known, known[::5])


def test_a_ref_that_begins_many_others_costs_their_pages_too():
    """`SourceRefContains` does not end at the name: refs that continue it count among the pages."""
    known = sorted(["s3://b/a", *(f"s3://b/a{number:03}" for number in range(250)), *folder("c", 900)])

    assert Cover(full=False, filters=("s3://b/a",), calls=3) == cover(known, ["s3://b/a"])


def test_a_ref_that_others_hold_inside_costs_their_pages_too():
    """Refs that contain a touched ref count among its pages."""
    copies = [f"s3://b/copy/{number:03}/of/s3://b/x.jpg" for number in range(150)]
    known = sorted(["s3://b/x.jpg", *copies, *folder("c", 900)])

    assert Cover(full=False, filters=("s3://b/x.jpg",), calls=2) == cover(known, ["s3://b/x.jpg"])


def test_a_ref_is_counted_once_however_often_it_holds_the_filter():
    """A ref that holds the filter several times counts once, as the service lists entries."""
    copies = [f"s3://b/{at}/{number}/s3://b/x/s3://b/x" for at in "cx" for number in range(40)]
    known = sorted(["s3://b/x", *copies, *folder("d", 900)])

    assert Cover(full=False, filters=("s3://b/x",), calls=1) == cover(known, ["s3://b/x"])


def test_a_touched_ref_that_is_not_known_is_asked_for_all_the_same():
    """A touched ref that is not known is still listed: an empty answer proves its absence."""
    assert Cover(full=False, filters=("s3://b/z",), calls=1) == cover(folder("a", 200), ["s3://b/z"])


@pytest.mark.parametrize("end", ["", "\n", "\r", "\x85", "\u2028", "\U0010ffff"])
def test_a_filter_is_cut_where_the_service_would_refuse_it(end):
    """A filter is cut to 2,048 characters and before a line end; it then shows other refs as well."""
    stem = "s3://b/" + "k" * (40 if end else 2_041)
    deep = [f"{stem}{end}{number:03}" for number in range(150)]
    known = sorted(deep + folder("a", 900))

    assert Cover(full=False, filters=(stem,), calls=2) == cover(known, deep[:3])


@pytest.mark.parametrize("ref", ["s3://", "s3://\nkey", "https://b/key"])
def test_a_ref_for_which_no_filter_is_sure_asks_for_the_full_listing(ref):
    """A ref without a reliable filter requires the full listing."""
    assert Cover(full=True, filters=(), calls=3) == cover(sorted([ref, *folder("a", 250)]), [ref])


def test_20000_of_250000_are_chosen_for_in_two_seconds():
    """Choosing for 20,000 of 250,000 refs takes less than two seconds, usually a tenth of that."""
    known = [f"s3://bucket/train/{number // 500:03}/{number % 500:05}.jpg" for number in range(250_000)]
    started = process_time()
    chosen = cover(known, known[::13])

    assert process_time() - started < 2
    assert chosen.calls <= 2_500
