"""The parts of an ARN."""

from __future__ import annotations

import pytest

from reconciler.core.spec.choices import Arn, DatasetType, QueueAddress


def test_a_dataset_arn_names_its_region_account_and_project():
    """A colon in the resource does not end it."""
    arn = Arn.parse("arn:aws-cn:rekognition:cn-north-1:123456789012:project/a.b_c-1/dataset/train/17:x")

    assert ("aws-cn", "cn-north-1", "123456789012") == (arn.partition, arn.region, arn.account)
    assert ("a.b_c-1", "project/a.b_c-1/dataset/train/17:x") == (arn.project, arn.resource)
    assert ("a.b_c-1", DatasetType.TRAIN) == arn.dataset


def test_text_that_is_no_arn_is_refused():
    with pytest.raises(ValueError, match="not enough values"):
        Arn.parse("arn:aws:s3")


ARN = "arn:aws:sqs:us-east-1:111122223333:changes"
CHINA = "arn:aws-cn:sqs:cn-north-1:111122223333:a.fifo"


@pytest.mark.parametrize(
    ("text", "arn", "url", "endpoint"),
    [
        (f"sqs://{ARN}", ARN, None, None),
        (f"sqs://{CHINA}", CHINA, None, None),
        (
            "sqs://sqs.us-east-1.amazonaws.com/111122223333/changes",
            ARN,
            "https://sqs.us-east-1.amazonaws.com/111122223333/changes",
            None,
        ),
        (
            "sqs://https://sqs.us-east-1.amazonaws.com/111122223333/changes",
            ARN,
            "https://sqs.us-east-1.amazonaws.com/111122223333/changes",
            None,
        ),
        (
            "sqs://https://sqs.cn-north-1.amazonaws.com.cn/111122223333/changes",
            "arn:aws-cn:sqs:cn-north-1:111122223333:changes",
            "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/changes",
            None,
        ),
        (
            "sqs://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com/111122223333/changes",
            ARN,
            "https://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com/111122223333/changes",
            "https://vpce-1-2.sqs.us-east-1.vpce.amazonaws.com",
        ),
        (
            "sqs://http://127.0.0.1:4580/111122223333/changes",
            "arn:aws:sqs:*:111122223333:changes",
            "http://127.0.0.1:4580/111122223333/changes",
            "http://127.0.0.1:4580",
        ),
    ],
)
def test_an_arn_and_a_url_name_the_same_queue(text, arn, url, endpoint):
    """The Region comes from either; calls go to the host of the URL if it is not the usual one."""
    found = QueueAddress.parse(text)

    assert (arn, url, endpoint) == (found.arn, found.url, found.endpoint)


@pytest.mark.parametrize(
    "text", ["", ARN, "sqs://", "sqs://x", f"sqs://{ARN}:x", "sqs://h/1/q", "sqs://h/111122223333/"]
)
def test_anything_else_is_refused_with_both_forms(text):
    """The message shows what to write."""
    with pytest.raises(ValueError, match="sqs://arn:aws:sqs:REGION:ACCOUNT:NAME or sqs://HOST"):
        QueueAddress.parse(text)
