"""Put a picture of every image of the specs where the emulator of ``--local`` finds it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import orjson

from reconciler.core.entries.training_view import meaning
from reconciler.demo.pictures import picture
from reconciler.emulator.http import Request
from reconciler.emulator.server import Emulator
from reconciler.engine.usecases.spec_tree import read
from reconciler.sources.load import load
from reconciler.sources.trees.directory import open_path

# The emulator checks no signature, but it wants to know whose it is: the account that --local works in.
_SIGNED: Final = {
    "authorization": "AWS4-HMAC-SHA256 Credential=111122223333/20260301/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=local"
}


def upload(specs: Path, data: Path) -> None:
    """
    Draw the images of every dataset, and put them into buckets; 2 s for thirty.

    Args:
        data: Where the emulator keeps its data.
    """
    data.mkdir(parents=True)
    with closing(Emulator(data)) as emulator, closing(read(load(open_path(specs).tree))) as found:
        for desired in found.datasets:
            for source_ref, place in desired.index.items():
                path = source_ref.removeprefix("s3:/")
                seen = meaning(orjson.loads(desired.read(source_ref, place)))
                _put(emulator, "/" + path.split("/")[1], b"")
                _put(emulator, path, picture(source_ref, seen))


def _put(emulator: Emulator, path: str, body: bytes) -> None:
    answer = emulator.handle(Request("PUT", path, path, {}, _SIGNED, body))
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.body.decode()}")
