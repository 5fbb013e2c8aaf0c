"""COCO: what AWS's own converter does, and what real exports need."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.parsing.coco_records import regular_records
from reconciler.convert.record import Crowd
from reconciler.errors import UsageError
from tests.convert.inputs import boxes, coco, convert, errors, fields, warnings


def image(key=1, name="a.jpg", **more):
    return {"id": key, "file_name": name, "width": 640, "height": 480, **more}


def annotation(bbox=(10, 20, 30, 40), image_id=1, category_id=1, **more):
    return {"image_id": image_id, "category_id": category_id, "bbox": list(bbox), **more}


def test_an_id_of_two_categories_is_refused(tmp_path):
    """Of two names for one id nobody knows which is meant: neither is taken. The same name twice is no matter."""
    categories = [{"id": 1, "name": "cow"}, {"id": 1, "name": "dog"}]
    document = {"images": [image()], "categories": categories, "annotations": [annotation()]}
    (tmp_path / "a.json").write_text(json.dumps(document))

    assert ["RKD1602"] == [code for _, code in errors(convert("coco", tmp_path / "a.json"))]

    categories[1]["name"] = "cow"
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert [("cow", 10, 20, 30, 40)] == boxes(*fields(convert("coco", tmp_path / "a.json")))


def test_the_line_is_the_one_that_the_shorthand_gives(tmp_path):
    """Key by key: a dataset may move from one to the other, and nothing differs."""
    file = coco(
        tmp_path / "a.json",
        [image(date_captured="2013-11-18 02:53:27")],
        [annotation(category_id=2), annotation((1, 2, 3, 4))],
        "Echo",
        "Dot",
    )

    assert (
        b'{"source-ref":"s3://b/p/a.jpg","bounding-box":{"image_size":[{"width":640,"height":480,"depth":3}],'
        b'"annotations":[{"class_id":0,"left":10,"top":20,"width":30,"height":40},'
        b'{"class_id":1,"left":1,"top":2,"width":3,"height":4}]},'
        b'"bounding-box-metadata":{"objects":[{"confidence":1},{"confidence":1}],'
        b'"class-map":{"0":"Dot","1":"Echo"},"type":"groundtruth/object-detection",'
        b'"human-annotated":"yes","creation-date":"2013-11-18T02:53:27",'
        b'"job-name":"labeling-job/bounding-box"}}\n'
    ) == b"".join(convert("coco", file).ordered())


def test_the_order_of_records_changes_nothing(tmp_path):
    """Exporters list images as their database gives them."""
    images = [image(1, "z.jpg"), image(2, "é.jpg"), image("x", "a.jpg")]
    notes = [annotation(image_id=2), annotation(image_id="x")]
    one = convert("coco", coco(tmp_path / "1.json", images, notes, "x"))
    other = convert("coco", coco(tmp_path / "2.json", images[::-1], notes[::-1], "x"))

    assert list(one.ordered()) == list(other.ordered())
    assert ["a.jpg", "z.jpg", "é.jpg"] == [line["source-ref"][9:] for line in fields(one)]


def test_an_image_without_annotations_keeps_an_empty_attribute(tmp_path):
    """As in AWS's sample: an attribute with empty annotations, objects and class-map."""
    (line,) = fields(done := convert("coco", coco(tmp_path / "a.json", [image()], [])))

    assert ([], [], {}) == (
        line["bounding-box"]["annotations"],
        line["bounding-box-metadata"]["objects"],
        line["bounding-box-metadata"]["class-map"],
    )
    assert ["WARNING_NO_ATTRIBUTE_ANNOTATIONS", "WARNING_NO_ANNOTATIONS"] == warnings(done)


