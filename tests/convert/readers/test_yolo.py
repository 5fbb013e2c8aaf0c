"""YOLO: the layouts that are met, shares of images, and what is no box."""

import io

import pytest
from PIL import Image

from reconciler.errors import UsageError
from tests.convert.inputs import boxes, convert, errors, fields, png, warnings, yolo

HALF = "0 0.5 0.5 0.5 0.5\n"


def test_shares_become_pixels(tmp_path):
    """Centre and lengths, of this image's own size."""
    place = yolo(tmp_path, {"a.png": (640, 480, "1 0.5 0.25 0.1 0.2\n0 0.75 0.5 0.5 1\n")}, "cat", "dog")

    (line,) = fields(convert("yolo", place))
    assert [("dog", 288, 72, 64, 96), ("cat", 320, 0, 320, 480)] == boxes(line)
    assert [{"width": 640, "height": 480, "depth": 3}] == line["bounding-box"]["image_size"]


def test_names_are_paths_below_the_images(tmp_path):
    """In the order of the names, whatever the file system says."""
    place = yolo(
        tmp_path, {"b.png": (64, 64, HALF), "é/ %20.png": (64, 64, HALF), "B.png": (64, 64, HALF)}, "x"
    )

    assert ["s3://b/p/B.png", "s3://b/p/b.png", "s3://b/p/é/ %20.png"] == [
        line["source-ref"] for line in fields(convert("yolo", place))
    ]


def test_an_empty_label_file_is_not_a_missing_one(tmp_path):
    """An empty label file is an answer; none is an image that nobody labelled."""
    place = yolo(tmp_path, {"empty.png": (64, 64, ""), "none.png": (64, 64, None)}, "x")
    done = convert("yolo", place)

    empty, none = fields(done)
    assert [] == boxes(empty)
    assert {"source-ref": "s3://b/p/none.png"} == none
    assert [
        "WARNING_NO_ATTRIBUTE_ANNOTATIONS",
        "WARNING_NO_ANNOTATIONS",
        "WARNING_UNANNOTATED_RECORD",
    ] == warnings(done)


@pytest.mark.parametrize("second", ["classes.txt", "labels/classes.txt", "obj.names"])
def test_class_names_that_disagree_are_refused(second, tmp_path):
    """With `--classes` a person decides; a longer list of the same names is no contradiction."""
    place = yolo(tmp_path, {"a.png": (64, 64, "1 0.5 0.5 0.5 0.5")}, "x")
    (place / "classes.txt").unlink(missing_ok=True)
    (place / "data.yaml").write_text("names: [cat, dog]")
    (place / second).write_text("dog\ncat\n")

    ((_, code),) = errors(convert("yolo", place))
    assert "RKD1601" == code
    assert [("cat", 16, 16, 32, 32)] == boxes(*fields(convert("yolo", place, classes=place / second)))

    (place / second).write_text("cat\ndog\ncow\n")
    assert [("dog", 16, 16, 32, 32)] == boxes(*fields(convert("yolo", place)))


@pytest.mark.parametrize(
    "text",
    [
        "names: [cat, on]\n",
        "train: ../train/images\nnc: 2\nnames:\n- cat\n- on\n",
        "names:\n  1: on\n  0: cat\n",
        "\ufeffnames: {0: 'cat', 1: on}\n",
    ],
)
def test_class_names_come_from_data_yaml(text, tmp_path):
    """In every form that Ultralytics reads; what YAML takes for a truth value stays a name."""
    place = yolo(tmp_path / "train", {"a.png": (64, 64, "1 0.5 0.5 0.5 0.5")}, "x")
    (place / "classes.txt").unlink()
    (tmp_path / "data.yaml").write_text(text)

    assert [("on", 16, 16, 32, 32)] == boxes(*fields(convert("yolo", place)))


def test_class_names_can_be_given(tmp_path):
    """The file near the labels is then not looked for."""
    place = yolo(tmp_path / "x", {"a.png": (64, 64, HALF)}, "near")
    (tmp_path / "mine.names").write_text("far\r\nfarther\r\n")

    assert ["far"] == [
        box.label for box in boxes(*fields(convert("yolo", place, classes=tmp_path / "mine.names")))
    ]


