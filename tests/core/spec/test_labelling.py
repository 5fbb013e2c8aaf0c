"""Compiling the shorthand: the lines that it stands for, and what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.core.spec.labelling import Entries, attribute_name, compile_lines
from reconciler.core.validation.text import is_source_ref


def entries(*images, base="s3://bucket/train/"):
    head = {"apiVersion": "reconciler/v1", "kind": "Entries", "createdAt": "2026-03-01T12:00:00"}
    return Entries.model_validate(head | {"base": base, "images": list(images)})


def lines(*images, **more):
    compiled = compile_lines(entries(*images, **more))
    assert () == compiled.model_errors
    return [json.loads(line) for line in compiled.lines.values()]


def model_errors(*images, **more):
    return [(f.path, f.message) for f in compile_lines(entries(*images, **more)).model_errors]


def box(label="Echo", **where):
    return {"label": label, "left": 86, "top": 65, "width": 220, "height": 334, **where}


def test_an_image_without_labels_is_an_unlabelled_entry():
    assert [{"source-ref": "s3://bucket/train/later.jpg"}] == lines({"image": "later.jpg"})


def test_labels_become_attributes_in_the_shape_of_the_console():
    """Image-level labels give the line that Ground Truth writes, key by key, in the author's order."""
    compiled = compile_lines(entries({"image": "a.jpg", "labels": ["with_leaves", "camellia"]}))

    assert (
        b'{"source-ref":"s3://bucket/train/a.jpg",'
        b'"with_leaves":1,"with_leaves-metadata":{"confidence":1,'
        b'"job-name":"labeling-job/with_leaves","class-name":"with_leaves",'
        b'"human-annotated":"yes","creation-date":"2026-03-01T12:00:00",'
        b'"type":"groundtruth/image-classification"},'
        b'"camellia":1,"camellia-metadata":{"confidence":1,'
        b'"job-name":"labeling-job/camellia","class-name":"camellia",'
        b'"human-annotated":"yes","creation-date":"2026-03-01T12:00:00",'
        b'"type":"groundtruth/image-classification"}}'
    ) == compiled.lines[0]


def test_boxes_become_one_attribute():
    """Class ids follow the order in which labels first appear on the image."""
    (line,) = lines(
        {
            "image": "desk.png",
            "size": [640, 480],
            "boxes": [box("Echo"), box("Dot", left=1), box("Echo", left=2)],
        }
    )

    assert {
        "image_size": [{"width": 640, "height": 480, "depth": 3}],
        "annotations": [
            {"class_id": 0, "left": 86, "top": 65, "width": 220, "height": 334},
            {"class_id": 1, "left": 1, "top": 65, "width": 220, "height": 334},
            {"class_id": 0, "left": 2, "top": 65, "width": 220, "height": 334},
        ],
    } == line["bounding-box"]
    assert {
        "objects": [{"confidence": 1}] * 3,
        "class-map": {"0": "Echo", "1": "Dot"},
        "type": "groundtruth/object-detection",
        "human-annotated": "yes",
        "creation-date": "2026-03-01T12:00:00",
        "job-name": "labeling-job/bounding-box",
    } == line["bounding-box-metadata"]


def test_depth_may_be_given():
    (line,) = lines({"image": "grey.png", "size": [64, 64, 1], "boxes": [box()]})

    assert 1 == line["bounding-box"]["image_size"][0]["depth"]


def test_an_image_may_have_labels_and_boxes():
    (line,) = lines({"image": "a.jpg", "labels": ["desk"], "size": [640, 480], "boxes": [box()]})

    assert {"source-ref", "desk", "desk-metadata", "bounding-box", "bounding-box-metadata"} == set(line)


def test_an_empty_list_of_boxes_says_that_nothing_was_found():
    """An empty list of boxes means a labelled image without objects, unlike an unlabelled image."""
    (line,) = lines({"image": "a.jpg", "size": [640, 480], "boxes": []})

    assert [] == line["bounding-box"]["annotations"]


@pytest.mark.parametrize(
    ("image", "base", "source_ref"),
    [
        ("a.jpg", "s3://bucket/train/", "s3://bucket/train/a.jpg"),
        ("a.jpg", "s3://bucket/train", "s3://bucket/train/a.jpg"),
        ("a.jpg", "s3://bucket", "s3://bucket/a.jpg"),
        ("x/a b+ä.jpg", "s3://bucket/", "s3://bucket/x/a b+ä.jpg"),
        ("s3://other/a.jpg", "s3://bucket/", "s3://other/a.jpg"),
        ("s3://other/a.jpg", None, "s3://other/a.jpg"),
    ],
)
def test_an_image_is_a_key_below_base_or_a_whole_address(image, base, source_ref):
    """A key is appended to the base as it is, neither decoded nor normalised."""
    assert source_ref == lines({"image": image}, base=base)[0]["source-ref"]