@pytest.mark.parametrize(
    ("captured", "expected", "warned"),
    [
        ("2013-11-14 17:02:52", "2013-11-14T17:02:52", []),
        ("2020-10-05T14:03:19+02:00", "2020-10-05T12:03:19Z", []),
        ("2024/02/03 04:05:06", "2024-02-03T04:05:06", []),
        ("", "2026-03-01T12:00:00", []),
        (0, "2026-03-01T12:00:00", []),
        ("yesterday", "2026-03-01T12:00:00", ["RKD1610"]),
    ],
)
def test_date_captured_is_the_creation_date(captured, expected, warned, tmp_path):
    """In UTC, where it has a zone; what is no date is as if it were not there."""
    file = coco(tmp_path / "a.json", [image(date_captured=captured)], [annotation()], "x")
    (line,) = fields(done := convert("coco", file))

    assert expected == line["bounding-box-metadata"]["creation-date"]
    assert warned == warnings(done)


def test_the_date_of_the_file_is_the_last_resort(tmp_path):
    """An image's own comes first, then what was asked for."""
    file = coco(tmp_path / "a.json", [image()], [annotation()], "x", info={"date_created": "2024-02-03"})

    (line,) = fields(convert("coco", file, created_at=None))
    assert "2024-02-03T00:00:00" == line["bounding-box-metadata"]["creation-date"]
    (line,) = fields(convert("coco", file))
    assert "2026-03-01T12:00:00" == line["bounding-box-metadata"]["creation-date"]


def test_without_any_date_one_has_to_be_given(tmp_path):
    """The clock would make other bytes of it every time."""
    with pytest.raises(UsageError, match="give --created-at"):
        convert("coco", coco(tmp_path / "a.json", [image()], [annotation()], "x"), created_at=None)


def test_crowds_and_masks_are_left_out_with_a_word(tmp_path):
    """A crowd is no object; a mask beside a box says nothing more that a line could hold."""
    notes = [annotation(iscrowd=1), annotation((1, 2, 3, 4), segmentation=[[1, 2, 3, 4, 5, 6]])]
    done = convert("coco", coco(tmp_path / "a.json", [image()], notes, "x"))

    assert [("x", 1, 2, 3, 4)] == boxes(*fields(done))
    assert ["RKD1606", "RKD1606"] == warnings(done)


@pytest.mark.parametrize("crowd", [1, "1", 1.0, True])
def test_an_image_of_which_only_crowds_are_known_is_not_one_without_objects(crowd, tmp_path):
    """As exports of masks mark all they hold. It is an error, until its reader says what is meant."""
    notes = [annotation(iscrowd=crowd), annotation((1, 2, 30, 40), image_id=2)]
    file = coco(tmp_path / "a.json", [image(), image(2, "b.jpg"), image(3, "c.jpg")], notes, "x")

    done = convert("coco", file)
    assert ["RKD1605"] == [code for _, code in errors(done)]
    assert ["s3://b/p/b.jpg", "s3://b/p/c.jpg"] == list(done.lines)
    boxed, *_ = fields(convert("coco", file, crowd=Crowd.BOX))
    assert [("x", 10, 20, 30, 40)] == boxes(boxed)
    skipped = convert("coco", file, crowd=Crowd.SKIP)
    assert {"source-ref": "s3://b/p/a.jpg"} == fields(skipped)[0]
    assert ([], True) == (skipped.errors, "RKD1606" in warnings(skipped))


@pytest.mark.parametrize("mask", [[[1, 2, 31, 2, 31.4, 42]], [[1, 2, 3, 2, 3, 4], [20, 30, 31, 40, 31, 42]]])
def test_a_polygon_may_become_the_box_around_it(mask, tmp_path):
    """Only if that is asked for, and never a mask."""
    rle = annotation((), image_id=2, segmentation={"size": [1, 1], "counts": "1"})
    notes = [annotation((), segmentation=mask), rle]
    file = coco(tmp_path / "a.json", [image(), image(2, "b.jpg")], notes, "x")

    assert ["RKD1605", "RKD1605"] == [code for _, code in errors(convert("coco", file))]
    done = convert("coco", file, polygons=True)
    assert ["RKD1605"] == [code for _, code in errors(done)]
    assert [("x", 1, 2, 30, 40)] == boxes(*fields(done))


