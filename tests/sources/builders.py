"""Small spec trees on disk."""

from pathlib import Path

from reconciler.ports import SpecRevision
from reconciler.sources.directory import Directory, open_path
from reconciler.sources.load import load

DATASET = """\
apiVersion: reconciler/v1
kind: Dataset
metadata:
  name: {name}
spec:
  target: {{project: {project}, type: TRAIN}}
  entries: [{{file: "{file}"}}]
"""

ENTRIES = """\
apiVersion: reconciler/v1
kind: Entries
base: s3://bucket/train/
createdAt: 2026-03-01T12:00:00
images:
"""

LINE = '{"source-ref":"s3://bucket/a.jpg"}\n'


def dataset(name="flowers", file="train.jsonl", project=None):
    return DATASET.format(name=name, file=file, project=project or name)


def line(name: str) -> str:
    return f'{{"source-ref":"s3://bucket/{name}.jpg"}}\n'


def write(root: Path, **files: str | bytes) -> Path:
    """Make files: ``a__b_yaml`` is a/b.yaml."""
    for key, content in files.items():
        stem, _, suffix = key.replace("__", "/").rpartition("_")
        path = root / f"{stem}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def tree(root: Path) -> Directory:
    return Directory(root.resolve(), "specs", None)


def loaded(root: Path, only: str | None = None):
    return load(tree(root), only)


def opened(path: Path):
    return load(*open_path(path))


def problems_in(specs):
    """What is wrong, in short: place and code."""
    return [f"{problem.origin} {problem.code}" for problem in specs.problems]


def texts(revision: SpecRevision | None) -> list[bytes]:
    """Return the content of every file of entries."""
    assert revision is not None
    found = []
    for loaded in revision.specs.datasets:
        for file in loaded.files:
            with file.open() as stream:
                found.append(stream.read())
    return found
