"""Ground Truth: what its jobs write and Custom Labels does not take."""

import json

import pytest

from reconciler.errors import UsageError
from tests.builders import boxed, classified
from tests.convert.inputs import boxes, convert, errors, fields, manifest, warnings

DATE = "2020-02-27T21:36:25.000201"

# The developer guide's own example ("Transforming a multi-label SageMaker Ground Truth manifest file").
MULTI = {
    "source-ref": "s3://AWSDOC-EXAMPLE-BUCKET/example_image.jpg",
    "J": [1, 0, 8],
    "J-metadata": {
        "job-name": "labeling-job/J",
        "class-map": {"1": "bicycle", "0": "person", "8": "clothing"},
        "human-annotated": "yes",
        "creation-date": DATE,
        "confidence-map": {"1": 0.95, "0": 0.77, "8": 0.2},
        "type": "groundtruth/image-classification-multilabel",
    },
}


def drawn(left=1, **metadata):
    """Return value and metadata of a box attribute, as a box job writes them."""
    line = json.loads(boxed("a", ("x", left, 2, 30, 40)))
    return line["boxes"], line["boxes-metadata"] | metadata


def chained(**attributes):
    """Return a line with these box attributes."""
    line = {"source-ref": "s3://b/a.jpg"}
    for name, (value, metadata) in attributes.items():
        line |= {name: value, f"{name}-metadata": metadata}
    return line


def run(tmp_path, *lines, **options):
    return convert("groundtruth", manifest(tmp_path / "output.manifest", *lines), **options)


def test_what_is_right_stays_as_it_is(tmp_path):
    """Key by key, extra keys and the author's order among it; only the service's own keys go."""
    lines = [json.loads(classified("b", "x")), json.loads(boxed("a", ("x", 1, 2, 30, 40)))]
    lines[0] |= {"id": "7", "note": {"errors": "none"}}
    done = run(tmp_path, {**lines[0], "cl-metadata": {"is_labeled": True}}, "", lines[1])

    assert [lines[1], lines[0]] == fields(done)
    assert [list(lines[1]), list(lines[0])] == [list(line) for line in fields(done)]


def test_multi_label_becomes_an_attribute_a_label(tmp_path):
    """As the guide transforms it, but for the type: the script's own is not supported."""
    done = run(tmp_path, MULTI)

    assert (
        b'{"source-ref":"s3://AWSDOC-EXAMPLE-BUCKET/example_image.jpg",'
        b'"J0":0,"J0-metadata":{"confidence":0.95,"job-name":"labeling-job/J","class-name":"bicycle",'
        b'"human-annotated":"yes","creation-date":"2020-02-27T21:36:25.000201",'
        b'"type":"groundtruth/image-classification"},'
        b'"J1":1,"J1-metadata":{"confidence":0.77,"job-name":"labeling-job/J","class-name":"person",'
        b'"human-annotated":"yes","creation-date":"2020-02-27T21:36:25.000201",'
        b'"type":"groundtruth/image-classification"},'
        b'"J2":2,"J2-metadata":{"confidence":0.2,"job-name":"labeling-job/J","class-name":"clothing",'
        b'"human-annotated":"yes","creation-date":"2020-02-27T21:36:25.000201",'
        b'"type":"groundtruth/image-classification"}}\n'
    ) == b"".join(done.ordered())
    assert [] == done.problems


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"J": [1, 5]}, "ERROR_MISSING_CLASS_MAP_ID"),
        ({"J": 1}, "RKD1602"),
        ({"J1": 1, "J1-metadata": {"type": "groundtruth/image-classification"}}, "RKD1602"),
        (
            {"J-metadata": {**MULTI["J-metadata"], "confidence-map": {}}},
            "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT",
        ),
    ],
)
def test_a_multi_label_attribute_that_is_broken_is_an_error(change, code, tmp_path):
    """Nothing of it is made up; it is said once."""
    done = run(tmp_path, MULTI | change)

    assert ("output.manifest:1", code) == errors(done)[0]
    assert len(done.problems) == len(set(done.problems))


