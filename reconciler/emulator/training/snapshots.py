"""
Write what a training leaves behind: the images that were used, predictions for them, and their quality.

No model is trained: predictions are drawn at random with the seed, mostly right. All figures follow from them.
Sources: developer guide, "Evaluation manifest snapshot" and "Summary file".
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from reconciler.emulator.behaviour.attributes import DETECTION
from reconciler.emulator.behaviour.judge import METADATA, SOURCE_REF, judge_line, split
from reconciler.emulator.behaviour.switches import Switches, TrainingOutput
from reconciler.emulator.training.manifests import UseCase

Fields = dict[str, Any]

THRESHOLD: Final = 0.5
_MISSED_SHARE: Final = 0.1
_WRONG_SHARE: Final = 0.05
_TRAINING: Final = "rekognition-custom-labels-training"
_EVALUATION: Final = "rekognition-custom-labels-evaluation"
_CLASSIFICATION: Final = "groundtruth/image-classification"


class Prediction(NamedTuple):
    """A label, the confidence, and whether the ground truth has it."""

    label: str
    confidence: float
    present: bool

    @property
    def details(self) -> Fields:
        found = self.confidence >= THRESHOLD
        return {
            f"{_EVALUATION}-details": {
                "version": 1,
                "ground-truth-labelling-jobs": [f"{_TRAINING}-job"],
                "is-true-positive": found and self.present,
                "is-true-negative": not found and not self.present,
                "is-false-positive": found and not self.present,
                "is-false-negative": not found and self.present,
                "is-present-in-ground-truth": self.present,
            }
        }


@dataclass(slots=True)
class Score:
    """Counts of predictions, by label, and the images that they are of."""

    images: int = 0
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    images_of: Counter[str] = field(default_factory=Counter)

    def add(self, predictions: Iterable[Prediction]) -> None:
        self.images += 1
        labels = set()
        for label, confidence, present in predictions:
            if present:
                labels.add(label)
                (self.right if confidence >= THRESHOLD else self.missed)[label] += 1
            elif confidence >= THRESHOLD:
                self.wrong[label] += 1
        self.images_of.update(labels)

    def metrics(self, label: str) -> dict[str, float]:
        right, wrong, missed = self.right[label], self.wrong[label], self.missed[label]
        precision = right / (right + wrong) if right + wrong else 0.0
        recall = right / (right + missed) if right + missed else 0.0
        total = precision + recall
        return {
            "F1Score": 2 * precision * recall / total if total else 0.0,
            "Precision": precision,
            "Recall": recall,
        }


class Snapshots:
    """
    Writes the snapshots of one training.

    Attributes:
        labels: All labels of the model.
    """

    def __init__(self, use_case: UseCase, labels: Iterable[str], switches: Switches, seed: str) -> None:
        self._use_case = use_case
        self._labels = sorted(labels)
        self._switches = switches
        self._seed = seed

    def lines(self, payload: Iterable[bytes], score: Score, created: str) -> Iterator[bytes | None]:
        """Yield a line for each image that can be used, else None, and count its predictions in *score*."""
        for raw in split(payload):
            entry = judge_line(raw, self._switches)
            wanted = self._use_case is UseCase.LOCALIZATION
            if entry is None or not any(on_box is wanted for on_box in entry.labels.values()):
                yield None
                continue
            line: Fields = orjson.loads(entry.line)
            draw = random.Random(f"{self._seed}:{entry.source_ref}")  # noqa: S311
            written, predictions = (self._boxed if wanted else self._labelled)(line, draw, created)
            score.add(predictions)
            if self._switches.training_output is TrainingOutput.LINES:
                line.pop("cl-metadata", None)
                yield orjson.dumps(line)
            else:
                yield orjson.dumps({SOURCE_REF: entry.source_ref, **written})

    def summary(self, score: Score, training_images: int, arn: str, ended: str) -> Fields:
        """Return the summary file: the quality of the whole and of each label."""
        by_label = {label: score.metrics(label) for label in self._labels}
        whole = {
            name: sum(metrics[name] for metrics in by_label.values()) / len(by_label)
            for name in ("F1Score", "Precision", "Recall")
        }
        return {
            "Version": 1,
            "AggregatedEvaluationResults": whole,
            "EvaluationDetails": {
                "EvaluationEndTimestamp": ended,
                "Labels": self._labels,
                "NumberOfTestingImages": score.images,
                "NumberOfTrainingImages": training_images,
                "ProjectVersionArn": arn,
            },
            "LabelEvaluationResults": [
                {
                    "Label": label,
                    "Metrics": {**metrics, "Threshold": THRESHOLD},
                    "NumberOfTestingImages": score.images_of[label],
                }
                for label, metrics in by_label.items()
            ],
        }

    def _predicted(self, label: str, draw: random.Random) -> Prediction:
        low = draw.random() < _MISSED_SHARE
        return Prediction(label, round(draw.uniform(0, 0.49) if low else draw.uniform(0.5, 1), 4), True)

    def _mistaken(self, known: set[str], draw: random.Random) -> list[Prediction]:
        """Return a prediction of a label that the image does not have, now and then."""
        others = [label for label in self._labels if label not in known]
        if not others or draw.random() >= _WRONG_SHARE:
            return []
        return [Prediction(draw.choice(others), round(draw.uniform(0.5, 0.8), 4), False)]

    def _labelled(self, line: Fields, draw: random.Random, created: str) -> tuple[Fields, list[Prediction]]:
        names = [meta["class-name"] for _, meta in _usable(line) if "class-name" in meta]
        predictions = [self._predicted(name, draw) for name in names]
        predictions += self._mistaken(set(names), draw)
        written: Fields = {}
        for number, name in enumerate(names):
            written[f"{_TRAINING}-{number}"] = 1
            written[f"{_TRAINING}-{number}{METADATA}"] = _image_level(name, 1.0, "training", "yes", created)
        for number, prediction in enumerate(predictions):
            written[f"{_EVALUATION}-{number}"] = 1
            meta = _image_level(prediction.label, prediction.confidence, "evaluation", "no", created)
            written[f"{_EVALUATION}-{number}{METADATA}"] = meta | prediction.details
        return written, predictions

    def _boxed(self, line: Fields, draw: random.Random, created: str) -> tuple[Fields, list[Prediction]]:
        boxes, size = [], []
        for value, meta in _usable(line):
            if meta["type"] == DETECTION:
                size = value["image_size"]
                sound = (box for box in value.get("annotations", ()) if "cl-errors" not in box)
                boxes += [(meta["class-map"][str(box["class_id"])], box) for box in sound]
        predictions = [self._predicted(label, draw) for label, _ in boxes]
        return {
            **_detection(
                f"{_TRAINING}-0", boxes, size, [{"confidence": 1.0}] * len(boxes), "training", created
            ),
            **_detection(
                _EVALUATION,
                boxes,
                size,
                [{"confidence": each.confidence, **each.details} for each in predictions],
                "evaluation",
                created,
            ),
        }, predictions


def _usable(line: Fields) -> Iterator[tuple[Any, Fields]]:
    """Yield value and metadata of each attribute without errors."""
    for key, value in line.items():
        meta = line.get(key + METADATA)
        if isinstance(meta, dict) and "cl-errors" not in meta and key != SOURCE_REF:
            yield value, meta


def _image_level(label: str, confidence: float, job: str, human: str, created: str) -> Fields:
    return {
        "confidence": confidence,
        "job-name": f"rekognition-custom-labels-{job}-job",
        "class-name": label,
        "human-annotated": human,
        "creation-date": created,
        "type": _CLASSIFICATION,
    }


def _detection(
    name: str, boxes: list[tuple[str, Fields]], size: Any, objects: list[Fields], job: str, created: str
) -> Fields:
    labels = list(dict.fromkeys(label for label, _ in boxes))
    return {
        name: {
            "annotations": [{**box, "class_id": labels.index(label)} for label, box in boxes],
            "image_size": size,
        },
        name + METADATA: {
            "job-name": f"rekognition-custom-labels-{job}-job",
            "class-map": {str(number): label for number, label in enumerate(labels)},
            "human-annotated": "yes" if job == "training" else "no",
            "objects": objects,
            "creation-date": created,
            "type": DETECTION,
        },
    }
