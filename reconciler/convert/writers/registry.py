"""
Registry of the formats that entries are written in.

To add one, add a module to this folder, an entry to `WRITERS`, and a paragraph to docs/convert.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.convert.export.format import Format
from reconciler.convert.writers.augmented import AUGMENTED
from reconciler.convert.writers.coco import COCO
from reconciler.convert.writers.croissant import CROISSANT
from reconciler.convert.writers.csv import CSV
from reconciler.convert.writers.hf import HF
from reconciler.convert.writers.jsonl import JSONL
from reconciler.convert.writers.voc import VOC
from reconciler.convert.writers.yolo import YOLO

WRITERS: Final[Mapping[str, Format]] = {
    "jsonl": JSONL,
    "coco": COCO,
    "yolo": YOLO,
    "voc": VOC,
    "csv": CSV,
    "augmented": AUGMENTED,
    "hf": HF,
    "croissant": CROISSANT,
}
