"""
Pascal VOC: one XML file for each image, below ``train/Annotations``; the images are in ``train/JPEGImages``.

``xmin`` … ``ymax`` are edges counted from 0, as `convert` reads them and most tools write them; the files of the
challenge itself count pixels from 1. An image that was not annotated has no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from html import escape
from pathlib import PurePosixPath
from typing import Final

from reconciler.convert.export.content import ExportedBox
from reconciler.convert.export.format import Add, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.convert.readers.voc import FOLDER

# No document of XML 1.0 may hold these, not even escaped (section 2.2).
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    yield partial(_add, context)


def _add(context: WriterContext, image: ExportedImage) -> Sequence[Lost]:
    boxes = image.content.boxes or ()
    if any(_FORBIDDEN.search(box.label) for box in boxes):
        return (Lost(LossKind.TEXT),)
    width, height, depth = image.content.size or (0, 0, 0)
    text = (
        f"<annotation>\n  <filename>{_escaped(image.name)}</filename>\n"
        f"  <size><width>{width}</width><height>{height}</height><depth>{depth}</depth></size>\n"
        f"  <segmented>0</segmented>\n{''.join(map(_object, boxes))}</annotation>\n"
    ).encode()
    directory = f"{context.split}/{FOLDER}"
    # The name is that of the image; where another image has it too, with the ending.
    for name in (PurePosixPath(image.name).with_suffix(".xml").as_posix(), f"{image.name}.xml"):
        if context.files.put(directory, name, text):
            return ()
    return (Lost(LossKind.SHARED_FILE),)


def _object(box: ExportedBox) -> str:
    return (
        f"  <object>\n    <name>{_escaped(box.label)}</name>\n"
        "    <pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>\n"
        f"    <bndbox><xmin>{box.left}</xmin><ymin>{box.top}</ymin>"
        f"<xmax>{box.right}</xmax><ymax>{box.bottom}</ymax></bndbox>\n  </object>\n"
    )


def _escaped(text: str) -> str:
    """Return the text of an element; `xml.sax.saxutils`, which escapes too, loads http.client and ssl."""
    return escape(text, quote=False).replace("\r", "&#13;")  # a parser takes it for a line end otherwise


VOC: Final = Format(_split, frozenset({LossKind.SIZE, LossKind.DEPTH}), images="{split}/JPEGImages")
