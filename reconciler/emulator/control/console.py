"""A simulated user of the AWS console: edits are recorded by CloudTrail, and not in the log of calls."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from reconciler.emulator import cloudtrail
from reconciler.emulator.api import lifecycle
from reconciler.emulator.behaviour.attributes import DETECTION
from reconciler.emulator.behaviour.judge import METADATA, SOURCE_REF, Entry, judge_line
from reconciler.emulator.storage import entries
from reconciler.emulator.storage.context import Context

Fields = dict[str, Any]

# Parameters of actions that name a dataset.
_DATASETS: Final = ("dataset", "train", "test")

# Types of the parameters that are not text.
_NUMBER: Final = (int, float)
_KINDS: Final[Mapping[str, type | tuple[type, ...]]] = MappingProxyType(
    {"dx": _NUMBER, "dy": _NUMBER, "box": int, "share": _NUMBER, "lines": list}
)


class Console:
    """
    Edits that take effect at once and update LastUpdatedTimestamp, as edits in the console do.

    Datasets of all accounts are identified by ARN. Every method raises ValueError if the dataset, entry,
    label or box does not exist.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def do(self, action: Mapping[str, Any]) -> None:
        """
        Run an action: ``{"do": "move_box", "dataset": ARN, ...}`` with the parameters of the method.

        Datasets may be given as ``PROJECT/train``, if that is unambiguous.

        Raises:
            ValueError: The action is unknown, or its parameters are wrong.
        """
        for key, given in action.items():
            if not isinstance(given, _KINDS.get(key, str)):
                raise ValueError(f"{action.get('do')}: {key}: {given!r} is of the wrong kind")
        arguments = {key: self._arn(given) if key in _DATASETS else given for key, given in action.items()}
        name = arguments.pop("do", None)
        act = ACTIONS.get(str(name))
        if act is None:
            raise ValueError(f"no such action: {name!r}; one of {', '.join(ACTIONS)}")
        _check_fields(str(name), act, arguments)
        act(self, **arguments)

    def put(self, dataset: str, *lines: str | Fields) -> None:
        """Add or replace entries, given as complete lines, as an import does."""
        changed, number = [self._judged(line) for line in lines], self._id(dataset)
        with self._context.store.transaction():
            entries.put(self._context.store, number, changed)
            self._record_edit(dataset, number)

    def add_image(self, dataset: str, source_ref: str) -> None:
        """Add an unlabelled image."""
        self.put(dataset, {SOURCE_REF: source_ref})

    def remove_image(self, dataset: str, source_ref: str) -> None:
        """Delete an entry. No API does so, and whether the console can is not documented."""
        self.line(dataset, source_ref)
        number = self._id(dataset)
        entries.remove(self._context.store, number, source_ref)
        self._record_edit(dataset, number)

    def edit(self, dataset: str, source_ref: str, change: Callable[[Fields], None]) -> None:
        """Apply *change*, which edits the parsed line in place."""
        fields = self.line(dataset, source_ref)
        change(fields)
        self.put(dataset, fields)

    def move_box(self, dataset: str, source_ref: str, dx: int = 1, dy: int = 0, box: int = 0) -> None:
        """Move a box by pixels; *box* is its index over all attributes."""
        fields = self.line(dataset, source_ref)
        boxes = [found for value in _detections(fields) for found in value["annotations"]]
        if not 0 <= box < len(boxes):
            raise ValueError(f"{source_ref} has no box {box}")
        boxes[box]["left"] += dx
        boxes[box]["top"] += dy
        self.put(dataset, fields)

    def relabel(self, dataset: str, source_ref: str, old: str, new: str) -> None:
        """Replace the label *old* of one image and its boxes by *new*."""
        fields = self.line(dataset, source_ref)
        if not _rename(fields, old, new):
            raise ValueError(f"{source_ref} has no label {old!r}")
        self.put(dataset, fields)

    def rename_label(self, dataset: str, old: str, new: str) -> None:
        """Rename a label in every entry that has it."""
        changed = [fields for fields in self._lines(dataset) if _rename(fields, old, new)]
        if not changed:
            raise ValueError(f"no entry has the label {old!r}")
        self.put(dataset, *changed)

    def declare_label(self, dataset: str, label: str) -> None:
        """Add a label that no image uses: it counts in TotalLabels, and ListDatasetLabels shows 0 entries."""
        number = self._id(dataset)
        entries.declare(self._context.store, number, label)
        self._record_edit(dataset, number)

    def add_label(self, dataset: str, source_ref: str, label: str) -> None:
        """Assign an image-level label, in the format that the console writes."""
        self.edit(dataset, source_ref, lambda fields: self._assign(dataset, fields, label))

    def remove_labels(self, dataset: str, source_ref: str) -> None:
        """Remove all labels and boxes of an image, but keep the image."""
        self.put(dataset, {SOURCE_REF: self.line(dataset, source_ref)[SOURCE_REF]})

    def resave(self, dataset: str, source_ref: str) -> None:
        """Save an image with new dates and job names only, which do not affect training."""

        def change(fields: Fields) -> None:
            for key, value in fields.items():
                if key.endswith(METADATA) and isinstance(value, dict) and "type" in value:
                    value["creation-date"] = self._now()
                    value["job-name"] = "labeling-job/console"

        self.edit(dataset, source_ref, change)

    def split(self, train: str, test: str, share: float = 0.2) -> None:
        """Move a share of the labelled images to the test dataset, as training without one does."""
        source, target = self._id(train), self._id(test)
        labelled = entries.source_refs(self._context.store, source, labelled=True)
        draw = random.Random(f"{self._context.settings.seed}:{train}")  # noqa: S311
        with self._context.store.transaction():
            entries.move(
                self._context.store, source, target, draw.sample(labelled, round(len(labelled) * share))
            )
            for number in (source, target):
                lifecycle.touch(self._context, number, self._context.clock.now())
            datasets = {"Datasets": [{"Arn": train}, {"Arn": test}]}
            cloudtrail.record(self._context, cloudtrail.acted(train, "DistributeDatasetEntries", datasets))

    def start_training(self, project: str, version: str) -> None:
        """Train a model of the project with this ARN until `end_training`. Only the status is emulated."""
        self._context.trainings.setdefault(project, []).append(version)
        self._context.keep_trainings()

    def end_training(self, project: str) -> None:
        """End all trainings of a project; trained models are not emulated."""
        self._context.trainings.pop(project, None)
        self._context.keep_trainings()

    def line(self, dataset: str, source_ref: str) -> Fields:
        """Return the parsed line of an entry, as in listings."""
        line = entries.line(self._context.store, self._id(dataset), source_ref)
        if line is None:
            raise ValueError(f"no entry {source_ref} in {dataset}")
        fields: Fields = orjson.loads(line)
        return fields

    def _assign(self, dataset: str, fields: Fields, label: str) -> None:
        kind = dataset.rpartition("/")[0].rpartition("/")[2]  # train or test
        name = f"{kind}_{label}"
        fields[name] = 1
        fields[name + METADATA] = {
            "confidence": 1,
            "job-name": f"labeling-job/{name}",
            "class-name": label,
            "human-annotated": "yes",
            "creation-date": self._now(),
            "type": "groundtruth/image-classification",
        }

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self._context.clock.now(), UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"

    def _lines(self, dataset: str) -> Iterator[Fields]:
        for line in entries.lines(self._context.store, self._id(dataset)):
            yield orjson.loads(line)

    def _judged(self, line: str | Fields) -> Entry:
        raw = line.encode() if isinstance(line, str) else orjson.dumps(line)
        entry = judge_line(raw, self._context.settings.switches)
        if entry is None:
            raise ValueError(f"not a line that could be stored: {raw[:200]!r}")
        return entry

    def _record_edit(self, dataset: str, number: int) -> None:
        lifecycle.touch(self._context, number, self._context.clock.now())
        call = cloudtrail.acted(dataset, "UpdateDatasetEntries", {"DatasetArn": dataset})
        cloudtrail.record(self._context, call)

    def _arn(self, dataset: str) -> str:
        if dataset.startswith("arn:"):
            return dataset
        project, _, kind = dataset.rpartition("/")
        found = self._context.store.all(
            "SELECT d.arn FROM datasets d JOIN projects p ON p.id = d.project WHERE p.name = ? AND d.type = ?",
            project,
            kind.upper(),
        )
        if len(found) > 1:
            raise ValueError(f"{len(found)} datasets are called {dataset}; name one by its ARN")
        arn: str = found[0]["arn"] if found else dataset
        return arn

    def _id(self, dataset: str) -> int:
        row = self._context.store.one("SELECT id FROM datasets WHERE arn = ?", dataset)
        if row is None:
            raise ValueError(f"no dataset {dataset}")
        number: int = row["id"]
        return number


