"""What is shown holds no credentials, whoever wrote them into a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import redact
from reconciler.errors import ReconcilerError
from reconciler.redact import REDACTED, redacted

# Assembled here, so that no scanner takes them for real ones.
KEY, TOKEN = "AKIA" + "PLANTED1" * 2, "IQoJ" + "b3JpZ2luX2Vj" * 9
SECRET_KEY = "wJalrXUt" + "nFEMI/K7" + "MDENGbPx" + "RfiCYzEX" + "AMPLEKEY"
JWT = ".".join(["eyJhbGciOiJub25lIn0", "eyJzdWIiOiJ4In0x", ""])


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
        ("http://u:SECRET/x@host: bad port", f"http://{REDACTED}@host: bad port"),
        ("http://u:p@ss@host/r", f"http://{REDACTED}@host/r"),
        ("https://t0ken@host/r", f"https://{REDACTED}@host/r"),
        ("GET https://h/r?a=1&token=abc&b=2", f"GET https://h/r?a=1&token={REDACTED}&b=2"),
        ("https://h/r?private_token=abc", f"https://h/r?private_token={REDACTED}"),
        (
            "the import failed: password=hunter2 was refused",
            f"the import failed: password={REDACTED} was refused",
        ),
        ("Password: hunter2", f"Password: {REDACTED}"),
        ("db_password: swordfish", f"db_password: {REDACTED}"),
        ('{"password": "correct horse", "user": "x"}', f'{{"password": "{REDACTED}", "user": "x"}}'),
        ('{\\"secret\\":\\"hunter2\\"}', f'{{\\"secret\\":\\"{REDACTED}\\"}}'),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: {REDACTED}"),
        ("'Authorization': 'Bearer abc.def'", f"'Authorization': '{REDACTED}'"),
        ("authorization=token 0123abc", f"authorization={REDACTED}"),
        ("sent Bearer abcdefgh12345678", f"sent Bearer {REDACTED}"),
        ("X-Amz-Security-Token: abc", f"X-Amz-Security-Token: {REDACTED}"),
        ("<SecretAccessKey>abc/def</SecretAccessKey>", f"<SecretAccessKey>{REDACTED}</SecretAccessKey>"),
        ("aws_secret_access_key = abc", f"aws_secret_access_key = {REDACTED}"),
        (f"key {SECRET_KEY} leaked", f"key {REDACTED} leaked"),
        (f"secret: {SECRET_KEY}.", f"secret: {REDACTED}"),
        (f"a web identity {JWT}", f"a web identity {REDACTED}"),
        ("glpat-" + "x" * 20, REDACTED),
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
        "https://host:8443/repo.git",
        "s3://acme/train/a:1@2.jpg",
        "AWS_SESSION_TOKEN: holds a line end",
        "--token-env: the secret is empty; a bearer token is needed",
        "InvalidIdentityToken: the token is expired",
        "page token=, 3 tokens: all unread",
        "acme/flowers-2026/Train/IMG20260301120000Aaaaaaa.jpg",
        "s3://acme/" + "Ab1" * 12 + "abcd",
    ],
)
def test_all_else_stays(text: str):
    """An image, an ARN, a commit are what people look for."""
    assert text == redacted(text)


def test_what_is_known_to_be_a_secret_is_replaced_wherever_it_stands(monkeypatch: pytest.MonkeyPatch):
    """However little it looks like one. A path that is named by a variable stays: the message is about it."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_those_of(
        {
            "AWS_SECRET_ACCESS_KEY": "not-quite-usual",
            "RECONCILER_TOKEN": "open sesame",
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
            "AWS_PROFILE": "flowers-prod",
            "MY_PASSWORD": "short",
        }
    )

    text = "not-quite-usual, open sesame, /var/run/token, flowers-prod, short"
    assert f"{REDACTED}, {REDACTED}, /var/run/token, flowers-prod, short" == redacted(text)


def test_an_account_id_is_no_secret(monkeypatch: pytest.MonkeyPatch):
    """Emulators take one for an access key ID; a message about another account would lose its numbers."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_those_of({"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "1111222233334"})

    assert f"account 111122223333, {REDACTED}" == redacted("account 111122223333, 1111222233334")


def test_every_error_is_redacted_when_it_is_read():
    """So that no place that shows one has to think of it."""
    assert f"the key {REDACTED} does not exist" == str(ReconcilerError(f"the key {KEY} does not exist"))


@pytest.mark.parametrize(
    "part", ["://a:", "eyJ-", "password ", "IQoJ", "aA0/" * 9, "Bearer ", "-----BEGIN PRIVATE KEY-----"]
)
def test_takes_linear_time(part: str):
    """A text of AWS, or of whoever answers in its place, may be long and hostile."""
    assert redacted(part * 10_000)


@given(st.text(max_size=60))
def test_twice_is_once(text: str):
    """What was redacted on its way in is redacted again on its way out."""
    assert redacted(text) == redacted(redacted(text))


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("slack://T0K3N-one/T0K3N-two/T0K3N-three", ["T0K3N-one", "T0K3N-two", "T0K3N-three"]),
        (
            "cloudevents+https://me:p%40ssw0rd@events.example/Wh00k-path?key=V4lue-of-it",
            ["p@ssw0rd", "Wh00k-path", "V4lue-of-it"],
        ),
        ("mailto://robot:s3cr3t-word@mail.example?to=a@b.example", ["s3cr3t-word"]),
    ],
)  # fmt: skip
def test_no_part_of_a_secret_url_is_shown(url, secrets, monkeypatch):
    """A library names parts of an address in its errors, decoded or not."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_url(url)

    for secret in secrets:
        assert f"POST to {REDACTED} failed" == redacted(f"POST to {secret} failed")
    assert REDACTED == redacted(url)


def test_names_of_hosts_and_words_of_a_secret_url_stay_readable(monkeypatch):
    """Else 127.0.0.1 would be missing in every line."""
    monkeypatch.setattr(redact, "_known", set())
    redact.know_url("json://127.0.0.1:65535/services/webhooks")
    redact.know_url(
        "cloudevents+http://broker-ingress.knative-eventing.svc.cluster.local/default/notifications"
    )

    text = "http://127.0.0.1:65535 broker-ingress.knative-eventing.svc.cluster.local services notifications"
    assert text == redacted(text)
