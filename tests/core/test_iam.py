"""Policies are as narrow as the specs let them be. That they are wide enough, tests/cli/test_rebuild.py tells."""

import pytest

from reconciler.core.iam import Level, policy
from reconciler.core.spec.documents import Target

ROLE = "arn:aws:iam::444455556666:role/labels"
ARN = "arn:aws:rekognition:eu-west-1:111122223333:project/flowers/dataset/test/1700000000000"


def resources(level: Level, **fields: object) -> dict[str, list[str]]:
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
    """A role acts in its own account, unless the spec insists on another one, and is then never used."""
    found = resources(Level.READ, project="flowers", type="TRAIN", **fields)

    assert [f"arn:aws:rekognition:{place}:project/flowers/dataset/train/*"] == found["Datasets"]


def test_a_role_is_named():
    found = resources(Level.READ, project="flowers", type="TRAIN", roleArn=ROLE)

    assert [ROLE] == found["AssumeRoles"]
    assert "AssumeRoles" not in resources(Level.READ, project="flowers", type="TRAIN")


def test_a_dataset_that_is_named_whole_is_the_only_one():
    """And its project is the one that its ARN names."""
    found = resources(Level.REBUILD, datasetArn=ARN)

    assert [ARN] == found["Datasets"]
    assert ["arn:aws:rekognition:eu-west-1:111122223333:project/flowers/*"] == found["CreateAnew"]
    assert found["CreateAnew"] == found["SeeTrainings"]
