"""The parts of an ARN."""

import pytest

from reconciler.core.spec.choices import Arn


def test_a_dataset_arn_names_its_region_account_and_project():
    """A colon in the resource does not end it."""
    arn = Arn.parse("arn:aws-cn:rekognition:cn-north-1:123456789012:project/a.b_c-1/dataset/train/17:x")

    assert ("aws-cn", "cn-north-1", "123456789012") == (arn.partition, arn.region, arn.account)
    assert ("a.b_c-1", "project/a.b_c-1/dataset/train/17:x") == (arn.project, arn.resource)


def test_text_that_is_no_arn_is_refused():
    with pytest.raises(ValueError, match="not enough values"):
        Arn.parse("arn:aws:s3")
