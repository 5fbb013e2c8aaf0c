"""What is shown holds no credentials, whoever wrote them into a text."""

from __future__ import annotations

import pytest

from reconciler.core.redact import REDACTED, redacted

# Assembled here, so that no scanner takes them for real ones.
KEY, TOKEN = "AKIA" + "PLANTED1" * 2, "IQoJ" + "b3JpZ2luX2Vj" * 9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"the key {KEY} does not exist", f"the key {REDACTED} does not exist"),
        (f"the token {TOKEN} has expired", f"the token {REDACTED} has expired"),
        (
            f"https://b/k.jpg?X-Amz-Credential={KEY}%2F20260301&X-Amz-Date=2026&X-Amz-Signature=0ff",
            f"https://b/k.jpg?X-Amz-Credential={REDACTED}&X-Amz-Date=2026&X-Amz-Signature={REDACTED}",
        ),
        (
            f"https://b.s3.amazonaws.com/k.jpg?AWSAccessKeyId={KEY}&Signature=c2ln&Expires=1",
            f"https://b.s3.amazonaws.com/k.jpg?AWSAccessKeyId={REDACTED}&Signature={REDACTED}&Expires=1",
        ),
        (
            f"AWS4-HMAC-SHA256 Credential={KEY}/20260301/us-east-1, SignedHeaders=host, Signature=0ff1ce",
            f"AWS4-HMAC-SHA256 Credential={REDACTED}, SignedHeaders=host, Signature={REDACTED}",
        ),
        ("https://user:pass@host/repo.git", f"https://{REDACTED}@host/repo.git"),
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str, expected: str):
    """The rest of the sentence stays: it says what went wrong."""
    assert expected == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "s3://acme-flowers/train/me@home.jpg",
        "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1700000000001",
        "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized",
        "021f759987bf9287ad26a0ec109c06dcf4ca3993",
        "the request signature does not match",
    ],
)
def test_all_else_stays(text: str):
    """An image, an ARN, a commit are what people look for."""
    assert text == redacted(text)
