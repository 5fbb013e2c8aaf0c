"""Where a repository is: what is no URL is a mistake of the command line, and is shown without its password."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.redact import redacted
from reconciler.sources.git.address import Address, ambiguity, without_password
from reconciler.sources.git.clone import Clone


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/x",
        "https://host:port/repo",
        "https://host:99999/repo",
        "http://u:s3cr3t-pass/x@host",
        "http://u:s3cr3t-pass@x@host:y/",
        "https://host/\udcff",
        "http://ho st/x",
        "https://host/x\ny",
        "http://a@b@host/x",
        "HTTP://host/x",
        "http:///x",
        "file://",
        "ext::sh -c true",
        "fd::17",
    ],
)
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    """Python quotes what it cannot read, be it a password."""
    with pytest.raises(UsageError, match="is not a URL") as caught:
        Address(url)

    assert "s3cr3t" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "https://host:8443/x",
        "ssh://host:22/x",
        "git@host:x",
        "/a b",
        "file:///a b",
        "codecommit::eu-west-1://x",
    ],
)
def test_what_git_can_fetch_from_is_named_in_full(url: str, tmp_path: Path) -> None:
    """A port and a ref after the path are not taken for a password."""
    name = Clone(tmp_path, Address(url), "main").name

    assert f"{url}#main" == name == redacted(name)


def test_a_token_in_the_query_is_not_shown() -> None:
    address = Address("https://host/repo.git?access_token=t0ken-of-some-length&depth=1")

    assert "https://host/repo.git?access_token=[redacted]&depth=1" == address.name
    assert "t0ken" in address.url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:secret@host:8443/x", "https://host:8443/x"),
        ("https://user:s@cret@host/x", "https://host/x"),
        ("https://host/x@y:z@w", "https://host/x@y:z@w"),
        ("user:secret@host:x", "host:x"),
        ("git@host:x", "git@host:x"),
        ("/a:b@c", "/a:b@c"),
        ("./user:a@b", "./user:a@b"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, expected: str) -> None:
    """As git writes it: a path may hold the same signs."""
    assert expected == without_password(url)


@pytest.mark.parametrize(
    ("ref", "full", "tags", "warned"),
    [
        ("main", "refs/heads/main", ["refs/tags/main"], True),
        ("main", "refs/heads/main", ["refs/tags/other"], False),
        ("main", "refs/tags/main", ["refs/tags/main"], False),
        ("HEAD", "HEAD", ["refs/tags/HEAD"], False),
    ],
)
def test_a_name_of_a_branch_and_a_tag_is_warned_of(
    ref: str, full: str, tags: list[str], warned: bool
) -> None:
    """Only where the branch is what is followed."""
    assert warned == bool(ambiguity(ref, full, dict.fromkeys([full, *tags], "0" * 40)))
