"""Images in S3: read for datasets of AWS only, and given up soon if refused."""

import io

import pytest
from botocore.response import StreamingBody

from reconciler.rekognition.image_store import ImageReader
from tests.rekognition.conftest import client

IMAGE = b"\x89PNG"
LOCAL = "http://127.0.0.1:1"


def answer(data: bytes) -> dict[str, object]:
    return {"Body": StreamingBody(io.BytesIO(data), len(data)), "ContentLength": len(data)}


def test_an_image_is_read_by_its_source_ref(s3):
    """An image is read by its source-ref, with the key as it stands."""
    s3.add_response("get_object", answer(IMAGE), {"Bucket": "b", "Key": "a b/ü?.png"})

    assert ImageReader(s3.client, client("rekognition")).read("s3://b/a b/ü?.png", 100) == IMAGE


def test_a_larger_image_is_left_alone(s3):
    """An image over the limit is not read, as its size is known first."""
    s3.add_response("get_object", answer(IMAGE))

    assert ImageReader(s3.client, client("rekognition")).read("s3://b/k", 3) is None


def test_no_image_of_another_service_is_read(s3):
    """For a dataset of an emulator AWS's own S3 is not asked."""
    s3.add_response("get_object", answer(IMAGE))

    assert ImageReader(s3.client, client("rekognition", LOCAL)).read("s3://b/k", 100) is None
    with pytest.raises(AssertionError):
        s3.assert_no_pending_responses()


def test_what_may_not_be_read_is_soon_given_up(s3):
    """After three refusals in a row no further image is requested."""
    for _ in range(4):
        s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
    pictures = ImageReader(s3.client, client("rekognition"))

    assert [None] * 5 == [pictures.read("s3://b/k", 100) for _ in range(5)]
    with pytest.raises(AssertionError):
        s3.assert_no_pending_responses()


def test_an_answer_that_is_none_of_s3_is_no_image(s3):
    """An answer without a length, as of a proxy, costs the image and not the report."""
    s3.add_response("get_object", {"Body": StreamingBody(io.BytesIO(IMAGE), None)})

    assert ImageReader(s3.client, client("rekognition")).read("s3://b/k", 100) is None