@pytest.mark.parametrize(
    "base",
    ["s3://b/", "s3://Old_Bucket.v1/x/", "s3://", "s3:///x/", "S3://bucket/", "https://b/", "s3://b c/"],
)
def test_a_base_is_whatever_source_refs_may_begin_with(base):
    """Shorthand and JSON lines accept the same addresses: old buckets with capitals, short names."""
    try:
        taken = entries({"image": "k.jpg"}, base=base).base == base
    except ValidationError:
        taken = False

    assert is_source_ref(f"{base}k.jpg") is taken


@pytest.mark.parametrize(
    ("image", "base"),
    [
        ("a.jpg", None),
        ("/a.jpg", "s3://bucket/"),
        ("../a.jpg", "s3://bucket/x/"),
        ("https://host/a.jpg", "s3://bucket/"),
        ("S3://bucket/a.jpg", "s3://bucket/"),
        ("s3://bucket", "s3://bucket/"),
    ],
)
def test_an_image_without_an_address_is_refused(image, base):
    """An image without an address is refused, as AWS would silently drop its line."""
    ((path, _),) = model_errors({"image": image}, base=base)

    assert ("images", 0, "image") == path


def test_a_repeated_label_is_refused_at_its_second_place():
    assert [(("images", 0, "labels", 2), "the label “x” is repeated on one image")] == model_errors(
        {"image": "a.jpg", "labels": ["x", "y", "x"]}
    )


def test_boxes_need_the_size_of_the_image():
    assert [
        (("images", 0, "boxes"), "images[0] has boxes and so needs size: [width, height]")
    ] == model_errors({"image": "a.jpg", "boxes": [box()]})


def test_one_bad_image_costs_only_its_own_line():
    """An invalid image costs only its own line; the others keep their lines and item numbers."""
    compiled = compile_lines(
        entries(
            {"image": "a.jpg"}, {"image": "/b.jpg"}, {"image": "c.jpg", "boxes": [box()]}, {"image": "d.jpg"}
        )
    )

    assert [0, 3] == list(compiled.lines)
    assert [1, 2] == [model_error.path[1] for model_error in compiled.model_errors]


@pytest.mark.parametrize("label", ["with_leaves", "camellia", "A-1.b", "0", "_x"])
def test_a_plain_label_names_its_own_attribute(label):
    assert label == attribute_name(label)


@pytest.mark.parametrize(
    ("label", "readable"),
    [
        ("Echo Dot", "Echo_Dot"),
        ("source-ref", "source_ref"),
        ("bounding-box", "bounding_box"),
        ("x-metadata", "x_metadata"),
        ("cl-errors", "cl_errors"),
        ("$ref", "ref"),
        ("猫", "label"),
        ("a-0123456789ab", "a_0123456789ab"),
    ],
)
def test_any_other_label_is_named_by_a_readable_part_and_its_hash(label, readable):
    """Names with a meaning to AWS, or that look like metadata of another attribute, are never used."""
    start, _, digits = attribute_name(label).rpartition("-")

    assert (readable, 12) == (start, len(digits))


def test_the_name_for_a_label_stays_the_same():
    """In every version: another one would be sent with each entry, beside the old one."""
    assert "Echo_Dot-a20b6e9222a6" == attribute_name("Echo Dot")
    assert f"{'x' * 40}-1306faf78dca" == attribute_name("x" * 41 + " ")


@given(st.lists(st.text(min_size=1, max_size=8) | st.from_regex(r"\A[xX -]{1,3}(-metadata)?\Z"), unique=True))
def test_no_two_attributes_of_a_line_collide(labels):
    """Each label has an attribute and a metadata key of its own, whatever the labels are."""
    labels = [label for label in labels if label.isprintable()]

    (line,) = lines({"image": "a.jpg", "labels": labels, "size": [9, 9], "boxes": []})

    assert 1 + 2 * len(labels) + 2 == len(line)
    assert labels == [v["class-name"] for k, v in line.items() if isinstance(v, dict) and "class-name" in v]


def test_an_edit_of_one_image_leaves_the_other_lines_alone():
    """A line depends on its image alone: a plan after one edit holds one change."""
    before = lines({"image": "a.jpg", "labels": ["x"]}, {"image": "b.jpg", "labels": ["y"]})
    after = lines({"image": "a.jpg", "labels": ["z", "y"]}, {"image": "b.jpg", "labels": ["y"]})

    assert before[1] == after[1]
