"""
Validation of one line against all rules, in the order that AWS documents.

A line that is too long, blank, not JSON or without a usable source-ref is checked no further. Next come
unpaired attributes, then schemas; only a line without such errors has its content checked. This project's own
warnings about a usable source-ref are reported in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.entries.entry import (
    METADATA,
    SOURCE_REF,
    BadLine,
    Fields,
    decode,
    without_service_keys,
)
from reconciler.core.entries.lines import MAX_LINE_BYTES
from reconciler.core.runtime.quotas import MAX_LINE_CHARS
from reconciler.core.validation import content
from reconciler.core.validation.alike import LinesAlike
from reconciler.core.validation.attribute import SCHEMA_RULES, Attribute, Type
from reconciler.core.validation.checked_line import (
    UNLABELLED,
    CheckedLine,
    CheckedLines,
    LabelKinds,
    Outcome,
    each,
    error,
    kind_of,
    quoted,
    warning,
)
from reconciler.core.validation.codes import Code
from reconciler.core.validation.fast import check_clean
from reconciler.core.validation.problem import Problem
from reconciler.core.validation.text import is_source_ref, suspicious_source_ref, unlikely_image
from reconciler.core.validation.warned import check_warned


def check_line(raw: bytes) -> CheckedLine:
    """
    Check one line of a manifest, given without its newline. Never raises.

    Takes two to four times as long as parsing if the line is clean or has a common warning, else about 40 µs.
    """
    return check_clean(raw) or check_warned(raw) or check_slowly(raw)


def check_slowly(raw: bytes) -> CheckedLine:
    """Check one line rule by rule: the reference implementation for `check_clean`."""
    if len(raw) > MAX_LINE_CHARS and (chars := _characters(raw)) > MAX_LINE_CHARS:
        many = (
            str(chars) if len(raw) <= MAX_LINE_BYTES else f"{chars} or more"
        )  # the reader truncates longer lines
        text = f"the line has {many} characters; at most {MAX_LINE_CHARS} are sent"
        return _invalid_line(error(Code.LINE_TOO_LONG, text))
    if not raw.strip(b" \t\r\n"):
        return _invalid_line(warning(Code.BLANK_LINE, "the line is blank"))
    try:
        fields = decode(raw)
    except BadLine as exc:
        return _invalid_line(error(Code.INVALID_JSON_LINE, str(exc), exc.column))
    if SOURCE_REF not in fields:
        return _invalid_line(error(Code.MISSING_SOURCE_REF, f"the line has no '{SOURCE_REF}'"))
    ref = fields[SOURCE_REF]
    if not isinstance(ref, str) or not is_source_ref(ref):
        text = f"'{SOURCE_REF}' is {quoted(ref)}, not of the form s3://bucket/key"
        known = ref if isinstance(ref, str) else None
        return _invalid_line(error(Code.INVALID_SOURCE_REF_FORMAT, text), known)
    return _check_fields(ref, fields)


def _check_fields(ref: str, fields: Fields) -> CheckedLine:
    problems = [*suspicious_source_ref(ref), *unlikely_image(ref)]
    own = without_service_keys(fields)
    if own != fields:
        problems.append(content.SERVICE_KEYS)

    attributes = _attributes(own)
    unpaired = list(_pairing(own, attributes))
    broken = unpaired or [found for item in attributes for rule in SCHEMA_RULES for found in rule(item)]
    if broken or not attributes:
        return CheckedLine(ref, (), LabelKinds.NONE, (*problems, *broken))

    problems += _extra_keys(own, attributes)
    problems += (found for rule in content.LINE_RULES for found in rule(attributes))
    usable = [attribute for attribute in attributes if attribute.type]
    drawn = [attribute for attribute in usable if attribute.type is Type.BOXES]
    problems += (f for item in usable for rule in content.ATTRIBUTE_RULES for f in rule(item))
    problems += (f for item in drawn for rule in content.BOX_RULES for f in rule(item))
    labels = dict.fromkeys(label for attribute in usable for label in attribute.labels)
    kinds = kind_of(image_level=len(usable) > len(drawn), boxes=bool(drawn))
    return CheckedLine(ref, tuple(labels), kinds, tuple(problems))


def _attributes(fields: Fields) -> list[Attribute]:
    """Pair each ``<name>`` with its ``<name>-metadata``, in the order of the line."""
    names = [name for name in fields if name != SOURCE_REF and name + METADATA in fields]
    taken = {name + METADATA for name in names}
    return [Attribute(name, fields[name], fields[name + METADATA]) for name in names if name not in taken]


def _pairing(fields: Fields, attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Check ERROR_NO_LABEL_ATTRIBUTES, and warn of a bare source-ref, which is an unlabelled image."""
    if len(fields) == 1:
        yield warning(Code.UNANNOTATED_RECORD, UNLABELLED)
    elif not attributes:
        keys = ", ".join(f"'{key}'" for key in list(fields)[:6] if key != SOURCE_REF)
        text = f"no label attribute: among {keys} there is no pair '<name>' and '<name>{METADATA}'"
        yield error(Code.NO_LABEL_ATTRIBUTES, text)
    else:
        for key in _leftovers(fields, attributes):
            if key.endswith(METADATA) and isinstance(fields[key], dict):
                text = f"'{key}' belongs to no attribute: '{key.removesuffix(METADATA)}' is missing"
                yield error(Code.NO_LABEL_ATTRIBUTES, text)


