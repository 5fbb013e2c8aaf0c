"""Files that hold anything: a reason for each, and never an unforeseen error."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.validation.line import check_line
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
DOCUMENTS = {
    "via": {
        "_via_img_metadata": {
            "a": {
                "filename": "a.png",
                "regions": [
                    {
                        "shape_attributes": {"name": "rect", "x": 1, "y": 2, "width": 30, "height": 40},
                        "region_attributes": {"kind": {"x": True}},
                    },
                    {
                        "shape_attributes": {
                            "name": "ellipse",
                            "cx": 30,
                            "cy": 30,
                            "rx": 5,
                            "ry": 6,
                            "theta": 0,
                        },
                        "region_attributes": {"kind": "x"},
                    },
                ],
                "file_attributes": {"kind": "x"},
            }
        }
    },
    "labelme": {
        "imagePath": "a.png",
        "imageWidth": 64,
        "imageHeight": 64,
        "flags": {"x": True},
        "shapes": [
            {"label": "x", "points": [[1, 2], [30, 40]], "shape_type": "rectangle"},
            {"label": "x", "points": [[30, 30], [33, 34]], "shape_type": "circle"},
        ],
    },
    "labelstudio": [
        {
            "data": {"image": "a.png"},
            "predictions": [],
            "annotations": [
                {
                    "created_at": "2020-01-01T00:00:00Z",
                    "was_cancelled": False,
                    "ground_truth": True,
                    "result": [
                        {
                            "id": "r",
                            "type": "rectanglelabels",
                            "original_width": 64,
                            "original_height": 64,
                            "image_rotation": 0,
                            "value": {
                                "x": 10,
                                "y": 10,
                                "width": 50,
                                "height": 50,
                                "rotation": 7,
                                "rectanglelabels": ["x"],
                            },
                        },
                        {"type": "choices", "value": {"choices": ["x"]}},
                    ],
                }
            ],
        }
    ],
    "createml": [
        {
            "image": "a.png",
            "annotations": [{"label": "x", "coordinates": {"x": 30, "y": 30, "width": 20, "height": 20}}],
        }
    ],
    "vott": {
        "assets": {
            "1": {
                "asset": {"name": "a.png", "size": {"width": 64, "height": 64}, "state": 2},
                "regions": [
                    {
                        "type": "RECTANGLE",
                        "tags": ["x"],
                        "boundingBox": {"left": 1, "top": 2, "width": 30, "height": 40},
                    }
                ],
            }
        }
    },
    "vertex": {
        "imageGcsUri": "gs://x/a.png",
        "boundingBoxAnnotations": [{"displayName": "x", "xMin": 0.1, "yMin": 0.1, "xMax": 0.5, "yMax": 0.5}],
        "classificationAnnotations": [{"displayName": "x"}],
        "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": "test"},
    },
    "supervisely": {
        "size": {"width": 64, "height": 64},
        "tags": [{"name": "x", "value": None}],
        "objects": [
            {
                "classTitle": "x",
                "geometryType": "rectangle",
                "points": {"exterior": [[1, 2], [30, 40]], "interior": []},
            }
        ],
    },
    "azure": [
        {
            "id": "a.png",
            "width": 64,
            "height": 64,
            "tags": [{"tagName": "x"}],
            "regions": [{"tagName": "x", "left": 0.1, "top": 0.1, "width": 0.5, "height": 0.5}],
        },
        {
            "image_url": "azureml://x/paths/b.png",
            "image_details": {"width": "64px", "height": "64px"},
            "label": [{"label": "x", "topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 0.5}],
        },
    ],
}
TEXTS = {
    "coco": json.dumps(COCO),
    "groundtruth": json.dumps(LINE),
    "voc": f"<annotation><filename>a.jpg</filename><object>{voc_box('x', 1, 2, 30, 40)}</object></annotation>",
    "csv": "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,64,x,1,2,30,40\n",
    "yolo": "0 0.5 0.5 0.5 0.5\n",
    "cvat": '<annotations><image name="a.png" width="64" height="64" subset="x"><tag label="x"/>'
    '<box label="x" xtl="1" ytl="2" xbr="30" ybr="40" rotation="30"/></image></annotations>',
    **{name: json.dumps(document) for name, document in DOCUMENTS.items()},
}


def places(value, path=()):
    """Yield the way to every value within *value*."""
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


def check(name, content: bytes, *, polygons: bool = False):
    """Convert the content; what comes of it is lines that the rules accept, or reasons."""
    with TemporaryDirectory() as place:
        file = Path(place, "a.png.txt" if name == "supervisely" else "a.txt")
        file.write_bytes(content)
        Path(place, "a.png").write_bytes(png(64, 64))
        if name == "yolo":
            Path(place, "classes.txt").write_text("x\n")
        try:
            convert("auto", file)
            done = convert(name, Path(place) if name == "yolo" else file, polygons=polygons)
        except UsageError:
            return
    assert done.lines or done.errors
    assert all(check_line(line.rstrip(b"\n")).is_valid for line in done.ordered())


@pytest.mark.parametrize(("name", "document"), [("coco", COCO), ("groundtruth", LINE), *DOCUMENTS.items()])
@given(data=st.data())
@settings(max_examples=40)
def test_any_value_may_stand_anywhere(name, document, data):
    """Of any type, and as deep as it likes."""
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = replaced(document, path, data.draw(VALUES))
    check(name, json.dumps(document).encode(), polygons=data.draw(st.booleans()))


@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
@settings(max_examples=40)
def test_any_byte_may_stand_anywhere(name, data):
    """Some changed, added or taken away, as bad disks and bad editors do."""
    content = bytearray(TEXTS[name].encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(name, bytes(content))
