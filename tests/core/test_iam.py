"""Policies are as narrow as the specs allow. That they suffice is tested in tests/cli/test_rebuild.py."""

import pytest

from reconciler.core.iam import AccessLevel, policy
from reconciler.core.spec.documents import Target

ROLE = "arn:aws:iam::444455556666:role/labels"
ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/dataset/test/1700000000000"


def resources(level: AccessLevel, **fields: object) -> dict[str, list[str]]:
    """Return the resources of each statement, for one target."""
    target = Target.model_validate(fields)
    return {each["Sid"]: each["Resource"] for each in policy(level, [target])["Statement"]}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({}, "*:*"),
        ({"region": "eu-west-1", "accountId": "111122223333"}, "eu-west-1:111122223333"),
        ({"roleArn": ROLE}, "*:444455556666"),
        ({"roleArn": ROLE, "accountId": "111122223333"}, "*:111122223333"),
    ],
)
def test_what_the_spec_knows_narrows_the_policy(fields, place):
    """A policy names the account of the role, unless the spec requires another one."""
    found = resources(AccessLevel.READ, project="flowers", type="TRAIN", **fields)

    assert [f"arn:aws:rekognition:{place}:project/flowers/dataset/train/*"] == found["Datasets"]


def test_a_role_is_named():
    found = resources(AccessLevel.READ, project="flowers", type="TRAIN", roleArn=ROLE)

    assert [ROLE] == found["AssumeRoles"]
    assert "AssumeRoles" not in resources(AccessLevel.READ, project="flowers", type="TRAIN")


def test_a_dataset_that_is_named_whole_is_the_only_one():
    """A dataset named by ARN is the only one in its policy, with the project of that ARN."""
    found = resources(AccessLevel.REBUILD, datasetArn=ARN)

    assert [ARN] == found["Datasets"]
    assert ["arn:aws:rekognition:eu-west-1:111122223333:project/flowers/*"] == found["CreateAnew"]
    assert found["CreateAnew"] == found["SeeTrainings"]


@pytest.mark.parametrize("level", [AccessLevel.READ, AccessLevel.WRITE, AccessLevel.REBUILD])
def test_a_queue_of_events_is_read_and_nothing_else_of_it_is_allowed(level):
    """A controller receives and deletes messages, and sends none."""
    queue = "arn:aws:sqs:us-east-1:111122223333:changes"
    target = Target.model_validate({"project": "flowers", "type": "TRAIN"})

    found = {each["Sid"]: each for each in policy(level, [target], queue=queue)["Statement"]}

    assert [queue] == found["ReadEvents"]["Resource"]
    assert [
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
    ] == found["ReadEvents"]["Action"]
    assert "ReadEvents" not in resources(level, project="flowers", type="TRAIN")


def test_images_are_listed_and_read_where_they_are_and_nothing_else_is_allowed():
    """Rekognition is not called, and other directories are not read."""
    target = Target.model_validate({"project": "flowers", "type": "TRAIN", "roleArn": ROLE})

    found = policy(AccessLevel.IMAGES, [target], ["acme/train/", "acme-2"])["Statement"]

    assert [
        ("ListImages", ["s3:ListBucket"], ["arn:aws:s3:::acme", "arn:aws:s3:::acme-2"]),
        ("ReadImages", ["s3:GetObject"], ["arn:aws:s3:::acme-2/*", "arn:aws:s3:::acme/train/*"]),
        ("AssumeRoles", ["sts:AssumeRole"], [ROLE]),
    ] == [(each["Sid"], each["Action"], each["Resource"]) for each in found]


def test_what_may_be_created_is_in_the_policy_of_those_who_write():
    """To read a dataset that does not exist yet needs no more; a spec that never creates does not either."""
    fields = {"project": "flowers", "type": "TRAIN", "region": "us-east-1", "accountId": "111122223333"}

    assert "CreateWhatIsMissing" not in resources(AccessLevel.READ, **fields, create=True)
    assert "CreateWhatIsMissing" not in resources(AccessLevel.WRITE, **fields)
    found = resources(AccessLevel.WRITE, **fields, create=True)
    assert ["arn:aws:rekognition:us-east-1:111122223333:project/flowers/*"] == found["CreateWhatIsMissing"]
