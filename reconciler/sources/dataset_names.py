"""The names of the datasets of a spec tree, read in milliseconds and not judged: for completion by a shell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml

MAX_FILES: Final = 2_000
MAX_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[a-z0-9][-a-z0-9]{0,62}")
"""Nothing else is given to a shell, which might execute it."""

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def dataset_names(path: Path) -> list[str]:
    """Return the names of all datasets below a directory, or in a file, sorted; unreadable ones are left out."""
    files = [path] if path.is_file() else islice(_yaml_files(path), MAX_FILES)
    return sorted({name for file in files for name in _names_in(file)})


def _yaml_files(directory: Path) -> Iterator[Path]:
    for place, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if name.endswith((".yaml", ".yml")))


def _names_in(file: Path) -> Iterator[str]:
    try:
        if file.stat().st_size > MAX_BYTES or b"Dataset" not in (raw := file.read_bytes()):
            return
        for document in yaml.load_all(raw, Loader=_LOADER):
            match document:
                case {"kind": "Dataset", "metadata": {"name": str(name)}} if _NAME.fullmatch(name):
                    yield name
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return
