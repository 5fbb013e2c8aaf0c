"""Exported and converted again: each line as it was, byte for byte, unless the report says what is lost."""

from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.convert.export.losses import LEFT_OUT, LossKind
from reconciler.convert.record import LabelledBox
from reconciler.core.entries.entry import canonical
from reconciler.core.entries.training_view import meaning
from reconciler.core.spec.labelling import image_level, located
from reconciler.core.validation.line import check_line
from tests.builders import CREATED, boxed
from tests.convert.exports import READ, converted, export, put_images

# What `convert` is given beside the files: the date, and the images with their sizes.
GIVEN = {LossKind.DATE, LossKind.SIZE}

# What else than `GIVEN` a line as `convert` writes it loses.
LOST = {
    "coco": {LossKind.UNLABELLED, LossKind.LABEL},
    "yolo": {LossKind.LABEL, LossKind.SHARED_FILE},
    "voc": {LossKind.UNLABELLED, LossKind.LABEL},
    "csv": {LossKind.LABEL},
    "augmented": {LossKind.UNLABELLED, LossKind.LABEL, LossKind.ATTRIBUTE, LossKind.CLASS_ID, LossKind.JOB},
    "hf": set(),
    "croissant": set(),
}

# Two pixels wide, from half a pixel: an edge that a format writes a little smaller would be rounded to one.
HALF_A_PIXEL = boxed("half.jpg", ("rose", 0.5, 0, 2, 64), size=(194, 64))

NAMES = st.text("ab é%20&'\"<>,;#", min_size=1, max_size=6).filter(lambda text: text == text.strip())
LABELS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" ,:#{}[]'\"<>&"),
    min_size=1,
    max_size=20,
).filter(lambda text: text == text.strip())


@st.composite
def sizes(draw):
    width, height = draw(st.integers(64, 4096)), draw(st.integers(64, 4096))
    return min(width, 20 * height), min(height, 20 * width)


@st.composite
def boxes(draw, labels, size, edge=st.integers):
    width, height = size
    left, top = draw(edge(0, width - 3)), draw(edge(0, height - 3))
    wide, high = draw(edge(2, width - int(left) - 1)), draw(edge(2, height - int(top) - 1))
    return LabelledBox(draw(st.sampled_from(labels)), left, top, wide, high)


@st.composite
def datasets(draw):
    """Draw lines as `convert` writes them: of boxes, without objects, of labels, of both, and unlabelled ones."""
    labels = draw(st.lists(LABELS, min_size=1, max_size=4, unique=True))
    lines = []
    for number in range(draw(st.integers(1, 6))):
        ending = draw(st.sampled_from(["jpg", "PNG"]))
        fields = {"source-ref": f"s3://b/p/{draw(NAMES)}/{number // 2}{draw(NAMES)}.{ending}"}
        if draw(st.booleans()):
            fields |= image_level(draw(st.lists(st.sampled_from(labels), unique=True)), CREATED)
        if draw(st.booleans()):
            size = draw(sizes())
            fields |= located(draw(st.lists(boxes(labels, size), max_size=4)), size, CREATED)
        lines.append(orjson.dumps(fields))
    return list({orjson.loads(line)["source-ref"]: line for line in lines}.values())


