"""
Carry out what is due for project versions: trainings, copies, deletions.

Manifests are validated without the lock; one transaction at the end writes the files and the status.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

import orjson

from reconciler.emulator.behaviour.judge import split
from reconciler.emulator.storage import bodies, objects
from reconciler.emulator.storage.context import Context
from reconciler.emulator.training.manifests import Examination, Problem, examine, overlap_problems
from reconciler.emulator.training.snapshots import Score, Snapshots

Fields = dict[str, Any]

# Verbatim from the example of DescribeProjectVersions; messages of operations in progress are invented.
READY: Final = "The model is ready to run."
# Developer guide, "Terminal manifest file errors" and "Service errors".
BAD_MANIFEST: Final = "The manifest file extension or contents are invalid."
EMPTY_MANIFEST: Final = "The manifest file is empty."
NO_OUTPUT_BUCKET: Final = "Unable to write to output S3 bucket."
SERVICE_ISSUE: Final = "Amazon Rekognition experienced a service issue."
_AUTOSPLIT: Final = Problem(
    "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT",
    "The manifest file contains insufficient labeled images per label to perform auto-split.",
)

_TEST_SHARE: Final = 0.2
_VERSIONS: Final = (
    "SELECT v.*, p.name AS project_name, p.account, p.region"
    " FROM versions v JOIN projects p ON p.id = v.project"
)


def due(context: Context, prefixes: tuple[str, ...]) -> list[sqlite3.Row]:
    """Return the versions for which something is due and whose ARN begins so, ordered by due time."""
    sql = f"{_VERSIONS} WHERE v.due <= ? ORDER BY v.due, v.id"
    rows = context.store.all(sql, context.clock.now())
    return [row for row in rows if row["arn"].startswith(prefixes)]


def steps(context: Context, version: sqlite3.Row) -> Iterator[None]:
    """Carry out what is due for a version; yields while no lock is held. May be abandoned there."""
    match version["status"]:
        case "TRAINING_IN_PROGRESS":
            yield from _train(context, version)
        case "COPYING_IN_PROGRESS":
            _copy(context, version)
        case _:
            _delete(context, version)


def _train(context: Context, version: sqlite3.Row) -> Iterator[None]:
    settings = json.loads(version["settings"])
    given: Fields = {
        "TrainingDataResult": {"Input": settings["training"]},
        "TestingDataResult": {"Input": settings["testing"]},
    }
    failure = _file_error(context, version, settings)
    if failure is not None:
        _end(context, version, "TRAINING_FAILED", failure, given, {})
        return
    lines = _lines(context, version, settings)
    training, testing = yield from _validate(context, version, lines)
    across = overlap_problems(training, testing)
    if settings["testing"].get("AutoCreate") and not testing.lines:
        across = [_AUTOSPLIT]
    files = _validation(training, testing, across)
    problems = [*training.problems, *testing.problems, *across]
    if problems:
        _end(context, version, "TRAINING_FAILED", problems[0].message, given, files)
        return
    score = yield from _snapshots(context, version, lines, training, files)
    given["EvaluationResult"] = {"F1Score": score}
    _end(context, version, "TRAINING_COMPLETED", READY, given, files)


def _file_error(context: Context, version: sqlite3.Row, settings: Fields) -> str | None:
    """Return the message of an error that prevents validation, else None."""
    if settings["failure"] is not None:
        return str(settings["failure"])
    needs = ["train"] if settings["testing"].get("AutoCreate") else ["train", "test"]
    if any(version[part] is None for part in needs):
        return BAD_MANIFEST
    names = [_manifest_name(settings[kind]) for kind in ("training", "testing")]
    if any(name is not None and not PurePosixPath(name).suffix for name in names):
        return BAD_MANIFEST
    if any(not bodies.read(context.store, version[part], 0, 1) for part in needs):
        return EMPTY_MANIFEST
    if not _owns(context, version, settings["bucket"]):
        return NO_OUTPUT_BUCKET
    return None


def _manifest_name(data: Fields) -> str | None:
    match data:
        case {"Assets": [{"GroundTruthManifest": {"S3Object": {"Name": str(name)}}}, *_]}:
            return name
        case _:
            return None


def _owns(context: Context, version: sqlite3.Row, bucket: str) -> bool:
    return objects.owns(context.store, (version["account"], version["region"]), bucket)


def _lines(context: Context, version: sqlite3.Row, settings: Fields) -> Mapping[str, Iterable[bytes]]:
    """Return the lines of both manifests; with AutoCreate, some of the first are those of the second."""
    if not settings["testing"].get("AutoCreate"):
        return {part: _Body(context, version[part]) for part in ("train", "test")}
    every = list(split(_Body(context, version["train"])))
    draw = random.Random(f"{context.settings.seed}:{version['arn']}")  # noqa: S311
    chosen = set(draw.sample(range(len(every)), round(len(every) * _TEST_SHARE)))
    return {
        "train": [raw for number, raw in enumerate(every) if number not in chosen],
        "test": [raw for number, raw in enumerate(every) if number in chosen],
    }


class _Body:
    """The lines of a body, which can be read several times."""

    def __init__(self, context: Context, number: int) -> None:
        self._context = context
        self._number = number

    def __iter__(self) -> Iterator[bytes]:
        with bodies.open_body(self._context.store, self._number) as file:
            yield from file


def _validate(
    context: Context, version: sqlite3.Row, lines: Mapping[str, Iterable[bytes]]
) -> Generator[None, None, tuple[Examination, Examination]]:
    """Validate both manifests."""
    switches, most = context.settings.switches, context.settings.max_labels
    found = []
    for part in ("train", "test"):
        examination = Examination()
        for examination in examine(lines[part], switches, partial(_exists, context, version), most):
            if len(examination.lines) % 100 == 0:
                yield
        found.append(examination)
    return found[0], found[1]


def _exists(context: Context, version: sqlite3.Row, source_ref: str) -> bool:
    bucket, _, key = source_ref.removeprefix("s3://").partition("/")
    return _owns(context, version, bucket) and objects.find(context.store, bucket, key) is not None


def _validation(training: Examination, testing: Examination, across: list[Problem]) -> dict[str, bytes]:
    """Return the validation manifests and the manifest summary, by the beginning of their names."""
    summary = {
        "statistics": {"training": training.statistics(), "testing": testing.statistics()},
        "errors": [problem._asdict() for problem in across],
    }
    return {
        "TrainingManifestWithValidation": b"\n".join(training.lines),
        "TestingManifestWithValidation": b"\n".join(testing.lines),
        "ManifestSummary": orjson.dumps(summary),
    }


def _snapshots(
    context: Context,
    version: sqlite3.Row,
    lines: Mapping[str, Iterable[bytes]],
    training: Examination,
    files: dict[str, bytes],
) -> Generator[None, None, float]:
    """Add the snapshots and the summary to *files*; return the F1 score."""
    use_case, ended = training.use_case, _text(version["due"])
    seed = f"{context.settings.seed}:{version['arn']}"
    snapshots = Snapshots(use_case, training.labels(use_case), context.settings.switches, seed)
    scores = []
    for part, name in (("train", "TrainingGroundTruth"), ("test", "TestingGroundTruth")):
        score, written = Score(), []
        for line in snapshots.lines(lines[part], score, ended):
            if line is not None:
                written.append(line)
            if len(written) % 100 == 0:
                yield
        files[name] = b"\n".join(written)
        scores.append(score)
    summary = snapshots.summary(scores[1], scores[0].images, version["arn"], ended)
    files["EvaluationResultSummary"] = orjson.dumps(summary)
    return float(summary["AggregatedEvaluationResults"]["F1Score"])


def _end(
    context: Context,
    version: sqlite3.Row,
    status: str,
    message: str,
    result: Fields,
    files: Mapping[str, bytes],
) -> None:
    """Write the files and the result, unless another process has done so already."""
    settings = json.loads(version["settings"])
    stored = {name: objects.content(context.store, data, "application/json") for name, data in files.items()}
    with context.store.transaction() as db:
        done = db.execute(
            "UPDATE versions SET status = ?, message = ?, ended = max(created, due), due = NULL, result = ?"
            " WHERE id = ? AND due IS NOT NULL AND status = ?",
            (status, message, json.dumps({**result, "files": list(files)}), version["id"], version["status"]),
        ).rowcount
        if not done:
            return
        release(db, version)
        for name, content in stored.items():
            key = file_key(settings["prefix"], name, version["project_name"], version["name"])
            objects.put(db, settings["bucket"], key, content, version["due"])


def release(db: sqlite3.Connection, version: sqlite3.Row) -> None:
    """Free the manifests that a version was trained with."""
    db.execute("UPDATE versions SET train = NULL, test = NULL WHERE id = ?", (version["id"],))
    for part in ("train", "test"):
        bodies.release(db, version[part])


def file_key(prefix: str, name: str, project: str, version: str) -> str:
    """Return the key of an output file, as in the example of DescribeProjectVersions."""
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    return f"{folder}{name}-{project}-{version}.json"


def _copy(context: Context, version: sqlite3.Row) -> None:
    """Take over the result of the source, and its files from where they are now."""
    settings = json.loads(version["settings"])
    source = context.store.one(f"{_VERSIONS} WHERE v.arn = ?", settings["source"])
    if source is None:
        _end(context, version, "COPYING_FAILED", "The source model was deleted.", {}, {})
        return
    if not _owns(context, version, settings["bucket"]):
        _end(context, version, "COPYING_FAILED", NO_OUTPUT_BUCKET, {}, {})
        return
    origin, result = json.loads(source["settings"]), json.loads(source["result"])
    files = {}
    for name in result.pop("files"):
        key = file_key(origin["prefix"], name, source["project_name"], source["name"])
        row = objects.find(context.store, origin["bucket"], key)
        if row is not None:
            files[name] = bodies.read(context.store, row["body"], 0, row["size"])
    _end(context, version, "COPYING_COMPLETED", READY, result, files)


def _delete(context: Context, version: sqlite3.Row) -> None:
    with context.store.transaction() as db:
        release(db, version)
        db.execute("DELETE FROM tags WHERE arn = ?", (version["arn"],))
        db.execute("DELETE FROM versions WHERE id = ?", (version["id"],))


def _text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
