"""A queue of SQS through boto3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from botocore.config import Config

from reconciler import errors
from reconciler.core.spec.choices import QueueAddress
from reconciler.ports import Message
from reconciler.rekognition.settings import sdk_config
from reconciler.rekognition.translate import translated

WAIT_SECONDS: Final = 20
"""The longest poll that SQS allows; it costs one request."""

MAX_MESSAGES: Final = 10


def queue_config() -> Config:
    """Return the SDK settings: an answer takes as long as the poll, and the receiver repeats failed calls."""
    return sdk_config(attempts=2, read_seconds=WAIT_SECONDS + 10)


class SqsQueue:
    """
    `ports.EventQueue`.

    Args:
        client: Of SQS, of the Region of the queue.
    """

    def __init__(self, client: Any, address: QueueAddress) -> None:
        self._client = client
        self._address = address
        self._url = address.url

    @property
    def name(self) -> str:
        return self._address.arn

    def receive(self) -> Sequence[Message]:
        url = self._found_url()
        with translated("ReceiveMessage"):
            try:
                answer = self._client.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=MAX_MESSAGES,
                    WaitTimeSeconds=WAIT_SECONDS,
                    MessageSystemAttributeNames=["ApproximateReceiveCount"],
                )
            except self._client.exceptions.QueueDoesNotExist as exc:
                self._url = self._address.url  # it may be created again
                raise errors.NotFound(f"ReceiveMessage: there is no queue {self.name}") from exc
            return [_message(found) for found in answer.get("Messages", ())]

    def delete(self, message: Message) -> None:
        with translated("DeleteMessage"):
            self._client.delete_message(QueueUrl=self._found_url(), ReceiptHandle=message.receipt)

    def postpone(self, message: Message, seconds: int) -> None:
        with translated("ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._found_url(), ReceiptHandle=message.receipt, VisibilityTimeout=seconds
            )

    def _found_url(self) -> str:
        if self._url is None:
            with translated("GetQueueUrl"):
                try:
                    answer = self._client.get_queue_url(
                        QueueName=self._address.name, QueueOwnerAWSAccountId=self._address.account
                    )
                except self._client.exceptions.QueueDoesNotExist as exc:
                    raise errors.NotFound(f"GetQueueUrl: there is no queue {self.name}") from exc
                self._url = answer["QueueUrl"]
        return self._url


def _message(found: Any) -> Message:
    receives = found.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return Message(found["Body"], found["ReceiptHandle"], int(receives) if receives.isdecimal() else 1)
