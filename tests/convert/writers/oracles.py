"""
Read an export with the library that its format is made for, and print what it holds as JSON.

Run by an interpreter that has the libraries: ``python oracles.py coco|hf|croissant DIR``.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def coco(directory: str) -> dict[str, Any]:
    """With pycocotools: split -> name of an image -> boxes as label, left, top, width, height."""
    from pycocotools.coco import COCO

    found: dict[str, Any] = {}
    for split in ("train", "test"):
        file = COCO(f"{directory}/annotations/instances_{split}.json")
        names = {category["id"]: category["name"] for category in file.loadCats(file.getCatIds())}
        found[split] = {
            image["file_name"]: [
                [names[note["category_id"]], *note["bbox"]]
                for note in file.loadAnns(file.getAnnIds(image["id"]))
            ]
            for image in file.loadImgs(file.getImgIds())
        }
    return found


def hf(directory: str) -> dict[str, Any]:
    """With datasets: the same by address; None for an image that was not annotated with boxes."""
    from datasets import Image, load_dataset

    splits = load_dataset("imagefolder", data_dir=directory, cache_dir=f"{directory}/.cache")
    return {
        split: {
            row["source-ref"]: _boxes(row["objects"]["bbox"], row["objects"]["categories"])
            if row["objects"]
            else None
            for row in rows.cast_column("image", Image(decode=False))
        }
        for split, rows in splits.items()
    }


def croissant(directory: str) -> dict[str, Any]:
    """With mlcroissant: the same, of records that are generated and not only described."""
    from mlcroissant import Dataset

    found: dict[str, Any] = {}
    dataset = Dataset(jsonld=f"{directory}/croissant.json")
    for split in ("train", "test"):
        found[split] = {}
        for record in dataset.records(record_set=split):
            boxes, labels = (record[f"{split}/{name}"] for name in ("bbox", "categories"))
            ref = record[f"{split}/source-ref"].decode()
            found[split][ref] = None if boxes is None else _boxes(boxes, [label.decode() for label in labels])
    return found


def _boxes(boxes: list[list[float]], labels: list[str]) -> list[list[Any]]:
    return [[label, *box] for label, box in zip(labels, boxes, strict=True)]


if __name__ == "__main__":
    read = {"coco": coco, "hf": hf, "croissant": croissant}[sys.argv[1]]
    answer = json.dumps(read(sys.argv[2]))
    sys.stdout.write(f"\n{answer}\n")  # the libraries print, too
