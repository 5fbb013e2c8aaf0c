"""Which two targets may be the two datasets of one project."""

import pytest

from reconciler.core.spec.documents import Target

ROLE = "arn:aws:iam::111122223333:role/labels"
ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/test/1690476084535"


def target(**fields):
    named = {} if "datasetArn" in fields else {"project": "flowers", "type": "TRAIN"}
    return Target.model_validate({**named, **fields})


@pytest.mark.parametrize(
    ("one", "other", "may_be"),
    [
        ({}, {}, True),
        ({}, {"project": "birds"}, False),
        ({"region": "us-east-1"}, {"region": "us-east-1"}, True),
        ({"region": "us-east-1"}, {}, True),
        ({"region": "us-east-1"}, {"region": "eu-west-1"}, False),
        ({"region": "us-east-1"}, {"datasetArn": ARN}, True),  # the same credentials, whatever they are
        ({"region": "us-east-1", "accountId": "111122223333"}, {"datasetArn": ARN}, True),
        ({"accountId": "111122223333"}, {"accountId": "111122223333"}, True),
        ({"accountId": "111122223333"}, {"accountId": "444455556666"}, False),
        ({"accountId": "111122223333"}, {}, True),
        ({"roleArn": ROLE}, {}, False),
        ({"roleArn": ROLE}, {"accountId": "111122223333"}, True),
    ],
)
def test_two_targets_may_be_in_one_project(one, other, may_be):
    """Each of these decides whether a leak from TRAIN to TEST is looked for."""
    assert may_be == target(**one).may_be_beside(target(**other))
    assert may_be == target(**other).may_be_beside(target(**one))