def test_without_class_names_they_have_to_be_given(tmp_path):
    """A number is no label."""
    place = yolo(tmp_path / "a" / "b" / "c", {"a.png": (64, 64, HALF)}, "x")
    (place / "classes.txt").unlink()

    with pytest.raises(UsageError, match="give --classes FILE"):
        convert("yolo", place)


@pytest.mark.parametrize("text", ["", "names: 3", "names: [[a]]", "a: 1", "[1]", "names: [", "names: {x: a}"])
def test_a_data_yaml_without_names_is_an_error(text, tmp_path):
    (tmp_path / "data.yaml").write_text(text)

    assert [("data.yaml:1", "RKD1601")] == errors(convert("yolo", yolo(tmp_path, {"a.png": (64, 64, HALF)})))


def test_a_directory_below_images_has_its_labels_below_labels(tmp_path, monkeypatch):
    """images/train and labels/train, as Ultralytics pairs them, typed absolutely or not."""
    yolo(tmp_path, {"train/a.png": (64, 64, HALF), "val/b.png": (64, 64, HALF)}, "x")

    assert ["s3://b/p/a.png"] == list(convert("yolo", tmp_path / "images" / "train").lines)
    monkeypatch.chdir(tmp_path / "images")
    done = convert("yolo", type(tmp_path)("train"))
    assert 1 == done.boxes


@pytest.mark.parametrize("below", ["", "images", "images/more"])
def test_images_and_labels_may_lie_side_by_side(below, tmp_path):
    """As darknet has them; that some directory above is called images does not matter then."""
    place = tmp_path / below
    place.mkdir(parents=True, exist_ok=True)
    for name, content in (("a.png", png(64, 64)), ("a.txt", HALF.encode()), ("obj.names", b"x\n")):
        (place / name).write_bytes(content)

    assert [("x", 16, 16, 32, 32)] == boxes(*fields(convert("yolo", place)))


def test_a_whole_export_is_not_one_dataset(tmp_path):
    """Training and validation would become one; the parts are named, however they are laid out."""
    roboflow, ultralytics = tmp_path / "roboflow", tmp_path / "ultralytics"
    for part in ("train", "valid"):
        yolo(roboflow / part, {"a.png": (64, 64, HALF)}, "x")
        yolo(ultralytics, {f"{part}/a.png": (64, 64, HALF)}, "x")

    with pytest.raises(UsageError, match=f"name one of its parts: {roboflow}/train, {roboflow}/valid"):
        convert("yolo", roboflow)
    with pytest.raises(UsageError, match=f"name one of its parts: {ultralytics}/images/train, "):
        convert("yolo", ultralytics)


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ("1 0.5 0.5 0.5 0.5", "RKD1604"),
        ("x 0.5 0.5 0.5 0.5", "RKD1604"),
        ("0 0.5 0.5 0.5", "RKD1602"),
        ("0 0.5 0.5 0.5 1.5", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 -0.1 0.5 0.5 0.5", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 0.5 0.5 -0.5 0.5", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 0.5 0.5 0.5 2.5", "RKD1602"),
        ("0.5 0.5 0.5 0.5 0.5", "RKD1604"),
        ("0 32 32 32 32", "RKD1602"),
        ("0 0.5 0.5 0.5 nan", "RKD1602"),
        ("0 0.5 0.5 0.5 0.5 0.97", "RKD1605"),
        ("0 0.1 0.1 0.9 0.1 0.5 0.9", "RKD1605"),
        ("0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9", "RKD1605"),
        ("0 0.95 0.5 0.5 0.5", "ERROR_INVALID_BOUNDING_BOX"),
        ("0 0.5 0.5 0.001 0.5", "ERROR_BOUNDING_BOX_TOO_SMALL"),
    ],
)
def test_what_is_no_box_of_the_image_has_a_line(labels, code, tmp_path):
    """A polygon, a prediction, pixels in place of shares: never a box that nobody drew."""
    place = yolo(tmp_path, {"a.png": (64, 64, f"{HALF}\n{labels}")}, "x")
    done = convert("yolo", place)

    assert [("a.txt:3", code)] == errors(done)
    assert ({}, 1) == (done.lines, done.skipped)


