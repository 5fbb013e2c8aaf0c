"""
Whatever is given to `convert`, with whatever flags: lines that AWS takes, or a reason, and never anything else.

The exports are drawn whole, in every layout and encoding that is met, and then spoilt here and there.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli.main import main
from reconciler.convert.formats import READERS as REGISTERED
from reconciler.convert.geometry import number
from reconciler.core.validation.line import check_line
from tests.convert.inputs import png
from tests.convert.test_any_content import DOCUMENTS, places, replaced
from tests.core.strategies import VALUES

EXAMPLES = 200
REQUIRED = ["--base", "s3://b/p/", "--created-at", "2026-03-01T12:00:00"]
FLAGS = [
    *([flag] for flag in ("--clip", "--one-based", "--basename", "--skip-invalid", "--all")),
    *(["--crowd", what] for what in ("box", "skip")),
    *(["--extension", what] for what in (".jpg", "none")),
    *(["--polygons", "box"], ["--split", "TRAIN"], ["--attribute", "type"], ["--images", "."]),
]
COLUMNS = [["--columns", text] for text in ("image=1,label=2", "image=image,label=label", "image=id,class=x")]
NAMES = [
    "a.jpg",
    "b.png",
    "a",
    "C:\\x\\a.jpg",
    "/a.jpg",
    "../a.jpg",
    " a.jpg",
    "s3://b/k.jpg",
    "gs://c/a.jpg",
    "",
]
TEXTS = [
    "cow",
    "7",
    "",
    "0",
    "1",
    "1.0",
    "猫",
    "a b",
    "x\u200b",
    "{}",
    '{"name":"rect","x":1}',
    "NaN",
    "=1+1",
    "TRAIN",
]
NUMBERS = ["0", "1", "10", "0.5", "-3", "1e2", "nan", "", "0.25", "640", "1.0004", "99999999999", "x"]
HEADS = [
    "image,label",
    "id,label,set",
    "image,xmin,ymin,xmax,ymax,label",
    "filename,width,height,class,xmin,ymin,xmax,ymax",
    "file,label,x,y,width,height",
    "image_id,width,height,bbox,label",
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf",
    "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes",
    "image_id,x,y,Unlabeled",
    "foo,bar",
    "sep=;",
    "",
]
ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "gbk",
    "shift_jis",
    "utf-16",
    "latin-1",
    "big5",
    "cp1251",
    "utf-7",
    "koi8-r",
]


def anything(draw, *options):
    return draw(st.sampled_from([item for option in options for item in option]))


def spoilt(draw, content: bytes) -> bytes:
    """Change some bytes, add some, or take some away; most often none."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(changed)))
        changed[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(changed)


@st.composite
def csv(draw, place):
    head = draw(st.sampled_from(HEADS))
    separator = draw(st.sampled_from(",,,;\t|"))
    width = head.count(",") + 1 if head else draw(st.integers(1, 12))
    rows = [head.split(",")] if head else []
    for _ in range(draw(st.integers(0, 5))):
        cells = [anything(draw, NAMES, ["TRAIN"])]
        cells += [anything(draw, draw(st.sampled_from([NUMBERS, TEXTS, NAMES]))) for _ in range(width - 1)]
        rows.append(cells[: draw(st.integers(1, width))] if draw(st.integers(0, 9)) == 0 else cells)
    quote = draw(st.sampled_from(["", '"']))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(
        separator.join(quote + cell.replace('"', '""') + quote for cell in row) for row in rows
    )
    (place / "in.csv").write_bytes(spoilt(draw, text.encode(draw(st.sampled_from(ENCODINGS)), "replace")))
    return place / "in.csv"


def record(draw, **fields):
    """Return a record of which some members are missing or of another type."""
    return {
        key: draw(st.sampled_from([None, "", [], {}, 1, "x", [1, 2], True]))
        if draw(st.integers(0, 12)) == 0
        else value
        for key, value in fields.items()
        if draw(st.integers(0, 15))
    }


@st.composite
def coco(draw, place):
    sides = st.sampled_from([64, 640, 0, 5000, "640", 64.5])
    numbers = st.sampled_from([0, 1, 10.5, 30, "20", -5, 1e9, 64])
    images = [
        record(draw, id=key, file_name=anything(draw, NAMES), width=draw(sides), height=draw(sides))
        for key in range(draw(st.integers(0, 3)))
    ]
    notes = [
        record(
            draw,
            id=key,
            image_id=draw(st.integers(0, 3)),
            category_id=draw(st.integers(0, 2)),
            bbox=draw(st.lists(numbers, min_size=0, max_size=5)),
            iscrowd=draw(st.sampled_from([0, 0, 1, "1"])),
            segmentation=draw(
                st.sampled_from([None, [], [[1, 2, 30, 2, 30, 40]], [[1, 2]], {"counts": "x"}])
            ),
        )
        for key in range(draw(st.integers(0, 5)))
    ]
    classes = [record(draw, id=key, name=anything(draw, TEXTS)) for key in range(2)]
    text = json.dumps(
        {"images": images, "annotations": notes, "categories": classes},
        indent=draw(st.sampled_from([None, 1])),
    )
    (place / "in.json").write_bytes(spoilt(draw, text.encode()))
    return place / "in.json"


@st.composite
def groundtruth(draw, place):
    lines = [
        record(
            draw,
            **{
                "source-ref": f"s3://b/{key}.jpg",
                "J": draw(st.sampled_from([[0], [0, 1], 1, "0"])),
                "J-metadata": record(
                    draw,
                    **{
                        "type": draw(
                            st.sampled_from(
                                [
                                    "groundtruth/image-classification-multilabel",
                                    "groundtruth/image-classification",
                                    "groundtruth/object-detection",
                                    "groundtruth/label-verification",
                                ]
                            )
                        ),
                        "class-map": {"0": anything(draw, TEXTS)},
                        "confidence-map": {"0": 1},
                        "class-name": "x",
                        "confidence": 1,
                        "human-annotated": "yes",
                        "creation-date": "2020-01-01T00:00:00",
                    },
                ),
            },
        )
        for key in range(draw(st.integers(0, 4)))
    ]
    indent = draw(st.sampled_from([None, 2]))
    texts = [json.dumps(line, indent=indent) for line in lines]
    text = (
        draw(st.sampled_from(["\n", ",\n", "", " "])).join(texts)
        if draw(st.booleans())
        else json.dumps(lines, indent=indent)
    )
    (place / "in.manifest").write_bytes(spoilt(draw, text.encode()))
    return place / "in.manifest"


@st.composite
def voc(draw, place):
    (place / "xml").mkdir()
    for key in range(draw(st.integers(1, 3))):
        encoding = draw(st.sampled_from([*ENCODINGS, "no-such"]))
        edges = "".join(
            f"<{edge}>{anything(draw, NUMBERS)}</{edge}>" for edge in ("xmin", "ymin", "xmax", "ymax")
        )
        shape = draw(
            st.sampled_from([f"<bndbox>{edges}</bndbox>", "", "<polygon/>", f"<robndbox>{edges}</robndbox>"])
        )
        name, label = (anything(draw, NAMES).replace("&", ""), anything(draw, TEXTS))
        text = (
            f"<?xml version='1.0' encoding='{draw(st.sampled_from([encoding, encoding, 'utf-8', 'gb2312']))}'?>\n"
            f"<annotation><filename>{name}</filename><size><width>640</width><height>480</height></size>"
            f"<object><name>{label}</name>{shape}</object></annotation>"
        )
        known = encoding if encoding != "no-such" else "utf-8"
        (place / "xml" / f"{key}.xml").write_bytes(spoilt(draw, text.encode(known, "replace")))
    return place / "xml"


@st.composite
def yolo(draw, place):
    for key in range(draw(st.integers(1, 3))):
        image = png(draw(st.sampled_from([64, 1920, 0])), 480) if draw(st.integers(0, 5)) else b"GIF89a"
        (place / f"{key}.png").write_bytes(spoilt(draw, image) if draw(st.integers(0, 3)) == 0 else image)
        shares = ["0", "1", "0.5", "0.25", "1.0004", "-0.1", "2.5", "nan", "0.0", "64", "x"]
        rows = draw(st.lists(st.lists(st.sampled_from(shares), min_size=0, max_size=12), max_size=4))
        (place / f"{key}.txt").write_bytes(spoilt(draw, "\n".join(map(" ".join, rows)).encode()))
    names = draw(st.sampled_from(["classes.txt", "data.yaml", "_darknet.labels", "other.txt"]))
    text = "names: [cat, '1']\nkpt_shape: [1, 2]\n" if names == "data.yaml" else "cat\n1\n"
    (place / names).write_bytes(spoilt(draw, text.encode()))
    return place


@st.composite
def cvat(draw, place):
    images = []
    for key in range(draw(st.integers(0, 3))):
        shapes = []
        for _ in range(draw(st.integers(0, 3))):
            tag = draw(
                st.sampled_from(["box", "box", "polygon", "mask", "ellipse", "points", "tag", "skeleton"])
            )
            sides = (
                "xtl",
                "ytl",
                "xbr",
                "ybr",
                "left",
                "top",
                "width",
                "height",
                "cx",
                "cy",
                "rx",
                "ry",
                "rotation",
            )
            values = {side: anything(draw, NUMBERS) for side in sides if draw(st.integers(0, 9))}
            values["points"] = draw(st.sampled_from(["1,2;30,2;30,40", "1,2", "", "1;2", "x,y;1,2"]))
            values["label"] = anything(draw, TEXTS)
            shapes.append(f"<{tag} {' '.join(f'{key}={quoteattr(text)}' for key, text in values.items())}/>")
        name, subset = anything(draw, NAMES), draw(st.sampled_from(["", ' subset="TRAIN"']))
        images.append(
            f'<image name={quoteattr(name)} width="{anything(draw, NUMBERS)}" height="480"{subset}>'
        )
        images += [*shapes, "</image>"]
    text = "\n".join(["<annotations>", *images, draw(st.sampled_from(["", "<track/>"])), "</annotations>"])
    (place / "annotations.xml").write_bytes(spoilt(draw, text.encode()))
    return place / "annotations.xml"


@st.composite
def folders(draw, place):
    for _ in range(draw(st.integers(0, 4))):
        name = Path(
            draw(st.sampled_from(["x", "x/y", "train", "=1", "猫", "7", "."])), anything(draw, NAMES[:3])
        )
        (place / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "in" / name).touch()
    (place / "in").mkdir(exist_ok=True)
    return place / "in"


def json_of(name):
    """Return a strategy of files in which anything may stand in place of a value, and bytes may be spoilt."""

    @st.composite
    def drawn(draw, place):
        document = DOCUMENTS[name]
        for _ in range(draw(st.integers(0, 3))):
            path = draw(st.sampled_from(list(places(document))))
            document = replaced(document, path, draw(VALUES | st.sampled_from([*NUMBERS, *TEXTS, *NAMES])))
        text = json.dumps(document, indent=draw(st.sampled_from([None, 1])))
        (place / "b.png.json").write_bytes(spoilt(draw, text.encode()))
        return place / "b.png.json"

    drawn.__name__ = name
    return drawn


READERS = [csv, coco, cvat, folders, groundtruth, voc, yolo, *map(json_of, DOCUMENTS)]


def labels_of(line):
    for key, value in line.items():
        if key.endswith("-metadata"):
            yield from [value["class-name"]] if "class-name" in value else value["class-map"].values()


def run(name, path, flags, place):
    out, said = place / "out.jsonl", io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stderr(said), redirect_stdout(said):
        try:
            code = main(["convert", name, str(path), *REQUIRED, *flags, "-o", str(out)])
        except SystemExit as exc:
            code = exc.code
    return code, said.buffer.getvalue().decode(), out


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)  # the same in every run
def test_an_export_becomes_good_lines_or_a_reason(reader, data):
    """Exit code 0 and lines without a fault; or 5 or 64, a reason, and no file."""
    name = reader.__name__
    with TemporaryDirectory() as directory:
        place = Path(directory)
        for image in ("a.jpg", "b.png"):
            (place / image).write_bytes(png(640, 480))
        path = data.draw(reader(place))
        flags = [
            part
            for flag in data.draw(st.lists(st.sampled_from(FLAGS), max_size=3, unique_by=str))
            for part in flag
        ]
        is_told = name == "csv" and data.draw(st.integers(0, 3)) == 0
        if is_told:
            flags += data.draw(st.sampled_from(COLUMNS))
        if data.draw(st.integers(0, 5)) == 0:
            name = "auto"
        code, said, out = run(name, path, flags, place)

        assert code in (0, 5, 64), said
        assert "unexpected failure" not in said
        assert out.exists() == (code == 0), said
        if code:
            assert "error" in said or code == 64
            return
        lines = out.read_bytes().splitlines()
        assert lines
        assert all(check_line(line).is_valid for line in lines)
        assert len(lines) == len({json.loads(line)["source-ref"] for line in lines})
        if name == "csv" and not is_told:
            assert not [
                label for line in lines for label in labels_of(json.loads(line)) if number(label) is not None
            ]


def test_every_reader_is_fuzzed():
    assert set(REGISTERED) == {reader.__name__ for reader in READERS}