@st.composite
def strangers(draw):
    """Draw lines as others write them: any names, maps, dates, confidences, fractions, and further fields."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        size, fields = draw(sizes()), {"source-ref": f"s3://b/p/{number}.jpg"}
        for name in draw(st.lists(st.sampled_from(["bounding-box", "defects", "x"]), unique=True)):
            fields |= draw(detections(name, size))
        for name in draw(st.lists(st.sampled_from(["bee", "queen", "label"]), max_size=2, unique=True)):
            fields |= draw(classifications(name))
        if draw(st.booleans()) and len(fields) > 1:
            fields["camera"] = "4"
        lines.append(orjson.dumps(fields))
    return [line for line in lines if check_line(line).is_valid]


DATES = st.sampled_from([CREATED, "2026-03-01T12:00:00.120Z", "2020-02-27T21:36:25.000201"])
SURE = st.sampled_from([1, 1, 1.0, 0.5])


@st.composite
def shared(draw, name):
    metadata = {"human-annotated": draw(st.sampled_from(["yes", "yes", "no"])), "creation-date": draw(DATES)}
    job = draw(st.sampled_from([f"labeling-job/{name}", f"labeling-job/{name}", "j", None]))
    return metadata if job is None else {**metadata, "job-name": job}


@st.composite
def detections(draw, name, size):
    edge = draw(st.sampled_from([st.integers, st.integers, lambda least, most: st.floats(least, most)]))
    found = draw(st.lists(boxes(["bee", "queen", "bug"], size, edge), max_size=3))
    (value, _) = located(found, size, CREATED).values()
    names = draw(
        st.sampled_from(
            [["bee", "queen", "bug"], ["bug", "bee", "queen"], list(dict.fromkeys(b.label for b in found))]
        )
    )
    for box, drawn in zip(value["annotations"], found, strict=True):
        box["class_id"] = names.index(drawn.label)
    value["image_size"][0]["depth"] = draw(st.sampled_from([3, 3, 1]))
    if not found and draw(st.booleans()):
        del value["annotations"]
    return {
        name: value,
        f"{name}-metadata": {
            "objects": [{"confidence": draw(SURE)} for _ in found],
            "class-map": {str(number): label for number, label in enumerate(names)},
            "type": "groundtruth/object-detection",
            **draw(shared(name)),
        },
    }


@st.composite
def classifications(draw, name):
    return {
        name: draw(st.sampled_from([1, 1, 0])),
        f"{name}-metadata": {
            "confidence": draw(SURE),
            "class-name": draw(st.sampled_from([name, name, "wasp"])),
            "type": "groundtruth/image-classification",
            **draw(shared(name)),
        },
    }


def exported(name, lines):
    """Return what comes back, and which kinds of what each line lost, without those that are given again."""
    with TemporaryDirectory() as place:
        report = export(name, Path(place), train=lines)
        put_images(Path(place), lines)
        back = converted(name, Path(place), report)
    lost = {orjson.loads(line)["source-ref"]: set() for line in lines}
    for kind, loss in report.losses.by_kind().items():
        for ref in loss.source_refs:
            lost[ref].add(kind)
    return back, {ref: kinds - GIVEN for ref, kinds in lost.items()}


@pytest.mark.parametrize("name", READ)
@given(lines=datasets())
def test_what_convert_wrote_comes_back_byte_for_byte(name, lines):
    """Every line of which nothing is lost; and of these lines nothing is lost but what the format lacks."""
    back, lost = exported(name, lines)

    assert {kind for kinds in lost.values() for kind in kinds} <= LOST[name]
    for line in lines:
        ref = orjson.loads(line)["source-ref"]
        if not lost[ref]:
            assert line == back[ref]
    assert {ref for ref, kinds in lost.items() if not kinds & LEFT_OUT} == back.keys()


@pytest.mark.parametrize("name", READ)
@given(lines=strangers())
@example(lines=[HALF_A_PIXEL])
def test_no_loss_is_silent(name, lines):
    """A line that comes back as another one is in the report; its boxes and labels are what they were."""
    back, lost = exported(name, lines)

    for line in lines:
        fields = orjson.loads(line)
        ref, kinds = fields["source-ref"], lost[fields["source-ref"]]
        assert (ref in back) == (not kinds & LEFT_OUT)
        if ref not in back:
            continue
        found = orjson.loads(back[ref])
        if not kinds:
            assert dated(fields) == dated(found)
        if LossKind.FRACTION not in kinds:
            assert meaning(fields).boxes == meaning(found).boxes
        if LossKind.LABEL not in kinds:
            assert meaning(fields).labels == meaning(found).labels


def dated(fields):
    """Return a line in its canonical form, all dates alike: whether a format carries them is tested above."""
    for value in fields.values():
        if isinstance(value, dict) and "creation-date" in value:
            value["creation-date"] = CREATED
    return canonical(fields)
