"""Name the images of an export: paths below one directory, from which their address can be derived again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from reconciler.convert.names import why_no_key
from reconciler.convert.record import Options
from reconciler.errors import UsageError

_SCHEME: Final = "s3://"

# Most keys are of this form, and need no judgement, which takes 3 µs.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)


class ImagesAt(NamedTuple):
    """
    Where the images below a prefix are.

    Attributes:
        prefix: Such as ``s3://bucket/train/``.
        path: The directory below that of the images; empty for that itself.
    """

    prefix: str
    path: str


class Names:
    """
    Names the images of one split.

    Attributes:
        base: What `convert` puts before each name to get the address; None if no single prefix does.
    """

    def __init__(self, rules: Sequence[ImagesAt], first: str, last: str) -> None:
        """
        Name images by the given rules, or by what follows the directory that all of them share.

        Args:
            first: The first address of the split, in the order of code points.
            last: The last one.
        """
        shared = _shared(first, last)
        self.is_given = bool(rules)
        self._rules = sorted(rules or [ImagesAt(shared, "")], key=lambda rule: -len(rule.prefix))
        (only, *more) = self._rules
        self.base = None if more or only.path or only.prefix == _SCHEME else only.prefix
        self._options = Options(base=self.base or _SCHEME, extension="")
        self._seen: dict[str, str] | None = {} if more else None

    def name(self, source_ref: str) -> str | None:
        """
        Return the path of an image, with ``/`` between its steps; None if its key is no path of a file.

        Raises:
            UsageError: No rule is about it, or another image has the same path.
        """
        for prefix, path in self._rules:
            if source_ref.startswith(prefix):
                name = source_ref[len(prefix) :]
                # The same judgement as that of `convert`, and a // that a file system takes for one /.
                if not _PLAIN.fullmatch(name) and ("" in name.split("/") or why_no_key(name, self._options)):
                    return None
                return self._once(f"{path}/{name}" if path else name, source_ref)
        raise UsageError(f"no --images-at says where {source_ref} is")

    def _once(self, name: str, source_ref: str) -> str:
        if self._seen is not None and (other := self._seen.setdefault(name, source_ref)) != source_ref:
            raise UsageError(f"{other} and {source_ref} would both be {name}: change --images-at")
        return name

    @property
    def has_lost_buckets(self) -> bool:
        """Return whether the bucket is a directory of the names, from which `convert` cannot tell it again."""
        return not self.is_given and self.base is None


def _shared(first: str, last: str) -> str:
    """Return the directory of both addresses, and so of all between them; ``s3://`` if their buckets differ."""
    count = next(
        (place for place, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )
    return first[: first.rfind("/", 0, count) + 1]


def rules_of(given: Mapping[str, str]) -> tuple[ImagesAt, ...]:
    """Return the rules of ``--images-at``, prefix -> path."""
    return tuple(ImagesAt(prefix, path.strip("/")) for prefix, path in given.items())
