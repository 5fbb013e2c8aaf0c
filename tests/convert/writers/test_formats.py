"""What each format does with what others do not have: splits, names, endings, characters."""

import csv
import hashlib
import json
from pathlib import Path

import pytest
import yaml

from reconciler.convert.record import LabelledBox
from reconciler.core.spec.labelling import image_level, located
from tests.builders import CREATED, boxed, line
from tests.convert.exports import converted, document, export, images, losses, put_images

SIZE = (640, 480)
AWKWARD = ("no", "1", 'a "b"', "c: d", "\u0085é\x7f", "😀")


def drawn(name: str, *labels: str, size: tuple[int, ...] = SIZE) -> bytes:
    """Return a line with a box of each label, as `convert` writes it."""
    return line(name, **located([LabelledBox(label, 1, 2, 30, 40) for label in labels], size, CREATED))


def labelled(name: str, *labels: str) -> bytes:
    return line(name, **image_level(labels, CREATED))


def test_yolo_names_classes_as_they_are_called(tmp_path: Path) -> None:
    """Whatever YAML could take for something else: numbered without gaps from 0, sorted, over both splits."""
    export("yolo", tmp_path, train=[drawn("a", *AWKWARD[:3])], test=[drawn("b", *AWKWARD[3:])])

    found = yaml.safe_load((tmp_path / "data.yaml").read_text("utf-8"))
    assert {
        "train": "train.txt", "val": "test.txt", "test": "test.txt", "names": dict(enumerate(sorted(AWKWARD)))
    } == found  # fmt: skip
    assert "3 0.025000 0.045833 0.046875 0.083333\n" == (tmp_path / "labels/train/a.txt").read_text()[:38]


def test_yolo_trains_with_annotated_images_alone(tmp_path: Path) -> None:
    """One without objects has an empty file; one that was not annotated has none, and is in no list of images."""
    report = export("yolo", tmp_path, train=[drawn("a", "bee"), drawn("b"), labelled("c", "bee"), line("d")])

    assert "./images/train/a.jpg\n./images/train/b.jpg\n" == (tmp_path / "train.txt").read_text()
    assert ["a.txt", "b.txt"] == sorted(path.name for path in (tmp_path / "labels/train").iterdir())
    assert "" == (tmp_path / "labels/train/b.txt").read_text()
    assert ["a", "b", "c", "d"] == [Path(name).stem for name in images(tmp_path).values()]
    assert {"label": 1, "creation-date": 3, "size": 2} == losses(report)


@pytest.mark.parametrize(
    ("first", "second"),
    [(drawn, drawn), (drawn, labelled), (labelled, drawn)],
    ids=["both", "second", "first"],
)
def test_yolo_gives_no_image_the_labels_of_another(tmp_path: Path, first, second) -> None:
    """a.jpg and a.png would share a.txt, and no reader could tell whose it is: the later one is left out."""
    pair = [first("a", "bee"), second("a", "queen").replace(b"/a.jpg", b"/a.png")]
    report = export("yolo", tmp_path, train=[*pair, drawn("b", "bee")])

    assert 1 == losses(report)["shared-file"]
    assert ["s3://b/a.jpg", "s3://b/b.jpg"] == list(images(tmp_path))
    put_images(tmp_path, [*pair, drawn("b", "bee")])
    assert {"s3://b/a.jpg", "s3://b/b.jpg"} == converted("yolo", tmp_path, report).keys()


@pytest.mark.parametrize("name", ["images/a.jpg", "classes.jpg", "a", "b/images/c/a.png"])
def test_yolo_leaves_out_what_its_readers_would_misread(tmp_path: Path, name: str) -> None:
    """A directory called images in the key, a name that is that of a list of classes, no ending of an image."""
    raw = drawn("x", "bee").replace(b"x.jpg", name.encode())
    report = export("yolo", tmp_path, train=[raw, drawn("z", "bee")])

    assert 1 == losses(report)["name"]
    assert ["s3://b/z.jpg"] == list(images(tmp_path))


