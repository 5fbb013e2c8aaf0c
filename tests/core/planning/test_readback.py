"""What was touched is shown by the fewest listing calls, and never by more than a full listing takes."""

from math import inf
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planning.readback import Cover, cover, matches

# Few letters, so that prefixes are shared; letters of two and of four bytes; a scheme inside a key.
KEYS = st.lists(st.sampled_from(["a", "b", "/", "é", "\U0001f98a", "s3://", "\n"]), max_size=5).map("".join)
REFS = st.sets(KEYS.map(lambda key: "s3://" + key), min_size=1, max_size=24)


def pages(known, contained, page_size):
    """What the service would answer with: at least one page, be it empty."""
    return max(1, -(-sum(contained in ref for ref in known) // page_size))


def fewest(known, touched, page_size):
    """Try every set of prefixes that shows all touched refs; usable ones end before a line end."""
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
    """Against every such set, on small cases; and the calls told are the calls made."""
    known = sorted(refs)
    touched = data.draw(st.sets(st.sampled_from(known), min_size=1, max_size=7))

    chosen = cover(known, touched, page_size)

    assert fewest(known, touched, page_size) == chosen.calls
    if chosen.full:
        assert (-(-len(known) // page_size), ()) == (chosen.calls, chosen.filters)
    else:
        assert sum(pages(known, one, page_size) for one in chosen.filters) == chosen.calls
        assert all(any(matches(one, ref) for one in chosen.filters) for ref in touched)
        assert list(chosen.filters) == sorted(set(chosen.filters))


def folder(name, count):
    return [f"s3://b/{name}/{number:04}.jpg" for number in range(count)]


def test_nothing_touched_takes_no_call():
    """There is nothing to prove."""
    assert Cover(full=False, filters=(), calls=0) == cover(folder("a", 3), [])


def test_one_touched_ref_is_listed_by_its_whole_name():
    """One call, however large the dataset is."""
    known = folder("a", 1_000)

    assert Cover(full=False, filters=(known[7],), calls=1) == cover(known, [known[7]])


def test_a_touched_folder_is_listed_by_its_prefix():
    """The longest one that its refs share: it shows the fewest others."""
    known = sorted(folder("a", 90) + folder("b", 900))

    assert Cover(full=False, filters=("s3://b/a/00",), calls=1) == cover(known, folder("a", 90))


def test_of_two_ways_at_the_same_price_the_one_with_fewer_filters_is_taken():
    """Two single refs, or the two pages of their folder, which show more."""
    known = sorted(folder("a", 150) + folder("b", 900))

    assert Cover(full=False, filters=("s3://b/a/0",), calls=2) == cover(known, [known[0], known[149]])


def test_a_small_dataset_is_listed_whole():
    """At the same price the full listing shows more."""
    known = folder("a", 100)

    assert Cover(full=True, filters=(), calls=1) == cover(known, known[:1])


def test_a_dataset_that_is_touched_everywhere_is_listed_whole():
    """Ten pages are fewer than 200 single refs, or ten prefixes."""
    known = folder("a", 1_000)

    assert Cover(full=True, filters=(), calls=10) == cover(known, known[::5])


def test_a_ref_that_begins_many_others_costs_their_pages_too():
    """`SourceRefContains` knows no end of the name: the others are in the answer."""
    known = sorted(["s3://b/a", *(f"s3://b/a{number:03}" for number in range(250)), *folder("c", 900)])

    assert Cover(full=False, filters=("s3://b/a",), calls=3) == cover(known, ["s3://b/a"])


def test_a_ref_that_others_hold_inside_costs_their_pages_too():
    """A key may hold the name of another image."""
    copies = [f"s3://b/copy/{number:03}/of/s3://b/x.jpg" for number in range(150)]
    known = sorted(["s3://b/x.jpg", *copies, *folder("c", 900)])

    assert Cover(full=False, filters=("s3://b/x.jpg",), calls=2) == cover(known, ["s3://b/x.jpg"])


def test_a_ref_is_counted_once_however_often_it_holds_the_filter():
    """The service lists entries, not places in their names."""
    copies = [f"s3://b/{at}/{number}/s3://b/x/s3://b/x" for at in "cx" for number in range(40)]
    known = sorted(["s3://b/x", *copies, *folder("d", 900)])

    assert Cover(full=False, filters=("s3://b/x",), calls=1) == cover(known, ["s3://b/x"])


def test_a_touched_ref_that_is_not_known_is_asked_for_all_the_same():
    """That it is absent is what the empty answer proves."""
    assert Cover(full=False, filters=("s3://b/z",), calls=1) == cover(folder("a", 200), ["s3://b/z"])


@pytest.mark.parametrize("end", ["", "\n", "\r", "\x85", "\u2028", "\U0010ffff"])
def test_a_filter_is_cut_where_the_service_would_refuse_it(end):
    """After 2,048 characters, or before a line end: the beginning shows the ref, and others."""
    stem = "s3://b/" + "k" * (40 if end else 2_041)
    deep = [f"{stem}{end}{number:03}" for number in range(150)]
    known = sorted(deep + folder("a", 900))

    assert Cover(full=False, filters=(stem,), calls=2) == cover(known, deep[:3])


@pytest.mark.parametrize("ref", ["s3://", "s3://\nkey", "https://b/key"])
def test_a_ref_for_which_no_filter_is_sure_asks_for_the_full_listing(ref):
    """A guess would prove nothing."""
    assert Cover(full=True, filters=(), calls=3) == cover(sorted([ref, *folder("a", 250)]), [ref])


def test_20000_of_250000_are_chosen_for_in_two_seconds():
    """Far more than any apply; the choice takes a tenth of that, so a slow machine passes too."""
    known = [f"s3://bucket/train/{number // 500:03}/{number % 500:05}.jpg" for number in range(250_000)]
    started = process_time()
    chosen = cover(known, known[::13])

    assert process_time() - started < 2
    assert chosen.calls <= 2_500