def test_no_label_at_all_is_an_unlabelled_image(tmp_path):
    """A worker chose none."""
    assert [{"source-ref": MULTI["source-ref"]}] == fields(run(tmp_path, MULTI | {"J": []}))


def test_numbers_become_integers(tmp_path):
    """Indexes in quotes, and coordinates of crowds; the box goes to the nearest pixels by its edges."""
    value, metadata = drawn()
    value["annotations"][0] |= {"class_id": 0.0, "top": 164.60000000000002, "height": 10.9, "note": "007"}
    value["image_size"][0] |= {"width": 640.0}
    line = json.loads(classified("a", "x")) | {"x": "0"} | chained(B=(value, metadata))
    (found,) = fields(done := run(tmp_path, line))

    box = found["B"]["annotations"][0]
    assert (0, [("x", 1, 165, 30, 11)]) == (found["x"], boxes(found, "B"))
    assert {int} == {type(box[key]) for key in ("class_id", "left", "top", "width", "height")}
    assert "007" == box["note"]
    assert [] == done.problems


def test_the_adjusted_boxes_are_kept(tmp_path):
    """Both would count, and every object would be there twice."""
    line = chained(first=drawn(1), second=drawn(2, **{"adjustment-status": "adjusted"}))
    done = run(tmp_path, line, chained(only=drawn(3)) | {"source-ref": "s3://b/b.jpg"})

    adjusted, plain = fields(done)
    assert ["source-ref", "second", "second-metadata"] == list(adjusted)
    assert ["source-ref", "only", "only-metadata"] == list(plain)
    assert ["RKD1606"] == warnings(done)


def test_of_several_adjustments_the_latest_is_kept(tmp_path):
    """Unadjusted by the second worker is an answer, too: the first adjustment was right."""
    chain = {
        "first": drawn(1),
        "third": drawn(3, **{"adjustment-status": "unadjusted", "creation-date": "2026-03-03T00:00:00"}),
        "second": drawn(2, **{"adjustment-status": "adjusted", "creation-date": "2026-03-02T00:00:00"}),
    }

    assert ["source-ref", "third", "third-metadata"] == list(*fields(run(tmp_path, chained(**chain))))


def test_which_boxes_were_adjusted_is_not_guessed(tmp_path):
    """With two other jobs it cannot be known; it can be said."""
    line = chained(cats=drawn(1), dogs=drawn(2), more=drawn(3, **{"adjustment-status": "adjusted"}))

    assert [("output.manifest:1", "RKD1611")] == errors(run(tmp_path, line))
    (found,) = fields(run(tmp_path, line, attributes=("cats", "more")))
    assert ["source-ref", "more", "more-metadata"] == list(found)


def test_verdicts_of_verification_are_left_out(tmp_path):
    """They say whether labels are good; said once for the file."""
    verdict = {"type": "groundtruth/label-verification", "class-name": "bad", "worker-feedback": []}
    lines = [chained(B=drawn(), V=(1, verdict)) | {"source-ref": f"s3://b/{n}.jpg"} for n in range(3)]
    done = run(tmp_path, *lines)

    assert ["source-ref", "B", "B-metadata"] == list(fields(done)[0])
    adjusted = chained(B=drawn(), V=(1, verdict), C=drawn(2, **{"adjustment-status": "adjusted"}))
    assert ["source-ref", "C", "C-metadata"] == list(*fields(run(tmp_path, adjusted)))
    (problem,) = done.problems
    assert ("RKD1606", "(lines: 3)") == (problem.code, problem.message[-10:])


def made(kind, **more):
    """Return the metadata that every job writes."""
    return {
        "type": kind,
        "job-name": "labeling-job/x",
        "human-annotated": "yes",
        "creation-date": DATE,
        **more,
    }