def test_voc_keeps_two_images_of_one_name_apart(tmp_path: Path) -> None:
    lines = [drawn("a", "bee"), drawn("a", "queen").replace(b"/a.jpg", b"/a.png")]
    report = export("voc", tmp_path, train=lines)

    assert ["a.png.xml", "a.xml"] == sorted(path.name for path in (tmp_path / "train/Annotations").iterdir())
    assert lines == sorted(converted("voc", tmp_path, report).values())


def test_voc_leaves_out_labels_that_xml_forbids(tmp_path: Path) -> None:
    """A control character cannot be written, not even escaped; every other one comes back."""
    good = drawn("a", "x\r\n\t<&>]]>'\" é\x85😀")
    report = export("voc", tmp_path, train=[good, drawn("b", "\x07")])

    assert {"text": 1, "creation-date": 1} == losses(report)
    assert [good] == list(converted("voc", tmp_path, report).values())


def test_csv_has_a_table_for_each_kind(tmp_path: Path) -> None:
    """Boxes and empty images in one, labels and unlabelled images in the other; none without a row."""
    export("csv", tmp_path, train=[drawn("a", "bee"), drawn("b"), labelled("c", "x", "1,5"), line("d")])

    boxes, labels = (
        list(csv.reader((tmp_path / name).read_text("utf-8").splitlines()))
        for name in ("train.csv", "train-labels.csv")
    )
    assert [
        ["a.jpg", "640", "480", "bee", "1", "2", "31", "42"],
        ["b.jpg", "640", "480", *5 * [""]],
    ] == boxes[1:]
    assert [["c.jpg", "x"], ["c.jpg", "1,5"], ["d.jpg", ""]] == labels[1:]
    export("csv", tmp_path / "other", train=[drawn("a", "bee")])
    assert not (tmp_path / "other" / "train-labels.csv").exists()


def test_coco_files_are_json_whichever_images_have_boxes(tmp_path: Path) -> None:
    """Images without annotations at the start, in between and at the end."""
    labels = ([], ["bee", "queen"], [], [], ["bee"], [])
    export("coco", tmp_path, train=[drawn(str(at), *names) for at, names in enumerate(labels)])

    found = document(tmp_path / "annotations/instances_train.json")
    assert [2, 2, 5] == [note["image_id"] for note in found["annotations"]]


def test_coco_files_are_json_however_many_images_there_are(tmp_path: Path) -> None:
    """Without an image, and with several; ids are contiguous from 1."""
    export("coco", tmp_path, train=[], test=[drawn("a", "bee", "queen"), drawn("b", "bee")])

    empty, full = (document(tmp_path / f"annotations/instances_{split}.json") for split in ("train", "test"))
    assert ([], []) == (empty["images"], empty["annotations"])
    assert [1, 2, 3] == [note["id"] for note in full["annotations"]]
    assert {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": [1, 2, 30, 40],
        "area": 1200,
        "iscrowd": 0,
    } == full["annotations"][0]
    assert {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480, "date_captured": CREATED} == full[
        "images"
    ][0]


def test_augmented_manifests_have_one_attribute_and_one_class_map(tmp_path: Path) -> None:
    """Of boxes, and in a manifest of their own the labels of images; numbered over both splits."""
    boxes = boxed("a", ("queen", 1, 2, 30, 40)).replace(b'"confidence":1', b'"confidence":0.5')
    export("augmented", tmp_path, train=[boxes, labelled("c", "x", "w")], test=[drawn("b", "bee")])

    (train,), (test,), (labels,) = (
        [json.loads(text) for text in (tmp_path / f"{name}.manifest").read_text().splitlines()]
        for name in ("train", "test", "train-labels")
    )
    assert {"source-ref", "bounding-box", "bounding-box-metadata"} == train.keys() == test.keys()
    assert {"0": "bee", "1": "queen"} == train["bounding-box-metadata"]["class-map"]
    assert {"0": "bee", "1": "queen"} == test["bounding-box-metadata"]["class-map"]
    assert (1, 0) == tuple(line["bounding-box"]["annotations"][0]["class_id"] for line in (train, test))
    assert [{"confidence": 0.5}] == train["bounding-box-metadata"]["objects"]
    assert ([1, 0], {"1": "x", "0": "w"}) == (labels["labels"], labels["labels-metadata"]["class-map"])


