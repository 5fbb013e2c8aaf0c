"""Files that hold anything: a reason for each, and never an unforeseen error."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.validation import check_line
from reconciler.errors import UsageError
from tests.convert.inputs import convert, png, voc_box
from tests.core.strategies import VALUES

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480, "date_captured": "2020-01-01"}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "x"}],
    "info": {"date_created": "2020-01-01"},
}
LINE = {
    "source-ref": "s3://b/a.jpg",
    "J": [0],
    "J-metadata": {
        "type": "groundtruth/image-classification-multilabel",
        "class-map": {"0": "x"},
        "confidence-map": {"0": 1},
    },
    "B": {
        "image_size": [{"width": 640, "height": 480, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 1.5, "top": 2, "width": 30, "height": 40}],
    },
    "B-metadata": {
        "type": "groundtruth/object-detection",
        "adjustment-status": "adjusted",
        "creation-date": "2020-01-01",
        "objects": [{"confidence": 1}],
        "class-map": {"0": "x"},
    },
    "C": 1,
    "C-metadata": {"type": "groundtruth/object-detection"},
}
TEXTS = {
    "coco": json.dumps(COCO),
    "groundtruth": json.dumps(LINE),
    "voc": f"<annotation><filename>a.jpg</filename><object>{voc_box('x', 1, 2, 30, 40)}</object></annotation>",
    "csv": "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,64,x,1,2,30,40\n",
    "yolo": "0 0.5 0.5 0.5 0.5\n",
}


def places(value, path=()):
    """Give the way to every value within *value*."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(value, path, new):
    """Return *value* with another one at *path*."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def check(name, content: bytes):
    """Convert the content; what comes of it is lines that the rules accept, or reasons."""
    with TemporaryDirectory() as place:
        file = Path(place, "a.txt")
        file.write_bytes(content)
        if name == "yolo":
            Path(place, "a.png").write_bytes(png(64, 64))
            Path(place, "classes.txt").write_text("x\n")
        try:
            done = convert(name, Path(place) if name == "yolo" else file)
        except UsageError:
            return
    assert done.lines or done.errors
    assert all(check_line(line.rstrip(b"\n")).is_valid for line in done.ordered())


@pytest.mark.parametrize(("name", "document"), [("coco", COCO), ("groundtruth", LINE)])
@given(data=st.data())
def test_any_value_may_stand_anywhere(name, document, data):
    """Of any type, and as deep as it likes."""
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = replaced(document, path, data.draw(VALUES))
    check(name, json.dumps(document).encode())


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
def test_any_byte_may_stand_anywhere(name, data):
    """Some changed, added or taken away, as bad disks and bad editors do."""
    content = bytearray(TEXTS[name].encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(name, bytes(content))
