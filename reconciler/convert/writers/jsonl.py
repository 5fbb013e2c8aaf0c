"""JSON Lines, the form of the entries themselves: one file for each split, sorted, which specs can name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from reconciler.convert.export.format import Add, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.core.entries.entry import sorted_line


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    with context.files.create(f"{context.split}.jsonl") as out:

        def add(image: ExportedImage) -> Sequence[Lost]:
            out.write(sorted_line(image.fields) + b"\n")
            return ()

        yield add


JSONL: Final = Format(_split, frozenset(LossKind), images=None)