def test_augmented_says_of_several_attributes_what_the_first_says(tmp_path: Path) -> None:
    """Who drew the boxes of the second, and in which job, is lost and reported; for one attribute it is kept."""
    first, second = json.loads(drawn("a", "bee")), json.loads(drawn("a", "bee"))
    second["bounding-box-metadata"] |= {"human-annotated": "no", "job-name": "j"}
    both = first | {"x": second["bounding-box"], "x-metadata": second["bounding-box-metadata"]}

    report = export("augmented", tmp_path / "both", train=[json.dumps(both).encode()])
    assert {"attribute": 1, "human-annotated": 1, "job-name": 1} == losses(report)
    report = export("augmented", tmp_path / "one", train=[json.dumps(second).encode()])
    assert {} == losses(report)


def test_hf_distinguishes_what_is_empty_and_what_is_not_known(tmp_path: Path) -> None:
    """Empty lists where nothing is, no `objects` where it is not known; numbers of a column have one type."""
    export("hf", tmp_path, train=[drawn("a", "bee"), drawn("b"), line("c")])

    full, empty, unknown = (
        json.loads(text) for text in (tmp_path / "train/metadata.jsonl").read_text().splitlines()
    )
    assert {
        "bbox": [[1.0, 2.0, 30.0, 40.0]],
        "categories": ["bee"],
        "confidence": [1.0],
        "attribute": ["bounding-box"],
    } == full["objects"]
    assert {float} == set(map(type, full["objects"]["bbox"][0])) | set(
        map(type, full["objects"]["confidence"])
    )
    assert [[]] * 4 == list(empty["objects"].values())
    assert {"file_name": "c.jpg", "source-ref": "s3://b/c.jpg"} == unknown


def test_croissant_describes_the_columns_that_are_there(tmp_path: Path) -> None:
    """Of each split its file, with its digest, and a record for its rows; none for a split without a row."""
    export("croissant", tmp_path, train=[drawn("a", "bee"), drawn("b")], test=[line("c")], other=[])

    found = document(tmp_path / "croissant.json")
    fields = {records["@id"]: [field["@id"] for field in records["field"]] for records in found["recordSet"]}
    train = "file_name source-ref creation_date width height depth bbox categories confidence"
    assert {
        "train": [f"train/{name}" for name in train.split()], "test": ["test/file_name", "test/source-ref"]
    } == fields  # fmt: skip
    assert [
        (
            f"{split}/metadata.jsonl",
            hashlib.sha256((tmp_path / split / "metadata.jsonl").read_bytes()).hexdigest(),
        )
        for split in ("train", "test", "other")
    ] == [(file["contentUrl"], file["sha256"]) for file in found["distribution"]]
    assert ("2026-03-01", "Acme") == (found["datePublished"], found["creator"]["name"])


@pytest.mark.parametrize(
    "key", ["a//b.jpg", "../a.jpg", "/a.jpg", "a\\b.jpg", "a\tb.jpg", "a\nb.jpg", " a.jpg", "a/./b.jpg"]
)
def test_a_key_that_is_no_path_is_left_out_and_named(tmp_path: Path, key: str) -> None:
    """On a disk it would be another file, or none; the list of images has one row for each of the others."""
    raw = json.dumps({**json.loads(drawn("a", "bee")), "source-ref": f"s3://b/{key}"}).encode()
    report = export("coco", tmp_path, train=[raw, drawn("z", "bee")])

    assert {"name": 1} == losses(report)
    assert {"s3://b/z.jpg": "train/z.jpg"} == images(tmp_path)


def test_images_of_two_buckets_keep_their_bucket_as_a_directory(tmp_path: Path) -> None:
    """The name tells it to people; `convert` cannot tell it, which the report says."""
    report = export(
        "coco", tmp_path, train=[drawn("a", "bee"), drawn("a", "bee").replace(b"s3://b/", b"s3://c/")]
    )

    assert {"bucket": 2} == losses(report)
    assert ["train/b/a.jpg", "train/c/a.jpg"] == list(images(tmp_path).values())
    assert [None] == [split.base for split in report.splits]