def _extra_keys(fields: Fields, attributes: Sequence[Attribute]) -> Iterator[Problem]:
    """Warn of keys that may be labels without metadata. Strings are too common as plain fields to warn of."""
    extra = [
        key
        for key in _leftovers(fields, attributes)
        if not key.startswith(content.TRAINING_OUTPUT)
        and (key.endswith(METADATA) or not isinstance(fields[key], str))
    ]
    yield from content.extra_keys(extra)


def _leftovers(fields: Fields, attributes: Sequence[Attribute]) -> list[str]:
    paired = {name + end for name in (item.name for item in attributes) for end in ("", METADATA)}
    return [key for key in fields if key != SOURCE_REF and key not in paired]


def _invalid_line(problem: Problem, ref: str | None = None) -> CheckedLine:
    return CheckedLine(ref, (), LabelKinds.NONE, (problem,))


def _characters(raw: bytes) -> int:
    return len(raw.decode(errors="replace"))


# An unremarkable image address, as in `fast`, and without characters that JSON would escape.
_IMAGE_FIRST: Final = (
    rb'\{"source-ref": ?"(s3://[A-Za-z0-9._-]+/(?:[ !#-\[\]-~]*/)?'
    rb"[!#-.0-\[\]-~][ !#-.0-\[\]-~]*\.(?:[jJ][pP][eE]?[gG]|[pP][nN][gG]))\""
)
_image_first: Final = re.compile(_IMAGE_FIRST).match
_images_and_rests: Final = re.compile(b"^" + _IMAGE_FIRST + b"(.*)\n", re.MULTILINE).findall

MAX_RESTS: Final = 4096
"""The size of the cache: 3 MB at 700 bytes a line."""

_BARE: Final = b"}"
"""The rest of a line without labels."""

_FEW_RESTS: Final = 512
"""After so many the search stops already if not even one line in a hundred was recognised."""

# Longer rests of lines, and lines with more problems, are not cached: this bounds the cache to 50 MB.
_LONGEST_REST: Final = 8192
_MAX_PROBLEMS: Final = 10


class LineChecker:
    """
    `check_line` for the lines of one dataset, cached by the part of the line after the image.

    Bare images, labels by folder and lines generated by scripts often differ only in the image. Hand-drawn boxes
    hardly ever repeat; the cache then switches itself off.

    This relies on an unremarkable image address never being part of a problem. A property test checks the
    invariant: whatever was checked before, the result is that of `check_line`.
    """

    def __init__(self) -> None:
        self._rests: dict[bytes, tuple[tuple[str, ...], Outcome]] = {}
        self._found = 0  # without bare images, which cost little anyway
        self._pays = True
        self._alike = LinesAlike(check_warned, check_slowly)

    def check_all(self, texts: Sequence[bytes]) -> CheckedLines:
        """Check consecutive lines, at least one."""
        if not self._pays:
            return self._alike.check_all(texts)
        return self._known(texts) or each(self.check, texts)

    def _known(self, texts: Sequence[bytes]) -> CheckedLines | None:
        """Return the results of lines with rests that are all known; None if one is not."""
        found = _images_and_rests(b"\n".join([*texts, b""]))
        if len(found) != len(texts) or max(map(len, texts)) > MAX_LINE_CHARS:
            return None
        images, rests = zip(*found, strict=True)
        known = [*map(self._rests.get, rests)]
        if None in known:
            return None
        self._found += len(rests) - rests.count(_BARE)
        labels, outcomes = zip(*known, strict=True)
        return CheckedLines(b"\n".join(images).decode().split("\n"), labels, outcomes)

    def check(self, raw: bytes) -> CheckedLine:
        if not self._pays or (image := _image_first(raw)) is None:
            return check_line(raw)
        rest = raw[image.end() :]
        known = self._rests.get(rest)
        if known is None or len(raw) > MAX_LINE_CHARS:
            return self._learn(raw, rest)
        self._found += rest != _BARE
        labels, (kinds, problems) = known
        return CheckedLine(image[1].decode(), labels, kinds, problems)

    def _learn(self, raw: bytes, rest: bytes) -> CheckedLine:
        checked = check_line(raw)
        ref, labels, kinds, problems = checked
        if ref is not None and len(rest) <= _LONGEST_REST and len(problems) <= _MAX_PROBLEMS:
            kept = len(self._rests)
            if kept == MAX_RESTS or (kept == _FEW_RESTS and self._found * 100 < kept):
                self._pays = self._found > kept
                self._rests.clear()
                self._found = 0
            self._rests[rest] = labels, (kinds, problems)
        return checked
