"""Globs that match no entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.pattern import glob
from reconciler.core.validation import unmatched as module
from reconciler.core.validation.problem import Origin
from reconciler.core.validation.unmatched import (
    PlacedGlob,
    PlacedPath,
    nearest_prefix,
    still_unmatched,
    still_unmatched_paths,
    unmatched,
    unmatched_paths,
)
from tests.builders import classified

HERE = Origin("d.yaml", 8, 7)
REFS = [f"s3://acme-bees/{folder}/{number:03}.jpg" for folder in ("test", "train/a") for number in range(50)]


def placed(*texts: str) -> list[PlacedGlob]:
    return [PlacedGlob("protect", text, HERE) for text in texts]


def test_a_misspelt_folder_is_named_with_its_place_and_the_nearest_one() -> None:
    (found,) = unmatched(placed("s3://acme-bees/trian/**"), REFS)

    assert HERE == found.problem.origin
    assert "RKD1304" == found.problem.code
    assert not found.problem.is_error
    assert (
        "protect “s3://acme-bees/trian/**” matches none of the 100 desired entries" in found.problem.message
    )
    assert "s3://acme-bees/train/ (50 of them)" in found.problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("s3://acme-bee/train/a/*.jpg", "s3://acme-bees/train/a/", id="bucket"),
        pytest.param("s3://acme-bees/train/*.jpg", "s3://acme-bees/train/", id="one-star-stays-in-a-folder"),
        pytest.param("s3://acme-bees/train/a/x*", "s3://acme-bees/train/a/", id="name"),
        pytest.param("s3://acme-bees/trian", "s3://acme-bees/train/", id="folder-without-a-slash"),
        pytest.param("s3://acme-bees/train*", "s3://acme-bees/train/", id="star-after-a-folder"),
        pytest.param("S3://ACME-BEES/Train/**", "s3://acme-bees/train/", id="case"),
        pytest.param(" s3:/acme-bees//train/**", "s3://acme-bees/train/", id="slashes-and-spaces"),
        pytest.param("acme-bees/train/a/**", "s3://acme-bees/train/a/", id="no-scheme"),
        pytest.param("s3://acme-bees/zzz/a/*", "s3://acme-bees/", id="nothing-is-like-it"),
        pytest.param("**/golden/*", "s3://acme-bees/", id="no-beginning"),
        pytest.param("s3://other/**", "s3://acme-bees/", id="another-bucket"),
    ],
)
def test_the_nearest_prefix_is_one_that_exists(text: str, expected: str) -> None:
    assert expected == nearest_prefix(text, REFS)[0]


@pytest.mark.parametrize(
    "beside",
    [
        pytest.param([], id="alone"),
        pytest.param(["a.jpg"], id="behind-a-file"),
        pytest.param(["a.jpg", "b.jpg", "zzz.jpg"], id="between-files"),
        pytest.param(["a/1.jpg", "b/1.jpg", "zzz/1.jpg"], id="between-folders"),
    ],
)
def test_a_folder_of_one_image_is_found_wherever_it_stands(beside: list[str]) -> None:
    refs = sorted(f"s3://acme-bees/{name}" for name in ["train/1.jpg", *beside])

    assert ("s3://acme-bees/train/", 1) == nearest_prefix("s3://acme-bees/trian/*", refs)


@given(
    st.lists(st.text("ab/*?", max_size=8).map("s3://".__add__), max_size=8),
    st.sets(st.text("ab/", max_size=6).map("s3://".__add__), max_size=60),
)
def test_exactly_the_globs_without_a_match_are_found(texts: list[str], refs: set[str]) -> None:
    expected = [text for text in texts if not any(map(glob(text).match, refs))]

    assert expected == [one.glob for one in unmatched(placed(*texts), refs)]


LINES = [classified("a", "rose"), classified("b", "kind")]


def ignored(*paths: str, match: str | None = None) -> list[PlacedPath]:
    return [PlacedPath(path, match, HERE) for path in paths]


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/*-metadata/creation_date", "/*-metadata/creation-date"),
        ("/*-meta/creation-date", "/rose-metadata/creation-date"),
        ("/kind-metadata/class-names", "/kind-metadata/class-name"),
        ("/*-metadata/creation-date/0", "/*-metadata/creation-date"),
    ],
)
def test_a_path_of_no_field_is_named_with_the_nearest_that_exists(path: str, near: str) -> None:
    (found,) = unmatched_paths(ignored(path, "/*-metadata/creation-date"), lambda: LINES)

    assert (path, HERE, "RKD1304") == (found.path, found.problem.origin, found.problem.code)
    assert not found.problem.is_error
    assert found.problem.message.endswith(f"; the nearest path that exists is {near}")


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("/kind-metadata/type", None),
        ("/*", None),
        ("/source-ref", None),
        ("/rose-metadata/job-name", None),
        ("/*-metadata/typo", "s3://nothing/**"),
    ],
)
def test_a_path_of_a_field_that_an_entry_has_or_may_have_is_no_warning(path: str, match: str | None) -> None:
    """The job name is optional: AWS may have one where git has none. Of a rule for no image, `match` is wrong."""
    assert () == unmatched_paths(ignored(path, match=match), lambda: LINES)


def test_a_path_applies_only_to_the_images_of_its_rule() -> None:
    assert 1 == len(unmatched_paths(ignored("/kind", match="s3://b/a.jpg"), lambda: LINES))


def test_a_field_that_only_aws_has_is_worth_ignoring() -> None:
    """The service keeps members that git does not know."""
    found = unmatched_paths(ignored("/id", "/idd"), lambda: LINES)

    left = still_unmatched_paths(found, lambda: [*LINES, b'{"source-ref":"s3://b/z.jpg","id":7}'])

    assert ["/idd"] == [one.path for one in left]


def test_what_is_observed_counts_too() -> None:
    """A glob that matches only an observed entry is used: an orphan can be protected as well."""
    found = unmatched(placed("s3://acme-bees/old/*", "s3://acme-bees/odl/*"), REFS)

    left = still_unmatched(found, ["s3://acme-bees/old/1.jpg"])

    assert ["s3://acme-bees/odl/*"] == [one.glob for one in left]


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_however_few_are_tried_one_by_one_the_result_is_the_same(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond some source-refs, all globs that are left are matched together."""
    monkeypatch.setattr(module, "_TRIED", limit)
    texts = ["s3://acme-bees/**/049.jpg", "s3://acme-bees/test/*", "s3://acme-bees/*/050.jpg", "**/a/048.jpg"]
    texts.append("s3://zzz/**")

    found = unmatched(placed(*texts), REFS)

    assert ["s3://acme-bees/*/050.jpg", "s3://zzz/**"] == [one.glob for one in found]
    observed = [*REFS, "s3://acme-bees/x/050.jpg"]
    assert ["s3://zzz/**"] == [one.glob for one in still_unmatched(found, observed)]