def test_rounding_noise_at_the_edge_is_no_error(tmp_path):
    """Six digits, as most programs write them, are not exact."""
    place = yolo(tmp_path, {"a.png": (1279, 719, "0 0.500001 0.500001 1.000000 1.000000\n")}, "x")

    assert [("x", 0, 0, 1279, 719)] == boxes(*fields(convert("yolo", place)))


def test_a_box_is_judged_in_whole_pixels(tmp_path):
    """What is a third of a pixel beyond the image as it is written is within it as it is sent."""
    place = yolo(tmp_path, {"a.png": (1920, 1080, "0 0.3 0.5002 0.6 1.0004\n")}, "x")

    assert [("x", 0, 0, 1152, 1080)] == boxes(*fields(convert("yolo", place)))


@pytest.mark.parametrize("labels", ["0 0.5 0.5 0.5 1.5", "0 -0.1 0.5 0.9 0.5", "0 1 0.5 1.0001 0.5"])
def test_a_box_beyond_the_image_can_be_cut_off(labels, tmp_path):
    """However far it reaches, if its numbers can only be shares."""
    place = yolo(tmp_path, {"a.png": (64, 64, labels)}, "x")

    assert ["ERROR_INVALID_BOUNDING_BOX"] == [code for _, code in errors(convert("yolo", place))]
    ((_, left, top, width, height),) = boxes(*fields(convert("yolo", place, clip=True)))
    assert 0 <= left < left + width <= 64
    assert 0 <= top < top + height <= 64


def test_a_class_may_be_written_with_a_fraction_of_nothing(tmp_path):
    """As numpy writes a column of numbers."""
    place = yolo(tmp_path, {"a.png": (64, 64, "1.0 0.5 0.5 0.5 0.5\n0.000000e+00 0.5 0.5 0.5 0.5")}, "x", "y")

    assert ["y", "x"] == [box.label for box in boxes(*fields(convert("yolo", place)))]


@pytest.mark.parametrize(
    ("labels", "box"),
    [
        ("0 0.25 0.25 0.75 0.25 0.5 0.75", (16, 16, 32, 32)),
        ("0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75", (16, 16, 32, 32)),
        ("0 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5 0.5 0.25", (16, 16, 32, 32)),
    ],
)
def test_a_polygon_may_become_the_box_around_it(labels, box, tmp_path):
    """Beside boxes, as mixed exports have them; only if that is asked for."""
    place = yolo(tmp_path, {"a.png": (64, 64, f"{HALF}{labels}\n")}, "x")

    assert [("a.txt:2", "RKD1605")] == errors(convert("yolo", place))
    assert [("x", 16, 16, 32, 32), ("x", *box)] == boxes(*fields(convert("yolo", place, polygons=True)))


@pytest.mark.parametrize("polygons", [False, True])
def test_keypoints_beside_a_box_are_left_out_with_a_word(polygons, tmp_path):
    """A pose dataset says so in its data.yaml; its rows are never taken for polygons."""
    place = yolo(tmp_path, {"a.png": (64, 64, "0 0.5 0.5 0.5 0.5 0.1 0.1 0.9 0.9\n")})
    (place / "classes.txt").unlink()
    (place / "data.yaml").write_text("kpt_shape: [2, 2]\nnames: {0: x}\n")
    done = convert("yolo", place, polygons=polygons)

    assert [("x", 16, 16, 32, 32)] == boxes(*fields(done))
    assert ["RKD1606"] == warnings(done)


