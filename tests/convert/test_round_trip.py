"""Written in a format and converted: the same boxes, whatever they are."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.validation.line import check_line
from tests.builders import CREATED
from tests.convert.inputs import BASE, Drawn, boxes, coco, convert, fields, manifest, voc, voc_box, yolo

EXAMPLES = 40

# What every format can hold: no control characters, no line ends; blanks and commas are welcome.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" ,%&<>\"'"), min_size=1
).filter(lambda text: text == text.strip())
LABELS = st.lists(NAMES.map(lambda text: text[:40].strip()).filter(bool), min_size=1, max_size=4, unique=True)


@st.composite
def images(draw):
    """Draw file name -> size and boxes, all of them valid."""
    labels = draw(LABELS)
    drawn = {}
    for number in range(draw(st.integers(1, 4))):
        width, height = draw(st.tuples(st.integers(64, 4096), st.integers(64, 4096)))
        width = min(width, 20 * height)
        height = min(height, 20 * width)
        found = []
        for _ in range(draw(st.integers(1, 5))):
            left, top = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
            size = draw(st.integers(2, width - left)), draw(st.integers(2, height - top))
            found.append(Drawn(draw(st.sampled_from(labels)), left, top, *size))
        drawn[f"{number} é%20.png"] = (width, height, found)
    return labels, drawn


def as_coco(place, labels, drawn):
    images, notes = [], []
    for number, (name, (width, height, found)) in enumerate(drawn.items()):
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        notes += [
            {"image_id": number, "category_id": labels.index(box.label) + 1, "bbox": list(box[1:])}
            for box in found
        ]
    return coco(place / "a.json", images, notes, *labels)


def as_yolo(place, labels, drawn):
    texts = {}
    for name, (width, height, found) in drawn.items():
        rows = (
            f"{labels.index(label)} {(left + wide / 2) / width:.6f} {(top + high / 2) / height:.6f} "
            f"{wide / width:.6f} {high / height:.6f}\n"
            for label, left, top, wide, high in found
        )
        texts[name] = (width, height, "".join(rows))
    yolo(place, texts)
    (place / "data.yaml").write_text(json.dumps({"names": labels}, ensure_ascii=False))
    return place


def as_voc(place, labels, drawn):
    for number, (name, (width, height, found)) in enumerate(drawn.items()):
        objects = [
            voc_box(escape(label), left, top, left + wide, top + high)
            for label, left, top, wide, high in found
        ]
        size = f"<width>{width}</width><height>{height}</height>"
        voc(place / "xml" / f"{number}.xml", escape(name), *objects, size=size)
    return place / "xml"


def as_csv(place, labels, drawn):
    with (place / "a.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"])
        for name, (width, height, found) in drawn.items():
            for label, left, top, wide, high in found:
                rows.writerow([name, width, height, label, left, top, left + wide, top + high])
    return place / "a.csv"


def as_groundtruth(place, labels, drawn):
    """As a crowd writes it: coordinates with fractions that are none."""
    lines = []
    for name, (width, height, found) in drawn.items():
        annotations = [
            {
                "class_id": labels.index(label),
                "left": left + 1e-9,
                "top": top,
                "width": wide - 1e-9,
                "height": high,
            }
            for label, left, top, wide, high in found
        ]
        metadata = {
            "objects": [{"confidence": 0.0}] * len(found),
            "class-map": {str(number): label for number, label in enumerate(labels)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": CREATED,
        }
        size = [{"width": width, "height": height, "depth": 3}]
        value = {"image_size": size, "annotations": annotations}
        lines.append(
            {"source-ref": f"{BASE}{name}", "bounding-box": value, "bounding-box-metadata": metadata}
        )
    return manifest(place / "output.manifest", *lines)


WRITERS = {"coco": as_coco, "yolo": as_yolo, "voc": as_voc, "csv": as_csv, "groundtruth": as_groundtruth}

# Labels may be numbers here, which a table is believed only if somebody says so.
COLUMNS = {
    "image": ("filename",),
    "label": ("class",),
    "image_width": ("width",),
    "image_height": ("height",),
    **{edge: (edge,) for edge in ("xmin", "ymin", "xmax", "ymax")},
}
OPTIONS = {"csv": {"columns": COLUMNS}}


@pytest.mark.parametrize("name", WRITERS)
@given(images())
@settings(max_examples=EXAMPLES)
def test_boxes_come_back_as_they_were(name, labelled):
    """To the pixel, in their order, under their labels; and the rules have nothing to say against any line."""
    labels, drawn = labelled
    with TemporaryDirectory() as place:
        done = convert(name, WRITERS[name](Path(place), labels, drawn), **OPTIONS.get(name, {}))

    assert [] == done.errors
    assert {f"{BASE}{file}": found for file, (_, _, found) in drawn.items()} == {
        line["source-ref"]: boxes(line) for line in fields(done)
    }
    assert sum(len(found) for _, _, found in drawn.values()) == done.boxes
    assert all(check_line(line.rstrip()).is_valid for line in done.ordered())
