"""Where a repository is: what is no URL is a mistake of the command line, and is shown without its password."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.sources.git.address import Address


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/x",
        "https://host:port/repo",
        "https://host:99999/repo",
        "http://u:s3cr3t-pass/x@host",
        "http://u:s3cr3t-pass@x@host:y/",
        "https://host/\udcff",
    ],
)
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    """Python quotes what it cannot read, be it a password."""
    with pytest.raises(UsageError, match="is not a URL") as caught:
        Address(url)

    assert "s3cr3t" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_token_in_the_query_is_not_shown() -> None:
    address = Address("https://host/repo.git?access_token=t0ken-of-some-length&depth=1")

    assert "https://host/repo.git?access_token=[redacted]&depth=1" == address.name
    assert "t0ken" in address.url
