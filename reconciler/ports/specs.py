"""What the engine asks of the specs: a pinned tree, and what it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from msgspec import Struct

from reconciler.core.validation.problem import Origin, Problem, has_error

if TYPE_CHECKING:  # pydantic is slow to import, and code that only calls AWS needs no specs
    from reconciler.core.spec.choices import PinnedObject, Pointer
    from reconciler.core.spec.documents import Acknowledgement, Dataset, Schedule, Target
    from reconciler.core.spec.policy import Policy
    from reconciler.core.validation.unmatched import PlacedGlob, PlacedPath


class Tree(Protocol):
    """
    A spec tree, pinned: what it gives does not change while it is in use.

    Attributes:
        name: What the user calls it.
        revision: The commit it is at; None outside git.
    """

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> str | None: ...

    def files(self) -> Sequence[str]:
        """
        Return every file as a path from the root with forward slashes, sorted.

        Hidden files and directories are left out.

        Raises:
            SourceError: The tree cannot be listed whole.
        """
        ...

    def open(self, path: str) -> BinaryIO:
        """
        Open one file for reading; the stream is seekable.

        Raises:
            OSError: It cannot be read, is not a regular file, or lies outside the tree. Its strerror
                is for people.
        """
        ...

    @property
    def fetches_large_files(self) -> bool:
        """Return whether `large_file` fetches an object that is not on this machine."""
        ...

    def large_file(self, pointer: Pointer) -> BinaryIO:
        """Open an object of Git LFS, unchecked. Raises `OSError` if it is not there, or could not be fetched."""
        ...

    def refused(self) -> Mapping[str, str]:
        """Return the unread paths that may hide specs, such as a link out of the tree, each with the reason."""
        ...

    def canonical(self, path: str) -> str:
        """Return the canonical name of a file, the same for all names that links give it."""
        ...

    def display(self, path: str) -> str:
        """Return *path* as the user knows it, for origins."""
        ...

    def identity(self, path: str) -> str | None:
        """
        Return a text that changes whenever the content of a file does, without reading it.

        None if no such text is known, or not at this moment.
        """
        ...


class EntryFile(Protocol):
    """
    Desired entries as JSON Lines, from a file as it is or compiled from the shorthand.

    Attributes:
        name: The author's file, as the user knows it.
        origin: The place of a problem of the file as a whole.
        pinned: The SHA-256 that its content must have; None if the tree itself holds it. Pinned lines cannot be
            edited in git.
    """

    @property
    def name(self) -> str: ...

    @property
    def origin(self) -> Origin: ...

    @property
    def pinned(self) -> str | None: ...

    def open(self) -> BinaryIO:
        r"""
        Open the lines from their start: bytes, seekable, lines ended by ``\n`` or ``\r\n``.

        Raises:
            SourceError: The file is gone, or not the one that was loaded.
            ManifestUnavailable: It is kept outside git, and cannot be read.
        """
        ...

    def line_number(self, line: int) -> int:
        """Return the line of `name` that the author wrote for the *line*-th JSON line, from 1."""
        ...

    def identity(self) -> str | None:
        """Return a text that changes whenever the lines do; None as for `Tree.identity`."""
        ...


class Manifests(Protocol):
    """Opens the files of entries that are kept outside git, by their digests."""

    def open(self, pinned: PinnedObject, target: Target) -> BinaryIO:
        """
        Open an object for reading, once its bytes are known to have the digest; the stream is seekable.

        Args:
            target: Of the dataset, whose credentials read it.

        Raises:
            ManifestUnavailable: It cannot be read, or has another digest.
        """
        ...

    def open_copy(self, name: str, digest: str, source: Callable[[], BinaryIO]) -> BinaryIO:
        """
        Open a file for reading as `open` does, copied from a *source* where it is not kept yet.

        Args:
            name: For messages.

        Raises:
            ManifestUnavailable: It cannot be copied, or has another digest.
        """
        ...


class Download(Protocol):
    """Reads an object from S3."""

    def __call__(self, pinned: PinnedObject, target: Target, into: Callable[[bytes], object]) -> None:
        """
        Pass the whole object to *into*, in order and in pieces. Its digest is not checked.

        Raises:
            ManifestUnavailable: It cannot be read.
        """
        ...


class LoadedDataset(Struct, frozen=True):
    """
    A dataset whose document could be read.

    Attributes:
        files: Where its entries are, in the order of the spec; only the files that can be used. What is wrong
            with one of them may have left it a part of its entries: then the dataset is not usable.
        problems: What is wrong with the document or its files. Lines are not judged here.
        partners: The datasets of the other type in the same project, for the rule that training and test
            share no image. They have no partners themselves.
        patterns: The globs that are meant for its entries: its own, and those of acknowledgements of its drift.
        paths: The paths of its ``ignore``.
    """

    spec: Dataset
    origin: Origin
    files: tuple[EntryFile, ...]
    problems: tuple[Problem, ...]
    partners: tuple[LoadedDataset, ...] = ()
    patterns: tuple[PlacedGlob, ...] = ()
    paths: tuple[PlacedPath, ...] = ()

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def target(self) -> Target:
        return self.spec.spec.target

    @property
    def policy(self) -> Policy:
        return self.spec.spec.policy

    @property
    def schedule(self) -> Schedule:
        return self.spec.spec.schedule

    @property
    def usable(self) -> bool:
        """Return whether nothing is missing: a dataset with an error must not become a plan."""
        return not has_error(self.problems)


class BrokenDataset(Struct, frozen=True):
    """
    A dataset whose document, or whole file, could not be read. It stops no other dataset.

    Attributes:
        name: Its name where that much could be read, else the file.
        files: The files of its entries that the document names, if readable: to report their problems as well.
        named: Whether the name is its own.
        labels: None if they cannot be known.
    """

    name: str
    origin: Origin
    problems: tuple[Problem, ...]
    files: tuple[EntryFile, ...] = ()
    named: bool = False
    labels: Mapping[str, str] | None = None


class Specs(Struct, frozen=True):
    """
    All that a spec tree declares, ordered by place.

    Attributes:
        problems: Of all files, those of the datasets included; ordered by place.
        acknowledgements: Of expected drift.
        skipped: YAML files, and documents in them, that are not ours.
    """

    datasets: tuple[LoadedDataset, ...]
    broken: tuple[BrokenDataset, ...]
    problems: tuple[Problem, ...]
    revision: str | None
    acknowledgements: tuple[Acknowledgement, ...] = ()
    skipped: tuple[Origin, ...] = ()


class SpecRevision(NamedTuple):
    """
    The specs of a source at one moment; their files stay readable until the next revision is in use.

    Attributes:
        fingerprint: Changes whenever the specs or the notice may have changed.
        notice: A warning about a source that can be read, or None.
    """

    fingerprint: str
    specs: Specs
    notice: str | None = None


class Source(Protocol):
    """A source of specs, polled by one thread at a time."""

    @property
    def name(self) -> str:
        """Return the name that the user gave the source, without any password."""
        ...

    def poll(self, known: str | None) -> SpecRevision | None:
        """
        Return the current revision, or None if its fingerprint is *known*.

        Raises:
            SourceError: The specs cannot be read, or declare nothing. The previous revision stays usable.
        """
        ...

    def close(self) -> None: ...


class Witness(Protocol):
    """Knows when the specs in a directory were last confirmed to be the newest, for example by git-sync."""

    @property
    def name(self) -> str:
        """Return the name that the user gave it."""
        ...

    def confirmed_at(self, now: float) -> float | None:
        """
        Return when that was, in seconds since the epoch; None if it is not known.

        Args:
            now: The time of day.

        Raises:
            SourceError: It cannot be asked.
        """
        ...
