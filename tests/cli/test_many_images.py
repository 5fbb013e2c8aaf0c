"""
``check-images`` on thousands of images in OpenStack Swift: a real S3 that shares nothing with the emulator.

Some images are wrong, in twelve ways. The check is killed in the middle, and the next one reads the rest alone.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from tests.builders import boxed, classified
from tests.convert.inputs import png
from tests.emulator.s3 import test_swift
from tests.emulator.s3.test_swift import swift
from tests.waiting import until

__all__ = ["swift"]

pytestmark = test_swift.pytestmark

IMAGES: Final = int(os.environ.get("SWIFT_IMAGES", "600"))
"""Reading 5,000, and writing them to Swift, takes some ten minutes where others use the machine too."""
BUCKET: Final = "acme"
EACH: Final = 3


def jpeg(width: int, height: int, **more: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (width % 256, height % 256, 99)).save(stream, "JPEG", **more)
    return stream.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(480, 640, exif=exif.tobytes())


SOUND: Final = (*[png(640, 480), jpeg(640, 480)] * 10, jpeg(640, 480, icc_profile=bytes(560_000)))
"""The last has its size behind a colour profile that fills nine segments."""

# By what is wrong: the object, None for none, and the code of its problem.
WRONG: Final[dict[str, tuple[bytes | None, str]]] = {
    "missing": (None, "ERROR_INVALID_IMAGE"),
    "empty": (b"", "ERROR_INVALID_IMAGE"),
    "webp": (b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30), "ERROR_INVALID_IMAGE"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "ERROR_INVALID_IMAGE"),
    "page": (b"<!doctype html><title>403</title>", "ERROR_INVALID_IMAGE"),
    "cut": (jpeg(640, 480)[:60], "ERROR_INVALID_IMAGE"),
    "heavy": (png(640, 480) + bytes(15_728_641), "ERROR_INVALID_IMAGE"),
    "long": (png(2_000, 64), "ERROR_INVALID_IMAGE"),
    "small": (png(63, 64), "ERROR_INVALID_IMAGE_DIMENSION"),
    "large": (png(4_097, 480), "ERROR_INVALID_IMAGE_DIMENSION"),
    "scaled": (png(1_280, 960), "RKD4001"),
    "turned": (turned(), "RKD4002"),
}
UNSIZED: Final = frozenset({"long", "small", "large"})
"""Their lines have no boxes, and so state no size: one of an image that is not allowed is refused offline."""


def keys() -> dict[str, str | None]:
    """Return what is wrong with each image, by its key; None for a sound one."""
    folders = ("train/", "train/a b/", "train/ü+%41/", "train/\U0001f41d/")
    wrong = [kind for kind in WRONG for _ in range(EACH)]
    sound: list[str | None] = [None] * (IMAGES - len(wrong))
    kinds = sound + wrong
    return {
        f"{folders[number % 4]}{number * 7_919 % 100_003:06}.jpg": kinds[number] for number in range(IMAGES)
    }


def line(key: str, wrong: str | None) -> bytes:
    raw = classified("x", "bee") if wrong in UNSIZED else boxed("x", ("bee", 0, 0, 9, 9))
    return raw.replace(b"s3://b/x.jpg", f"s3://{BUCKET}/{key}".encode())


@pytest.fixture
def check(tmp_path: Path, swift: Any) -> Callable[[], subprocess.Popen[bytes]]:
    swift.create_bucket(Bucket=BUCKET)
    wanted = keys()
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda item: put(swift, *item), enumerate(wanted.items())):
            pass
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "a.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: bees}\n"
        "spec:\n  target: {project: bees, type: TRAIN}\n  entries: [{file: a.jsonl}]\n"
    )
    (specs / "a.jsonl").write_bytes(b"".join(line(key, wrong) + b"\n" for key, wrong in wanted.items()))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL_S3": swift.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test:tester",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    words = [sys.executable, "-m", "reconciler", "check-images", "-o", "json"]
    return lambda: subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def put(client: Any, number: int, item: tuple[str, str | None]) -> None:
    key, wrong = item
    body = SOUND[number % len(SOUND)] if wrong is None else WRONG[wrong][0]
    if body is not None:
        until(lambda: is_stored(client, key, body))


def is_stored(client: Any, key: str, body: bytes) -> bool:
    try:
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ServiceUnavailable":  # as Swift answers on a busy machine
            raise
        return False
    return True


def known(root: Path) -> int:
    """Return how many images the state directory holds."""
    try:
        with closing(
            sqlite3.connect(f"file:{root / '.reconciler/state.sqlite3'}?mode=ro", uri=True)
        ) as state:
            return int(state.execute("SELECT count(*) FROM image").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_each_wrong_image_is_named_and_a_killed_check_goes_on(check, tmp_path):
    """Exact numbers by code; what was read before SIGKILL is not read again."""
    first = check()
    until(lambda: known(tmp_path) or first.poll() is not None)
    first.kill()
    first.communicate()
    assert -9 == first.returncode, "it ended before it was killed"
    kept = known(tmp_path)
    assert 0 < kept < IMAGES

    second = check()
    out, err = second.communicate(timeout=500)

    assert 5 == second.returncode, err.decode()
    (dataset,) = json.loads(out)["datasets"]
    counts = dataset["counts"]
    assert (IMAGES, EACH, kept, 0) == (
        counts["desired"], counts["missing"], counts["unchanged"], counts["unread"]
    )  # fmt: skip
    assert IMAGES - EACH - kept == counts["read"]
    assert Counter(code for _, code in WRONG.values() for _ in range(EACH)) == dataset["codes"]
    named = {problem["source_ref"]: problem["code"] for problem in dataset["problems"]}
    assert {f"s3://{BUCKET}/{key}": WRONG[wrong][1] for key, wrong in keys().items() if wrong} == named
