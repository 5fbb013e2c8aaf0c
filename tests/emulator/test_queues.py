"""SQS as boto3 calls it, and the records of calls that CloudTrail puts into a queue."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.server import Emulator, Running
from reconciler.emulator.testing import client
from tests.emulator.builders import dataset, labelled, update, uri
from tests.waiting import until


@pytest.fixture
def sqs(rekognition_emulator: Running) -> Any:
    return client(rekognition_emulator, "sqs")


@pytest.fixture
def queue(sqs: Any) -> str:
    """The URL of a queue, which records every later call that writes."""
    return sqs.create_queue(QueueName="changes")["QueueUrl"]


def received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    """Receive up to ten messages."""
    return sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])


def records(sqs: Any, queue: str) -> list[dict[str, Any]]:
    """The details of all messages, which are deleted."""
    found = received(sqs, queue)
    for message in found:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"])["detail"] for message in found]


def code(exc: pytest.ExceptionInfo[ClientError]) -> str:
    return exc.value.response["Error"]["Code"]


def test_a_message_is_hidden_until_its_time_is_over_and_gone_once_deleted(sqs, queue, emulator: Emulator):
    """At least once: a receiver that dies gets it again, one that deletes it does not."""
    sqs.send_message(QueueUrl=queue, MessageBody="né")

    (first,) = received(sqs, queue)
    assert "né" == first["Body"]
    assert [] == received(sqs, queue)
    emulator.clock.advance(31)
    (second,) = received(sqs, queue)
    assert (first["MessageId"], "2") == (second["MessageId"], second["Attributes"]["ApproximateReceiveCount"])

    sqs.delete_message(QueueUrl=queue, ReceiptHandle=second["ReceiptHandle"])
    emulator.clock.advance(31)
    assert [] == received(sqs, queue)


def test_a_message_can_be_given_back_at_once(sqs, queue):
    """ChangeMessageVisibility with 0 shows it to the next receiver."""
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    (message,) = received(sqs, queue)

    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)

    assert ["x"] == [message["Body"] for message in received(sqs, queue)]


def test_a_long_poll_ends_as_soon_as_there_is_a_message(sqs, queue, rekognition_emulator):
    """A receiver waits in the service, not between its calls."""
    found: list[Any] = []
    waiting = threading.Thread(
        target=lambda: found.extend(
            client(rekognition_emulator, "sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)[
                "Messages"
            ]
        )
    )
    waiting.start()
    sqs.send_message(QueueUrl=queue, MessageBody="x")

    until(lambda: found, 10)

    assert "x" == found[0]["Body"]
    waiting.join()


def test_a_queue_that_does_not_exist_has_the_code_of_the_query_protocol(sqs, queue):
    """SDKs give the old code, which receivers look for."""
    with pytest.raises(ClientError) as exc:
        sqs.receive_message(QueueUrl=f"{queue}-other")

    assert "AWS.SimpleQueueService.NonExistentQueue" == code(exc)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="other")


def test_queues_belong_to_an_account_and_a_region(sqs, queue, rekognition_emulator):
    """The same name elsewhere is another queue."""
    elsewhere = client(rekognition_emulator, "sqs", region="eu-west-1")

    with pytest.raises(elsewhere.exceptions.QueueDoesNotExist):
        elsewhere.get_queue_url(QueueName="changes")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"WaitTimeSeconds": 21}, "InvalidParameterValue"),
        ({"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        ({"VisibilityTimeout": -1}, "InvalidParameterValue"),
    ],
)
def test_values_beyond_the_limits_are_refused(sqs, queue, arguments, expected):
    """The limits of the API reference."""
    with pytest.raises(ClientError) as exc:
        sqs.receive_message(QueueUrl=queue, **arguments)

    assert expected == code(exc)


def test_a_call_is_recorded_with_its_request_id_and_principal(sqs, queue, rekognition):
    """The record has the request id that the caller got, which is how callers recognise their own."""
    arn = dataset(rekognition)
    records(sqs, queue)

    answer = rekognition.update_dataset_entries(
        DatasetArn=arn, Changes={"GroundTruth": labelled("a.jpg", "x")}
    )

    (record,) = records(sqs, queue)
    assert "UpdateDatasetEntries" == record["eventName"]
    assert {"datasetArn": arn, "changes": {}} == record["requestParameters"]
    assert answer["ResponseMetadata"]["RequestId"] == record["requestID"]
    assert ("IAMUser", "emulator") == (record["userIdentity"]["type"], record["userIdentity"]["userName"])
    assert "errorCode" not in record


def test_a_refused_call_is_recorded_with_its_error(sqs, queue, rekognition):
    """CloudTrail records refused calls, too."""
    with pytest.raises(ClientError):
        update(rekognition, "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1", "{}")

    assert ["ResourceNotFoundException"] == [record["errorCode"] for record in records(sqs, queue)]


def test_calls_that_read_are_not_recorded(sqs, queue, rekognition):
    """A rule of EventBridge gets no read-only calls unless it asks for them."""
    rekognition.describe_projects()

    assert [] == records(sqs, queue)


def test_an_edit_in_the_console_is_recorded_as_its_user(sqs, queue, rekognition, emulator: Emulator):
    """The console calls the API in the name of the person who uses it."""
    arn = dataset(rekognition, labelled("a.jpg", "x"))
    records(sqs, queue)

    emulator.act({"do": "relabel", "dataset": arn, "source_ref": uri("a.jpg"), "old": "x", "new": "y"})

    (record,) = records(sqs, queue)
    assert ("UpdateDatasetEntries", arn) == (record["eventName"], record["requestParameters"]["datasetArn"])
    assert record["userIdentity"]["arn"].endswith("assumed-role/Labelling/console-user")


def test_a_reset_removes_all_queues(sqs, queue, emulator: Emulator):
    """A test that resets the emulator begins without messages of another."""
    emulator.reset()

    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="changes")


def script(sqs: Any) -> list[Any]:
    """What a receiver may meet: the answers, or the codes of the refusals."""
    url = sqs.create_queue(QueueName="changes", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a")
    (message,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    handle, names = message["ReceiptHandle"], sorted(message)

    def bodies() -> list[str]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [each["Body"] for each in found]

    def shown() -> list[str]:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        return bodies()

    def refused(call: Callable[[], Any]) -> Any:
        try:
            answer = call()
        except ClientError as exc:
            return exc.response["Error"]["Code"]
        return {key: value for key, value in answer.items() if key not in ("ResponseMetadata", "QueueUrl")}

    return [
        names,
        message["Body"],
        message["MD5OfBody"],
        message["Attributes"]["ApproximateReceiveCount"],
        bodies(),
        shown(),
        refused(lambda: sqs.receive_message(QueueUrl=f"{url}-other")),
        refused(lambda: sqs.get_queue_url(QueueName="other")),
        refused(lambda: sqs.get_queue_url(QueueName="changes", QueueOwnerAWSAccountId=url.split("/")[-2])),
        refused(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=21)),
        refused(lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=11)),
        refused(lambda: sqs.delete_message(QueueUrl=f"{url}-other", ReceiptHandle=handle)),
        refused(lambda: sqs.delete_queue(QueueUrl=url)),
        refused(lambda: sqs.receive_message(QueueUrl=url)),
    ]


def test_the_same_script_gives_the_same_answers_as_moto(sqs):
    """Another implementation of SQS is the reference, as for S3."""
    with moto.mock_aws():
        reference = boto3.session.Session().client(
            "sqs", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
        )
        expected = script(reference)

    assert expected == script(sqs)
