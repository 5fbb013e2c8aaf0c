"""What a writer is given, and what it says of its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.convert.export.content import Content
from reconciler.convert.export.files import Files
from reconciler.convert.export.losses import Kind, Lost
from reconciler.core.entries.entry import Fields

Classes = Mapping[str, int]
"""Label -> its number from 0, in the order of code points."""


class Image(NamedTuple):
    """
    One entry.

    Attributes:
        name: Its path below the directory of the images.
        fields: The line, without keys of the service.
    """

    source_ref: str
    name: str
    content: Content
    fields: Fields


class Context(NamedTuple):
    """
    What the writer of one split works with.

    Attributes:
        project: The name of the Rekognition project.
        split: Such as ``train``.
        files: Where it writes.
        classes: Label of boxes -> its number from 0, the same in all splits, sorted; empty unless the format
            is `numbered`.
        labels: The same for labels of whole images.
    """

    project: str
    split: str
    files: Files
    classes: Classes
    labels: Classes


class Summary(NamedTuple):
    """
    What all splits have in common, for files that are about all of them.

    Attributes:
        splits: Their names, in order.
        about: What the user says of the dataset, such as its license.
    """

    project: str
    splits: Sequence[str]
    files: Files
    classes: Classes
    about: Mapping[str, str]


Add = Callable[[Image], Sequence[Lost]]
"""Write one image; return what of it is not written, all of it if a kind of `LEFT_OUT` is among that."""

Split = Callable[[Context], AbstractContextManager[Add]]


@dataclass(frozen=True, slots=True)
class Format:
    """
    One format that entries are written in.

    Attributes:
        split: Opens the files of one split, and completes them when the context ends.
        carries: Kinds that are in the files. What `add` returns, and what is in no line, needs no mention.
        images: The directory of the images of a split; ``{split}`` stands for its name. None if the
            format names images by their addresses.
        numbered: Whether labels have numbers, so that all of them must be known before the first is
            written.
        finish: Writes the files that are about all splits.
        about: What the user must say of the dataset.
    """

    split: Split
    carries: frozenset[Kind]
    images: str | None = "{split}"
    numbered: bool = False
    finish: Callable[[Summary], None] | None = None
    about: tuple[str, ...] = ()
