"""Checking access to Rekognition, with one call for each check."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace

import boto3
import pytest

from reconciler import errors
from reconciler.rekognition.access import Caller, Skew
from reconciler.rekognition.calls import Limiter
from reconciler.rekognition.gateway import Rekognition
from reconciler.rekognition.settings import sdk_config
from tests.rekognition.conftest import Service, ok, refusal

ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/p/dataset/train/1"


@contextmanager
def diagnostic(service: Service, attempts: int) -> Iterator[Rekognition]:
    client = boto3.client(
        "rekognition",
        endpoint_url=service.url,
        region_name="eu-west-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=sdk_config(attempts=attempts),
    )
    with closing(client):
        limiter = Limiter(None, time.monotonic, time.sleep)
        yield Rekognition(client, lambda: client, limiter, "me")


def test_a_check_lists_one_entry_and_no_second_page(service: Service) -> None:
    """The check of the listing requests one entry and no second page, even if there are more."""
    service.answers = [ok(DatasetEntries=["{}"], NextToken="more")]
    with diagnostic(service, attempts=1) as gateway:
        gateway.list_one(ARN)

    assert [("ListDatasetEntries", {"DatasetArn": ARN, "MaxResults": 1})] == service.asked


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_call_is_tried_as_often_as_was_configured(service: Service, attempts: int) -> None:
    service.answers = [refusal("InternalServerError", 500)]
    with diagnostic(service, attempts) as gateway, pytest.raises(errors.Unavailable):
        gateway.list_one(ARN)

    assert attempts == len(service.asked)


def test_who_could_not_be_asked_is_not_asked_again() -> None:
    """Two hundred datasets with the same credentials wait for one refusal, not for two hundred."""
    asked = []

    def refused():
        asked.append(1)
        raise errors.Denied("no")

    caller = Caller(refused, str, Skew(lambda: 0.0))

    for _ in range(2):
        with pytest.raises(errors.Denied, match="no"):
            caller.identity()
    assert 1 == len(asked)


class Answer:
    def __init__(self, **headers: str) -> None:
        self.headers = headers


def test_the_smallest_difference_of_clocks_counts() -> None:
    """The smallest clock difference counts, as slow answers look older; one without a date is ignored."""
    skew = Skew(lambda: 1_000.0)

    for answer in (Answer(), Answer(date="?"), Answer(date="Thu, 01 Jan 1970 00:16:30 GMT")):
        skew._answered(answer)
    first = skew.seconds
    for at in ("00:16:42", "00:16:20"):
        skew._answered(Answer(date=f"Thu, 01 Jan 1970 {at} GMT"))

    assert (-10.0, 2.0) == (first, skew.seconds)


@pytest.mark.parametrize("answer", [{"Account": ["1", "2"], "Arn": "a"}, {"Account": "1", "Arn": ["a", "b"]}])
def test_a_repeated_element_of_sts_is_not_an_identity(answer: dict[str, object]) -> None:
    """What the SDK makes of XML with an element twice is no text, and cannot be printed."""
    client = SimpleNamespace(
        meta=SimpleNamespace(events=SimpleNamespace(register=lambda *_: None)),
        get_caller_identity=lambda: answer,
    )

    with pytest.raises(errors.UnknownAnswer, match="GetCallerIdentity"):
        Caller(lambda: client, str, Skew(lambda: 0.0)).identity()  # type: ignore[arg-type, return-value]