def test_every_bad_record_is_named_with_its_place(tmp_path):
    """And none hides another: neither of the same image, nor of others."""
    images = [image(), image(2, "b.jpg"), image(3, None), image(2, "again.jpg"), image(5, "c.jpg", width=0)]
    notes = [
        annotation((600, 20, 100, 40)),
        annotation((1, 2, 1, 40)),
        annotation(category_id=9),
        annotation((), image_id=2, segmentation=[[1, 2]]),
        annotation((1, 2, 3), image_id=2),
        annotation(image_id=44),
        annotation(image_id=3),  # of a record that is named already
        "nonsense",
    ]
    file = coco(tmp_path / "a.json", images, notes, "x")
    starts = {
        number for number, line in enumerate(file.read_text().splitlines(), 1) if line in ("{", '"nonsense"')
    }
    done = convert("coco", file)

    assert ({}, 3) == (done.lines, done.skipped)
    assert starts >= {int(place.split(":")[1]) for place, _ in errors(done)}
    assert {
        "ERROR_INVALID_BOUNDING_BOX": 1,
        "ERROR_BOUNDING_BOX_TOO_SMALL": 1,
        "RKD1503": 1,
        "RKD1602": 4,
        "RKD1603": 1,
        "RKD1604": 1,
        "RKD1605": 1,
    } == Counter(code for _, code in errors(done))


def test_an_image_with_an_error_gets_no_advice(tmp_path):
    """That nothing was found on it is not what its author said."""
    done = convert("coco", coco(tmp_path / "a.json", [image()], [annotation(category_id=9)], "x"))

    assert (["RKD1604"], []) == ([code for _, code in errors(done)], warnings(done))


def test_a_box_beyond_its_image_can_be_cut_off(tmp_path):
    """Only if that is asked for: it changes what somebody drew."""
    file = coco(tmp_path / "a.json", [image()], [annotation((600, -3.2, 100, 40))], "x")

    assert ["ERROR_INVALID_BOUNDING_BOX"] == [code for _, code in errors(convert("coco", file))]
    assert [("x", 600, 0, 40, 37)] == boxes(*fields(convert("coco", file, clip=True)))


@pytest.mark.parametrize(
    "name", ["ünï %20+a.jpg", "e\u0301.jpg", "\u00e9.jpg", "a b/c&d.jpg", "A.JPEG", "100%.jpg", "🐝.jpg"]
)
def test_names_are_joined_as_they_are(name, tmp_path):
    """Code point by code point: nothing is decoded, escaped or normalised."""
    done = convert("coco", coco(tmp_path / "a.json", [image(name=name)], [annotation()], "x"))

    assert [f"s3://b/p/{name}"] == list(done.lines)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/data/a.jpg", "RKD1501"),
        ("../a.jpg", "RKD1501"),
        ("https://x/a.jpg", "RKD1501"),
        ("\ud800.jpg", "RKD1003"),
    ],
)
def test_a_name_that_is_no_key_is_an_error(name, code, tmp_path):
    """It would become an object that does not exist."""
    done = convert("coco", coco(tmp_path / "a.json", [image(name=name)], [annotation()], "x"))

    assert [code] == [code for _, code in errors(done)]


def test_whole_addresses_need_no_base(tmp_path):
    file = coco(tmp_path / "a.json", [image(name="s3://c/a.jpg")], [annotation()], "x")

    assert ["s3://c/a.jpg"] == list(convert("coco", file, base=None).lines)


def test_without_a_base_one_has_to_be_given(tmp_path):
    """Said once, not for each image."""
    with pytest.raises(UsageError, match="give --base"):
        convert("coco", coco(tmp_path / "a.json", [image()], [annotation()], "x"), base=None)


