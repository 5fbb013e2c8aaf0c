"""`convert auto`: one format is recognised and named with its reason, and between two there is no guess."""

import json

import pytest

from reconciler.convert.formats import recognised
from reconciler.errors import UsageError
from tests.convert.inputs import coco, convert, fields, manifest, png, voc, voc_box, yolo

BOX = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}
DOCUMENTS = {
    "via": {"a.png7": {"filename": "a.png", "regions": [], "size": 7}},
    "labelme": {"imagePath": "a.png", "shapes": [], "imageWidth": 64, "imageHeight": 64},
    "createml": [{"image": "a.png", "annotations": []}],
    "labelstudio": [{"id": 1, "data": {"image": "a.png"}, "annotations": []}],
    "vott": {"assets": {"1": {"asset": {"name": "a.png"}, "regions": []}}, "tags": []},
    "vertex": {"imageGcsUri": "gs://x/a.png"},
    "azure": [{"id": "a.png", "originalImageUri": "https://x/1", "tags": []}],
    "supervisely": {"size": {"width": 64, "height": 64}, "objects": [], "tags": []},
}
FOREIGN = {
    "Labelbox": [{"data_row": {}, "projects": {}}],
    "Datumaro": {"info": {}, "categories": {}, "items": []},
    "COCO without objects": {"images": [], "info": {}},
    "VoTT 1": {"frames": {}, "inputTags": "x"},
    "answers of the workers": {"answers": [{"answerContent": {}, "submissionTime": "2026-03-01T12:00:00Z"}]},
    "boxes of Ground Truth in the frames": {"detection-annotations": [{"annotations": [], "frame-no": "0"}]},
}


def given(name, place):
    """Write an input of a format."""
    (place / "a.png").write_bytes(png(64, 64))
    match name:
        case "coco":
            images = [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}]
            return coco(place / "in.json", images, [BOX], "bee")
        case "voc":
            return voc(place / "in.xml", "a.png", voc_box("bee", 1, 2, 30, 40)).parent
        case "cvat":
            (place / "annotations.xml").write_text(
                "<?xml version='1.0'?>\n<!-- x -->\n<annotations><image name='a.png'/></annotations>"
            )
            return place / "annotations.xml"
        case "yolo":
            return yolo(place / "x", {"a.png": (64, 64, "0 0.5 0.5 0.5 0.5\n")}, "bee")
        case "folders":
            for label in ("ant", "bee"):
                (place / "x" / label).mkdir(parents=True)
                (place / "x" / label / "a.png").write_bytes(png(64, 64))
            return place / "x"
        case "csv":
            (place / "in.csv").write_text("image,label\na.png,bee\n")
        case "groundtruth":
            manifest(place / "in.manifest", {"source-ref": "s3://b/a.png"}, {"source-ref": "s3://b/b.png"})
    if name in DOCUMENTS:
        (place / "in.png.json").write_text(json.dumps(DOCUMENTS[name]))
    return next(place.glob("in.*"))


NAMES = ["coco", "voc", "cvat", "yolo", "folders", "csv", "groundtruth", *DOCUMENTS]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_recognised_and_said(name, tmp_path):
    path = given(name, tmp_path)

    assert [name] == [sign.name for sign in recognised(path)]
    done = convert("auto", path)
    assert f"read as {name}, since " in done.note
    if name != "cvat":  # its image has no size
        assert fields(convert(name, path)) == fields(done) != []


def test_a_directory_is_read_by_the_file_that_it_holds(tmp_path):
    given("labelstudio", tmp_path)

    assert f"{tmp_path.as_posix()}/in.png.json: read as labelstudio" in convert("auto", tmp_path).note


@pytest.mark.parametrize(
    ("text", "expected"), [("0 .5 0.5 1 0.25\r\n", "yolo"), ("0 .5 0.5 1\n", ""), ("7 5 5 1 2\n", "")]
)
def test_label_files_of_yolo_are_recognised_without_their_images(text, expected, tmp_path):
    """As tools export them; their images are then somewhere else."""
    place, images = tmp_path / "x", tmp_path / "images"
    for directory in (place, images):
        directory.mkdir()
    (place / "a.txt").write_text(text)
    (place / "classes.txt").write_text("bee\n")
    (images / "a.png").write_bytes(png(64, 64))

    assert expected == "".join(sign.name for sign in recognised(place))
    if expected:
        assert "--images names where the images are" in convert("auto", place).problems[0].message
        assert 1 == len(convert("auto", place, images=images).lines)


@pytest.mark.parametrize("more", [[], ["docs/b.png"], [".github/b.png"], ["bee/b.png", "c.png"]])
def test_one_folder_of_images_is_no_label(more, tmp_path):
    """As docs of a program, or images beside the folders; named as folders, it is read as such."""
    for name in ("docs/a.png", *more):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(64, 64))

    assert [] == recognised(tmp_path)
    assert convert("folders", tmp_path).lines


@pytest.mark.parametrize("text", ['{"images": [{"id": 1},', '[{"image": "a.png"', '{"a": 1}\n{"b'])
def test_json_that_was_cut_off_is_called_that(text, tmp_path):
    """Instead of naming fifteen formats that it is not."""
    (tmp_path / "in.json").write_text(text)

    (problem,) = convert("auto", tmp_path / "in.json").problems

    assert problem.message.startswith("not the JSON that is expected: ")
    assert (text.count("\n") + 1, True) == (problem.origin.line, bool(problem.origin.column))


def test_a_table_of_a_tool_is_not_called_another_format(tmp_path):
    """It is read as the format that was named: what is wrong is in its rows."""
    (tmp_path / "in.csv").write_text("filename,region_shape_attributes,region_attributes\na.png,7,7\n")

    done = convert("via", tmp_path / "in.csv")

    assert ["RKD1602"] == [problem.code for problem in done.problems]


def test_two_formats_are_an_error_with_the_commands(tmp_path):
    given("coco", tmp_path)
    given("cvat", tmp_path)

    with pytest.raises(
        UsageError, match=r"convert cvat \S+/annotations\.xml .*\n.*convert coco \S+/in\.json "
    ):
        convert("auto", tmp_path)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("said", ["auto", "coco", "labelstudio"])
def test_a_format_that_is_not_read_is_named(name, said, tmp_path):
    """By `auto`, and by a format that does not fit either."""
    (tmp_path / "in.json").write_text(json.dumps(FOREIGN[name]))

    done = convert(said, tmp_path / "in.json")

    assert not done.lines
    assert name in done.problems[0].message


def test_a_format_that_does_not_fit_leads_to_the_one_that_does(tmp_path):
    path = given("createml", tmp_path)

    assert "it seems to be createml" in convert("coco", path).problems[0].message


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{", b"[1]", b"[]", b"{}", b"\xff\xfe", b"<html/>", b"[" * 9_000]
)
def test_nothing_is_recognised_in_other_content(content, tmp_path):
    (tmp_path / "in.json").write_bytes(content)

    assert ["RKD1601"] == [problem.code for problem in convert("auto", tmp_path / "in.json").problems]
