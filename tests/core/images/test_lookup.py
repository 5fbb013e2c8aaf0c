"""How keys are looked up: held to a bucket that answers as S3 does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.images.lookup import HeadRequests, Lookup, PageRequest, Stored, fewest_requests
from reconciler.errors import UnknownAnswer


class Bucket:
    """Some keys, listed in pages, and the requests that were made."""

    def __init__(self, keys, page=1_000):
        self.keys = sorted(keys, key=str.encode)
        self.page = page
        self.listings = []
        self.heads = []

    def look_up(self, wanted, *, lists=True):
        """Return key -> whether it exists, as a lookup of sorted keys finds it."""
        found = {}
        asked = Lookup(sorted(wanted, key=str.encode), lists=lists)
        while request := asked.ask():
            if isinstance(request, HeadRequests):
                self.heads += request.keys
                decided = asked.decide_heads([self._stored(key) for key in request.keys])
            else:
                page = self._listed(request)
                more = len(page) > self.page
                decided = asked.decide_page(dict(page[: self.page]), more=more)
            for key, stored in decided:
                assert key not in found
                found[key] = stored is not None
        return found

    def _listed(self, request):
        self.listings.append(request)
        after = request.after.encode()
        keys = [key for key in self.keys if key.startswith(request.prefix) and key.encode() > after]
        return [(key, Stored("e", 1)) for key in keys]

    def _stored(self, key):
        return Stored("e", 1) if key in self.keys else None


def test_many_images_of_one_directory_take_a_page_for_each_thousand():
    """A HEAD for each would take 2,500."""
    keys = [f"train/img_{number:05}.jpg" for number in range(2_500)]
    bucket = Bucket(keys)

    assert dict.fromkeys(keys, True) == bucket.look_up(keys)
    assert (3, []) == (len(bucket.listings), bucket.heads)
    assert fewest_requests(2_500) == 3


def test_what_is_not_wanted_is_skipped():
    """A million other objects between two images cost no page."""
    others = [f"train/m/{number:05}.jpg" for number in range(20_000)]
    wanted = ["train/a.jpg", "train/z.jpg"]

    bucket = Bucket([*others, *wanted])

    assert dict.fromkeys(wanted, True) == bucket.look_up(wanted)
    assert 2 >= len(bucket.listings) + len(bucket.heads)


@pytest.mark.slow
def test_scattered_images_are_asked_for_one_by_one():
    """Pages that tell one wanted key each cost twelve times as much as HEADs."""
    keys = [f"{number:06}" for number in range(100_000)]
    wanted = keys[500::1_000]

    bucket = Bucket(keys, page=100)

    assert dict.fromkeys(wanted, True) == bucket.look_up(wanted)
    assert len(bucket.listings) < 10
    assert len(bucket.listings) + len(bucket.heads) == 100


def test_only_the_directory_that_all_images_share_is_listed():
    """A policy often allows no more."""
    assert PageRequest("a/b/", "a/b/c0~") == Lookup(["a/b/c1", "a/b/c2.jpg"]).ask()


def test_without_the_permission_to_list_each_key_is_asked_for():
    """In batches, so that several can be asked for at a time."""
    bucket = Bucket(["a", "c"])

    assert {"a": True, "b": False, "c": True} == bucket.look_up(["a", "b", "c"], lists=False)
    assert (["a", "b", "c"], []) == (bucket.heads, bucket.listings)


@pytest.mark.parametrize("page", [{}, {"a": Stored("e", 1)}])
def test_a_listing_that_does_not_go_on_is_refused(page):
    """It would never end."""
    asked = Lookup(["b", "c"])
    asked.ask()

    with pytest.raises(UnknownAnswer, match="a page ends at"):
        list(asked.decide_page(page, more=True))


NAMES = st.text(st.sampled_from("ab/~!\u00e9\U0001f600 "), min_size=1, max_size=5)


@given(st.sets(NAMES, max_size=30), st.sets(NAMES, max_size=30), st.integers(1, 7))
def test_every_key_is_decided_as_it_is(there, wanted, page):
    """Whatever else is in the bucket, and whatever its pages hold."""
    bucket = Bucket(there, page)

    assert {key: key in there for key in wanted} == bucket.look_up(wanted)


def test_at_most_64_are_asked_for_at_a_time():
    """However many keys are left: an answer is awaited before more are asked for."""
    keys = [f"{number:03}" for number in range(200)]

    assert HeadRequests(keys[:64]) == Lookup(keys, lists=False).ask()


@pytest.mark.parametrize(("keys", "pages"), [(0, 0), (1, 1), (1_000, 1), (1_001, 2)])
def test_a_page_lists_a_thousand_keys(keys: int, pages: int):
    assert pages == fewest_requests(keys)