GT = "groundtruth/"
SEGMENTED = made(f"{GT}semantic-segmentation", **{"internal-color-map": {"1": {"class-name": "road"}}})
IMAGE = {"source-ref": "s3://b/a.jpg"}
CLIP = {"source-ref": "s3://b/input-manifest.json"}
CLOUD = {
    "source-ref": "s3://b/f.bin",
    "source-ref-metadata": {"format": "binary/xyzi", "unix-timestamp": 1.5},
}

# Of each kind of job that the SageMaker guide ("Labeling job output data") describes: what it writes that no line
# can hold, and how it is named.
OTHERS = {
    "masks": IMAGE | {"streets-ref": "s3://b/m.png", "streets-ref-metadata": SEGMENTED},
    "masks, adjusted": IMAGE
    | {"a-ref": "s3://b/m.png", "a-ref-metadata": SEGMENTED | {"adjustment-status": "adjusted"}},
    "masks, whose metadata is named otherwise": IMAGE
    | {"adjusted-ref": "s3://b/m.png", "adjusted-metadata": SEGMENTED},
    "clips": CLIP | {"x-ref": "s3://b/SeqLabel.json", "x-ref-metadata": made(f"{GT}video-object-detection")},
    "clips, tracks": CLIP
    | {"x-ref": "s3://b/SeqLabel.json", "x-ref-metadata": made(f"{GT}video-object-tracking")},
    "3-D points": CLOUD
    | {"x": {"annotations": [{"center-x": 1}]}, "x-metadata": made(f"{GT}lidar_object_detection")},
    "3-D points, tracks": CLOUD
    | {"x-ref": "s3://b/SeqLabel.json", "x-ref-metadata": made(f"{GT}lidar_object_tracking")},
    "3-D points, masks": CLOUD
    | {"x-ref": "s3://b/x.zlib", "x-ref-metadata": made(f"{GT}lidar_single_frame_semantic_segmentation")},
    "text": {"source": "Fine food", "mood": "1", "mood-metadata": made(f"{GT}text-classification")},
    "text, several labels": {"source-ref": "s3://b/a.txt"}
    | {"x": [1, 0], "x-metadata": made(f"{GT}text-classification-multilabel")},
    "text, entities": {"source": "Seattle"}
    | {"x": {"annotations": {"entities": []}}, "x-metadata": made(f"{GT}text-span")},
    "a template": IMAGE | {"x": {"annotation-ref": "s3://b/x.json"}, "x-metadata": made(f"{GT}custom")},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_job_of_another_kind_is_refused_by_its_type(kind, tmp_path):
    """One error, which says what such a job writes; a line beside it is converted."""
    done = run(tmp_path, OTHERS[kind], classified("z", "bee").decode())

    (problem,) = done.problems
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" == problem.code
    assert f"is of type '{GT}" in problem.message
    assert kind.partition(",")[0] in problem.message
    assert ["s3://b/z.jpg"] == list(done.lines)


def test_of_a_line_with_masks_the_labels_can_be_kept(tmp_path):
    """If they are named."""
    line = json.loads(classified("a", "x")) | OTHERS["masks"]

    assert [("output.manifest:1", "ERROR_UNSUPPORTED_USE_CASE_TYPE")] == errors(run(tmp_path, line))
    assert [json.loads(classified("a", "x"))] == fields(run(tmp_path, line, attributes=("x",)))


def test_an_image_that_a_machine_labelled_is_as_good(tmp_path):
    """Automated labelling writes "no"; one worker alone gives a confidence of 0."""
    line = json.loads(classified("a", "x"))
    line["x-metadata"] |= {"human-annotated": "no", "confidence": 0.0}

    assert [line] == fields(done := run(tmp_path, line))
    assert [] == done.problems


def test_an_image_whose_labelling_failed_is_unlabelled(tmp_path):
    """Jobs end "with labeling errors", and leave metadata without its attribute."""
    line = {"source-ref": "s3://b/a.jpg", "x-metadata": {"failure-reason": "ClientError: no access"}}
    done = run(tmp_path, line)

    assert [{"source-ref": "s3://b/a.jpg"}] == fields(done)
    assert ["WARNING_UNANNOTATED_RECORD", "RKD1606"] == warnings(done)


def test_relative_addresses_are_joined_to_the_base(tmp_path):
    """Manifests that travel have them; whole ones stay."""
    line = json.loads(classified("a", "x"))
    done = run(tmp_path, line, line | {"source-ref": "images/é %20.jpg"})

    assert ["s3://b/a.jpg", "s3://b/p/images/é %20.jpg"] == [each["source-ref"] for each in fields(done)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", "ERROR_INVALID_JSON_LINE"),
        ('{"source-ref": "s3://b/a.jpg", "source-ref": "s3://b/b.jpg"}', "ERROR_INVALID_JSON_LINE"),
        ('{"source": "Some text"}', "ERROR_MISSING_SOURCE_REF"),
        ('{"source-ref": "s3://b/a.jpg", "x": 1}', "ERROR_NO_LABEL_ATTRIBUTES"),
    ],
)
def test_a_bad_line_hides_no_other(line, code, tmp_path):
    """Each has its number."""
    good = classified("a", "x").decode()
    others = (good.replace("a.jpg", "0.jpg"), good.replace("a.jpg", "1.jpg"), line.replace("a.jpg", "z.jpg"))
    done = run(tmp_path, others[0], line, *others[1:])

    assert [("output.manifest:2", code), ("output.manifest:4", code)] == errors(done)
    assert (2, 2) == (len(done.lines), done.skipped)