def test_an_image_that_is_there_twice_is_an_error(tmp_path):
    """The service would drop one of the lines, and not say which."""
    done = convert("coco", coco(tmp_path / "a.json", [image(), image(2)], [annotation()], "x"))

    assert ["RKD3001"] == [code for _, code in errors(done)]
    assert 1 == done.skipped


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "in braces"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', "in braces"),
        ('{"images": [{"id": 1,', "not the JSON that is expected"),
        ('{"images": [}', "not the JSON that is expected"),
        ('{"images": [], "annotations": [], "categories": []} x', "more after the end"),
        ('{"images" 1}', "expected “:”"),
        ('{"images": [], "annotations": []}', "no list “categories”"),
        ('{"images": [], "annotations": null, "categories": []}', "“annotations” must be a list"),
        ('{"images": {}, "annotations": [], "categories": []}', "“images” must be a list"),
        ('{"images": ' + "[" * 100_000, "nested too deeply"),
        ('{"images": ' + "9" * 5_000 + "}", "without end"),
    ],
)
def test_another_file_is_refused_as_a_whole(text, said, tmp_path):
    """With the place where it stops being what was expected."""
    file = tmp_path / "a.json"
    file.write_text(text)
    done = convert("coco", file)

    (problem,) = done.problems
    assert ("RKD1601", True) == (problem.code, problem.is_error)
    assert said in problem.message


def test_bytes_that_are_not_utf_8_have_a_place(tmp_path):
    file = tmp_path / "a.json"
    file.write_bytes(b'{\n"images": "\xe9"}')

    assert [("a.json:2", "RKD1003")] == errors(convert("coco", file))


def test_a_place_is_line_and_column(tmp_path):
    """Most exports are one line of megabytes: there the column is what helps."""
    file = coco(tmp_path / "a.json", [image()], [annotation(category_id=9)], "x")
    text = json.dumps(json.loads(file.read_text()))
    file.write_text(text)

    ((place, _),) = errors(convert("coco", file))
    assert text.index('{"image_id"') + 1 == int(place.split(":")[2])


def test_a_directory_stands_for_the_file_in_it(tmp_path):
    """As Roboflow exports it; of several it does not choose."""
    coco(tmp_path / "_annotations.coco.json", [image()], [annotation()], "x")
    (tmp_path / "other.json").write_text("{}")

    assert 1 == len(convert("coco", tmp_path).lines)
    (tmp_path / "_annotations.coco.json").rename(tmp_path / "more.json")
    with pytest.raises(UsageError, match=r"name one JSON file; there are: more.json, other.json"):
        convert("coco", tmp_path)


QUARTERS = st.integers(0, 134).map(lambda quarters: quarters / 4)
NUMBERS = st.one_of(
    QUARTERS, QUARTERS, QUARTERS, st.sampled_from([10.49999999999, 10.5000000001, -0.4, 1e1, 60.0, "3", None])
)


@st.composite
def documents(draw):
    """Draw a file whose records are of the usual types, with here and there a value that is not."""
    images = [
        {
            "id": number,
            "file_name": f"{draw(st.sampled_from(['a', 'é', '猫']))}{number}.jpg",
            "width": 64,
            "height": 64,
            "date_captured": draw(st.sampled_from(["2020-01-02 03:04:05", "", None, 0, "yesterday"])),
        }
        for number in range(draw(st.integers(1, 4)))
    ]
    notes = [
        {
            "id": number,
            "image_id": draw(st.integers(0, len(images) - (draw(st.integers(0, 20)) > 0))),
            "category_id": draw(st.sampled_from([1, 1, 1, 2, 3])),
            "bbox": draw(st.lists(NUMBERS, min_size=4, max_size=4)),
            "iscrowd": draw(st.sampled_from([0, 0, 0, 0, 1])),
            **draw(
                st.sampled_from([{}, {}, {"segmentation": []}, {"segmentation": [[1, 2, 30, 2, 30, 40]]}])
            ),
        }
        for number in range(draw(st.integers(0, 6)))
    ]
    names = [{"id": 1, "name": "bee"}, {"id": 2, "name": draw(st.sampled_from(["ant", "bee", "蚁"]))}]
    info = draw(st.sampled_from([{}, {"info": {"date_created": "2020/01/02"}}, {"info": {"x": "images"}}]))
    parts = {"images": images, "annotations": notes, "categories": names, **info}
    order = draw(st.permutations(list(parts)))
    return json.dumps(
        {key: parts[key] for key in order},
        indent=draw(st.sampled_from([None, 1])),
        ensure_ascii=draw(st.booleans()),
    )


