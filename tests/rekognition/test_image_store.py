"""Images in S3 as they are looked up and read: answers of AWS that the emulator does not give."""

import io

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from reconciler.core.images.header import EMPTY, Header
from reconciler.core.images.judgement import ARCHIVED, CheckedImage
from reconciler.core.images.lookup import Stored
from reconciler.errors import Denied, Throttled, Unavailable
from reconciler.ports import ImagePage
from reconciler.rekognition.image_store import ImageStore
from tests.convert.inputs import png

STORED = Stored("e", 100)
IMAGE = png(70, 80)


@pytest.fixture(autouse=True)
def every_answer_was_asked_for(s3):
    yield
    s3.assert_no_pending_responses()


def part(data, of, start=0, etag='"e"'):
    return {
        "Body": StreamingBody(io.BytesIO(data), len(data)),
        "ContentLength": len(data),
        "ContentRange": f"bytes {start}-{start + len(data) - 1}/{of}",
        "ETag": etag,
    }


def test_a_page_is_read_with_its_etags_and_the_region_of_the_bucket(s3):
    """S3 quotes an ETag, and names the Region in a header."""
    s3.add_response(
        "list_objects_v2",
        {
            "Contents": [{"Key": "a", "ETag": '"e"', "Size": 100}],
            "IsTruncated": True,
            "ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}},
        },
        {"Bucket": "b", "Prefix": "p/", "StartAfter": "p/0"},
    )

    found = ImageStore(s3.client).page("b", "p/", "p/0")

    assert ImagePage({"a": STORED}, more=True, region="eu-west-1") == found


@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_a_bucket_that_only_its_own_region_can_list_is_named(s3, code):
    """As S3 answers where the SDK does not follow to the right Region."""
    s3.add_client_error(
        "list_objects_v2",
        code,
        http_status_code=301,
        response_meta={"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}},
    )

    assert ImagePage(None, more=False, region="eu-west-1") == ImageStore(s3.client).page("b", "", "")


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("403", 403, Denied), ("SlowDown", 503, Throttled), ("InternalError", 500, Unavailable)],
)
def test_a_head_that_is_refused_is_no_missing_image(s3, code, status, expected):
    """Only 404 is."""
    s3.add_client_error("head_object", code, http_status_code=status)

    with pytest.raises(expected, match="HeadObject"):
        ImageStore(s3.client).head("b", "k")


def test_a_missing_image_has_no_head(s3):
    """The answer to HEAD has no body that could name the error."""
    s3.add_client_error("head_object", "404", http_status_code=404)

    assert ImageStore(s3.client).head("b", "k") is None


def test_an_image_that_went_after_the_listing_is_missing(s3):
    s3.add_client_error("get_object", "NoSuchKey", http_status_code=404)

    assert ImageStore(s3.client).read("b", "k", STORED) is None


def test_an_archived_image_is_distinguished_from_a_denied_one(s3):
    """S3 answers both with 403."""
    s3.add_client_error("get_object", "InvalidObjectState", http_status_code=403)

    assert CheckedImage("e", 100, Header(ARCHIVED)) == ImageStore(s3.client).read("b", "k", STORED)


def test_an_empty_object_is_not_read(s3):
    """A range of it would be an error."""
    assert CheckedImage("e", 0, Header(EMPTY)) == ImageStore(s3.client).read("b", "k", Stored("e", 0))


def test_an_image_that_is_replaced_while_it_is_read_is_read_again(s3):
    """Never half of one and half of another."""
    jpeg = b"\xff\xd8\xff\xe2\xff\xff" + bytes(70_000)
    s3.add_response("get_object", part(jpeg[: 64 << 10], 200_000), {"Bucket": "b", "Key": "k", "Range": ANY})
    s3.add_client_error("get_object", "PreconditionFailed", http_status_code=412)
    s3.add_response("get_object", part(IMAGE, len(IMAGE), etag='"f"'))

    found = ImageStore(s3.client).read("b", "k", STORED)

    assert CheckedImage("f", len(IMAGE), Header("PNG", 70, 80)) == found


def test_a_server_that_ignores_ranges_is_read_no_further_than_needed(s3):
    """The length of the answer is that of the image."""
    whole = {
        "Body": StreamingBody(io.BytesIO(IMAGE + bytes(100_000)), None),
        "ContentLength": len(IMAGE) + 100_000,
        "ETag": '"e"',
    }
    s3.add_response("get_object", whole)

    found = ImageStore(s3.client).read("b", "k", STORED)

    assert CheckedImage("e", len(IMAGE) + 100_000, Header("PNG", 70, 80)) == found