def test_the_output_of_a_job_is_found(tmp_path):
    """Below the directory that the job has in S3."""
    (tmp_path / "manifests" / "output").mkdir(parents=True)
    run(tmp_path / "manifests" / "output", MULTI)

    assert 1 == len(convert("groundtruth", tmp_path).lines)
    with pytest.raises(UsageError, match=r"holds no output.manifest"):
        convert("groundtruth", tmp_path / "manifests")


@pytest.mark.parametrize("end", ["", "\n"])
def test_json_in_another_form_is_read_as_well(end, tmp_path):
    """An array, objects over several lines, commas between them: the same lines come of all."""
    lines = [json.loads(classified(name, "bee")) | {"x": "é"} for name in "ab"]
    file = manifest(tmp_path / "a.manifest", *lines)
    expected = list(convert("groundtruth", file).ordered())
    pretty = [json.dumps(line, indent=2, ensure_ascii=False) for line in lines]
    flat = [json.dumps(line) for line in lines]

    for text in (
        json.dumps(lines),
        json.dumps(lines, indent="\t"),
        "\n".join(pretty),
        ",\n".join(pretty),
        " ".join(flat),
        "".join(flat),
        "[\n" + ",\n".join(flat) + "\n]",
        "\ufeff" + json.dumps(lines),
    ):
        file.write_text(text + end)
        assert expected == list(convert("groundtruth", file).ordered())


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ('[\n{"source-ref": "s3://b/a.jpg"},\n3\n]', "a.manifest:3:1", "ERROR_INVALID_JSON_LINE"),
        ('[\n{"source-ref": "s3://b/a.jpg"}\n', "a.manifest:3:1", "RKD1601"),
        ('{\n"source-ref": "s3://b/a.jpg"\n}\n{\n"x":\n', "a.manifest:6:1", "RKD1601"),
        ('{\n"source-ref": "s3://b/a.jpg"\n}]', "a.manifest:3:2", "RKD1601"),
        ('{\n"x": 1\n}', "a.manifest:1:1", "ERROR_MISSING_SOURCE_REF"),
    ],
)
def test_a_fault_in_another_form_has_a_place(text, place, code, tmp_path):
    (tmp_path / "a.manifest").write_text(text)

    assert [(place, code)] == errors(convert("groundtruth", tmp_path / "a.manifest"))