@given(
    documents(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, Crowd.BOX, Crowd.SKIP]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
@settings(max_examples=200)
def test_a_regular_file_is_read_as_value_by_value(document, clip, polygons, crowd, mark):
    """The same lines, problems and places, whether the records are decoded at once or walked over."""
    with TemporaryDirectory() as place:
        file = Path(place, "a.json")
        file.write_bytes(mark + document.encode())
        options = {"clip": clip, "polygons": polygons, "crowd": crowd}

        fast = convert("coco", file, **options)
        with patch("reconciler.convert.readers.coco.regular_records", return_value=None):
            slow = convert("coco", file, **options)

    assert slow == fast


@pytest.mark.parametrize("bbox", [(620, 1, 30, 40), (1, 460, 30, 40), (-1, 1, 30, 40), (1, -1, 30, 40)])
def test_a_box_beyond_any_edge_is_an_error(bbox, tmp_path):
    done = convert("coco", coco(tmp_path / "a.json", [image()], [annotation(bbox)], "cow"))

    assert ["ERROR_INVALID_BOUNDING_BOX"] == [code for _, code in errors(done)]


def test_an_edge_that_floats_cannot_hold_is_rounded_exactly(tmp_path):
    """As a float it would be half a pixel, and go up."""
    file = coco(tmp_path / "a.json", [image()], [annotation((10.25, 1, 30, 40))], "cow")
    file.write_text(file.read_text().replace("10.25", f"10.4{'9' * 20}"))

    assert [("cow", 10, 1, 30, 40)] == boxes(*fields(convert("coco", file)))


def test_a_usual_file_is_decoded_at_once(tmp_path):
    """Exports of the usual types are regular; a repeated id or another type is not."""
    image = b'{"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}'
    known = b'{"images": [%b], "annotations": [], "categories": []}' % image

    assert regular_records(known, "a.json") is not None
    assert regular_records(known.replace(b"1,", b'"1",'), "a.json") is None
    assert regular_records(known.replace(image, b"%b, %b" % (image, image)), "a.json") is None


@pytest.mark.parametrize("score", [0.87, 0, "0.9", [1]])
def test_a_prediction_is_no_label(tmp_path, score):
    """A score is the confidence of a detector: what nobody has confirmed does not become a label in silence."""
    notes = [
        annotation(score=score),
        annotation((1, 2, 30, 40), image_id=2, score=1.0),
        annotation(image_id=3),
    ]
    images = [image(), image(2, "b.jpg"), image(3, "c.jpg")]
    done = convert("coco", coco(tmp_path / "a.json", images, notes, "cow"))

    assert [("a.json:23:1", "RKD1605")] == errors(done)
    assert ["s3://b/p/b.jpg", "s3://b/p/c.jpg"] == [line["source-ref"] for line in fields(done)]


def test_captions_and_panoptic_masks_are_named(tmp_path):
    """Their annotations have neither a class nor a box."""
    images = [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 64}]
    done = convert("coco", coco(tmp_path / "in.json", images, [{"image_id": 1, "segments_info": []}], "bee"))

    assert ["RKD1604"] == [code for _, code in errors(done)]
    assert "has no category_id: captions and panoptic masks" in done.errors[0].message