def _detections(fields: Fields) -> Iterator[Fields]:
    for key, meta in fields.items():
        if key.endswith(METADATA) and isinstance(meta, dict) and meta.get("type") == DETECTION:
            value = fields.get(key.removesuffix(METADATA))
            if isinstance(value, dict) and isinstance(value.get("annotations"), list):
                yield value


def _check_fields(name: str, act: Callable[..., None], given: Mapping[str, Any]) -> None:
    """
    Check the names of the fields of an action.

    Raises:
        ValueError: One is missing or unknown; the message names all.
    """
    known = list(inspect.signature(act).parameters.values())[1:]
    missing = [one.name for one in known if one.default is one.empty and one.name not in given]
    unknown = [field for field in given if field not in {one.name for one in known}]
    if not (missing or unknown):
        return
    wrong = [
        *(f"{field} is missing" for field in missing),
        *(f"there is no field {field}" for field in unknown),
    ]
    fields = ", ".join(one.name if one.default is one.empty else f"[{one.name}]" for one in known)
    raise ValueError(f"{name}: {', '.join(wrong)}; its fields: {fields}")


def _rename(fields: Fields, old: str, new: str) -> bool:
    """Rename a label in a line, in place; return whether the line has it."""
    found = False
    for key, meta in fields.items():
        if not (key.endswith(METADATA) and isinstance(meta, dict)):
            continue
        if meta.get("class-name") == old:
            meta["class-name"] = new
            found = True
        classes = meta.get("class-map")
        if isinstance(classes, dict) and old in classes.values():
            classes.update({number: new for number, name in classes.items() if name == old})
            found = True
    return found


def _put(console: Console, dataset: str, lines: list[str | Fields]) -> None:
    console.put(dataset, *lines)


ACTIONS: Final[Mapping[str, Callable[..., None]]] = MappingProxyType(
    {
        "put": _put,
        "add_image": Console.add_image,
        "remove_image": Console.remove_image,
        "move_box": Console.move_box,
        "relabel": Console.relabel,
        "rename_label": Console.rename_label,
        "declare_label": Console.declare_label,
        "add_label": Console.add_label,
        "remove_labels": Console.remove_labels,
        "resave": Console.resave,
        "split": Console.split,
        "start_training": Console.start_training,
        "end_training": Console.end_training,
    }
)
