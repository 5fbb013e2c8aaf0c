"""
Augmented manifests of SageMaker: the lines with one attribute, called the same in each, and one class map.

``train.manifest`` has the boxes, in the form of the built-in object detection ("Input/Output Interface for the
Object Detection Algorithm"); ``train-labels.manifest`` the labels of images without boxes, as Ground Truth writes
those of a multi-label job. A training job names the attribute, which no line may lack: so no unlabelled images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

import orjson

from reconciler.convert.export.content import ImageLabels
from reconciler.convert.export.format import Add, Classes, ExportedImage, Format, WriterContext
from reconciler.convert.export.losses import LossKind, Lost
from reconciler.convert.readers.groundtruth import MULTI_LABEL
from reconciler.core.entries.entry import DETECTION, METADATA, SOURCE_REF, Fields
from reconciler.core.spec.labelling import BOXES

LABELS: Final = "labels"
_BY_ATTRIBUTE: Final = frozenset({LossKind.JOB, LossKind.ANNOTATOR})

_Write = Callable[[str, Fields], object]


@contextmanager
def _split(context: WriterContext) -> Iterator[Add]:
    """Begin each manifest with its first line: most datasets have lines of one kind only."""
    with ExitStack() as stack:
        files: dict[str, Callable[[bytes], object]] = {}

        def write(end: str, line: Fields) -> None:
            if end not in files:
                files[end] = stack.enter_context(context.files.create(f"{context.split}{end}.manifest")).write
            files[end](orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

        names = {str(number): label for label, number in context.classes.items()}
        yield partial(_add, write, context, names, orjson.Fragment(orjson.dumps(names)))


def _add(
    write: _Write, context: WriterContext, names: Mapping[str, str], class_map: object, image: ExportedImage
) -> Sequence[Lost]:
    content = image.content
    pairs = [
        (name.removesuffix(METADATA), metadata)
        for name, metadata in image.fields.items()
        if type(metadata) is dict and "human-annotated" in metadata
    ]
    if content.boxes is None:
        write("-labels", _labelled(image, pairs[0][1], context.labels))
        return _lost_of_labels(content)
    drawn = [(name, metadata) for name, metadata in pairs if metadata["type"] == DETECTION]
    write("", _drawn(image, drawn[0][1], context.classes, class_map))
    lost = [Lost(LossKind.LABEL, label.label) for label in content.labels]
    lost += [Lost(LossKind.CLASS_ID, name) for name, metadata in drawn if metadata["class-map"] != names]
    if len(pairs) > 1:  # of an attribute's metadata that of the first one is kept
        lost += [one for one in content.lost if one.kind in _BY_ATTRIBUTE]
    return lost


def _drawn(image: ExportedImage, metadata: Fields, classes: Classes, class_map: object) -> Fields:
    width, height, depth = image.content.size or (0, 0, 0)
    boxes = image.content.boxes or ()
    return {
        SOURCE_REF: image.source_ref,
        BOXES: {
            "image_size": [{"width": width, "height": height, "depth": depth}],
            "annotations": [
                {
                    "class_id": classes[box.label],
                    "left": box.left,
                    "top": box.top,
                    "width": box.width,
                    "height": box.height,
                }
                for box in boxes
            ],
        },
        BOXES + METADATA: {
            "objects": [{"confidence": box.confidence} for box in boxes],
            "class-map": class_map,
            "type": DETECTION,
            **_common(image.content, metadata),
        },
    }


def _labelled(image: ExportedImage, metadata: Fields, classes: Classes) -> Fields:
    found = {str(classes[label.label]): label for label in image.content.labels}
    return {
        SOURCE_REF: image.source_ref,
        LABELS: [int(number) for number in found],
        LABELS + METADATA: {
            "class-map": {number: label.label for number, label in found.items()},
            "confidence-map": {number: label.confidence for number, label in found.items()},
            "type": MULTI_LABEL,
            **_common(image.content, metadata),
        },
    }


def _common(content: ImageLabels, metadata: Fields) -> dict[str, Any]:
    stated = {"human-annotated": metadata["human-annotated"], "creation-date": content.created_at}
    return stated | ({"job-name": metadata["job-name"]} if "job-name" in metadata else {})


def _lost_of_labels(content: ImageLabels) -> list[Lost]:
    """Return the losses of one attribute for all labels: the attribute, the id and the job of each label."""
    lost = [
        Lost(kind, label.attribute)
        for label in content.labels
        for kind in (LossKind.ATTRIBUTE, LossKind.CLASS_ID)
    ]
    if len(content.labels) > 1:
        lost += [one for one in content.lost if one.kind is LossKind.ANNOTATOR]
        lost += [Lost(LossKind.JOB, label.attribute) for label in content.labels[1:]]
    return lost


AUGMENTED: Final = Format(
    _split,
    frozenset(
        {
            LossKind.LABEL,
            LossKind.SIZE,
            LossKind.DEPTH,
            LossKind.DATE,
            LossKind.CONFIDENCE,
            LossKind.CLASS_ID,
            *_BY_ATTRIBUTE,
        }
    ),
    images=None,
    numbered=True,
)