@pytest.mark.parametrize("file", ["labels/classes.txt", "labels/_darknet.labels", "_darknet.labels"])
def test_class_names_may_lie_with_the_labels(file, tmp_path):
    """As Label Studio's and Roboflow's exports have them."""
    place = yolo(tmp_path / "a" / "b" / "c", {"a.png": (64, 64, HALF)}, "x")
    (place / "classes.txt").rename(place / file)

    assert [("x", 16, 16, 32, 32)] == boxes(*fields(convert("yolo", place)))


def test_class_names_may_lie_above_the_labels_of_a_part(tmp_path):
    """images/train and labels/train, with labels/classes.txt, as LabelImg leaves it."""
    yolo(tmp_path / "a" / "b", {"train/a.png": (64, 64, HALF)}, "x")
    (tmp_path / "a" / "b" / "classes.txt").rename(tmp_path / "a" / "b" / "labels" / "classes.txt")

    assert [("x", 16, 16, 32, 32)] == boxes(
        *fields(convert("yolo", tmp_path / "a" / "b" / "images" / "train"))
    )


def test_labels_without_an_image_are_an_error(tmp_path):
    """The image may have been lost; its labels must not be, without a word."""
    place = yolo(tmp_path, {"a.png": (64, 64, HALF)}, "x")
    (place / "labels" / "b.txt").write_text(HALF)
    (place / "labels" / "classes.txt").write_text("x\n")

    assert [("b.txt:1", "RKD1603")] == errors(convert("yolo", place))


@pytest.mark.parametrize(
    ("content", "said"), [(b"GIF89a", "it is GIF"), (b"\x89PNG\r\n\x1a\n", "cut or broken")]
)
def test_an_image_without_a_size_is_an_error(content, said, tmp_path):
    place = yolo(tmp_path, {"a.png": (64, 64, HALF)}, "x")
    (place / "images" / "a.png").write_bytes(content)
    done = convert("yolo", place)

    assert ["RKD1607"] == [code for _, code in errors(done)][:1]
    assert said in done.problems[0].message


def test_a_photograph_that_is_stored_turned_is_reported(tmp_path):
    """Labelling tools show it upright, and share out what they show."""
    place = yolo(tmp_path, {"a.jpg": (64, 64, "0 0.5 0.5 0.5 1")}, "x")
    data = Image.Exif()
    data[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGB", (200, 100)).save(stream, "JPEG", exif=data.tobytes())
    (place / "images" / "a.jpg").write_bytes(stream.getvalue())
    done = convert("yolo", place)

    assert [("x", 25, 0, 50, 200)] == boxes(*fields(done))
    assert ["RKD1608"] == warnings(done)


def test_images_may_be_in_another_directory(tmp_path):
    """As CVAT exports label files: the endings of the names are those of the images."""
    images, labels = tmp_path / "photos", tmp_path / "export"
    labels.mkdir()
    yolo(labels, {}, "x")
    for name, text in (("a", HALF), ("night/b", "")):
        (labels / f"{name}.txt").parent.mkdir(exist_ok=True)
        (labels / f"{name}.txt").write_text(text)
        (images / f"{name}.PNG").parent.mkdir(exist_ok=True, parents=True)
        (images / f"{name}.PNG").write_bytes(png(64, 100))
    (labels / "gone.txt").write_text(HALF)
    done = convert("yolo", labels, images=images)

    a, b = fields(done)
    assert ("s3://b/p/a.PNG", [("x", 16, 25, 32, 50)]) == (a["source-ref"], boxes(a))
    assert ("s3://b/p/night/b.PNG", []) == (b["source-ref"], boxes(b))
    assert ["gone.txt:1"] == [place for place, _ in errors(done)]


def test_keypoints_of_images_elsewhere_are_reported(tmp_path):
    """As of images beside their label files."""
    images, labels = tmp_path / "photos", tmp_path / "export"
    images.mkdir()
    labels.mkdir()
    (images / "a.png").write_bytes(png(64, 100))
    (labels / "a.txt").write_text("0 0.5 0.5 0.5 0.5 0.1 0.2 2\n")
    (labels / "data.yaml").write_text("names: [x]\nkpt_shape: [1, 3]\n")

    assert ["RKD1606"] == warnings(convert("yolo", labels, images=images))
