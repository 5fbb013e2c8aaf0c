"""
The doors to images and manifests against OpenStack Swift: a real S3 that shares nothing with the emulator.

How Swift is found and started: `tests.emulator.s3.test_swift`.
"""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import boto3
import pytest

from reconciler.core.images.header import Header
from reconciler.core.images.judgement import CheckedImage
from reconciler.core.spec.choices import PinnedObject
from reconciler.core.spec.documents import Target
from reconciler.engine.images.look_up import look_up
from reconciler.errors import ManifestDenied, ManifestUnavailable, ManifestUnusable
from reconciler.rekognition.image_store import ImageStore
from reconciler.rekognition.manifest_store import ManifestStore
from reconciler.sources.manifests import ManifestCache
from tests.convert.inputs import png
from tests.emulator.s3 import test_swift
from tests.emulator.s3.test_swift import swift

__all__ = ["swift"]

pytestmark = test_swift.pytestmark

TARGET = Target(project="flowers", type="TRAIN")
PROFILE = b"\xff\xd8" + b"\xff\xe2\xff\xff" + bytes(65_533)
JPEG = PROFILE + PROFILE[2:] * 8 + b"\xff\xc0\0\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\0"


def test_images_are_found_and_read_in_swift(swift):
    """Keys of any script, an image that is missing, a header behind a large profile, an empty object."""
    swift.create_bucket(Bucket="images")
    contents = {"a/1.png": png(70, 80), "a/ü \U0001f600.jpg": JPEG, "b/empty.jpg": b""}
    for key, content in contents.items():
        swift.put_object(Bucket="images", Key=key, Body=content)
    for number in range(20):
        swift.put_object(Bucket="images", Key=f"a/other/{number:02}.png", Body=b"x")
    store, keys = ImageStore(swift), sorted([*contents, "a/missing.png"])

    with ThreadPoolExecutor(2) as pool:
        decided = [one for batch in look_up(store, pool, "images", keys, lambda _: None) for one in batch]

    found = {key: stored and store.read("images", key, stored) for key, stored in decided}
    assert found.keys() == set(keys)
    assert found["a/missing.png"] is None
    assert Header("empty") == found["b/empty.jpg"].header
    assert CheckedImage(found["a/1.png"].etag, len(png(70, 80)), Header("PNG", 70, 80)) == found["a/1.png"]
    assert Header("JPEG", 640, 480) == found["a/ü \U0001f600.jpg"].header
    assert {"ListObjectsV2": 1, "GetObject": 3} == store.requests


def test_pinned_manifests_are_read_from_swift(swift, tmp_path):
    """Versions, keys of any script, several pieces, swapped bytes, and what is not there, told apart."""
    swift.create_bucket(Bucket="manifests")
    swift.put_bucket_versioning(Bucket="manifests", VersioningConfiguration={"Status": "Enabled"})
    content, key = bytes(range(256)) * 12_000, "a/ü \U0001f600.manifest"
    version = swift.put_object(Bucket="manifests", Key=key, Body=content)["VersionId"]
    swift.put_object(Bucket="manifests", Key=key, Body=b"swapped")
    store = ManifestStore(lambda: swift)
    cache = ManifestCache(tmp_path / "kept", lambda pinned, _, into: store.download(pinned, into))
    old = PinnedObject("manifests", key, version, sha256(content).hexdigest())

    with cache.open(old, TARGET) as stream:
        assert content == stream.read()
    new = PinnedObject("manifests", key, None, sha256(b"other").hexdigest())
    with pytest.raises(ManifestUnusable, match=sha256(b"swapped").hexdigest()):
        cache.open(new, TARGET)
    for gone, reason in (
        (new._replace(key="no"), "NoSuchKey"),
        (new._replace(bucket="nobody"), "NoSuchBucket"),
        (new._replace(version_id="no-version"), "version no-version"),
    ):
        with pytest.raises(ManifestUnavailable, match=reason):
            cache.open(gone, TARGET)
    stranger = boto3.client(
        "s3",
        endpoint_url=swift.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test:tester",
        aws_secret_access_key="wrong",
        config=swift.meta.config,
    )
    with pytest.raises(ManifestDenied, match="SignatureDoesNotMatch"):
        ManifestStore(lambda: stranger).download(old, lambda _: None)
