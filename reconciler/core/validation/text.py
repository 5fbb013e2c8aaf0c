"""Rules about text: the form of a source-ref, and characters that people cannot see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from reconciler.core.validation.codes import Code
from reconciler.core.validation.verdict import LineProblem, shown, warning

# "s3://BUCKET/OBJECT_PATH" (developer guide, creating a manifest file). Of the bucket only the alphabet is
# checked, capitals and underscores included: buckets older than today's naming rules have them.
_SOURCE_REF: Final = re.compile(r"s3://[A-Za-z0-9._-]+/.", re.DOTALL)

# Control characters, white space other than the plain blank, and what is invisible or changes the direction
# of writing. Joiners and soft hyphens have honest uses too, which is why this is only ever a warning.
_SUSPICIOUS: Final = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)

# "Guidelines and quotas": images are PNG or JPEG. The service is not documented to look at their names.
_ENDING: Final = re.compile(r"\.(?:jpe?g|png)\Z", re.IGNORECASE)


def is_source_ref(text: str) -> bool:
    """Tell whether *text* has the documented form. Exact: nothing is trimmed or decoded first."""
    return _SOURCE_REF.match(text) is not None


def is_suspicious(text: str) -> bool:
    """Tell whether *text* holds characters that people do not see, or ends in white space."""
    return text != text.strip() or _SUSPICIOUS.search(text) is not None


def has_image_ending(text: str) -> bool:
    """Tell whether a name ends as those of the two formats do that Custom Labels takes."""
    return _ENDING.search(text) is not None


def suspicious_source_ref(ref: str) -> Iterator[LineProblem]:
    if is_suspicious(ref):
        yield warning(Code.SUSPICIOUS_SOURCE_REF, f"source-ref holds {_named(ref)}: {shown(ref)}")


def unlikely_image(ref: str) -> Iterator[LineProblem]:
    """Warn of a key that is probably none of an image: a path of Windows, a padded name, another kind of file."""
    if "\\" in ref:
        yield warning(
            Code.UNLIKELY_IMAGE, "the key holds a backslash, which S3 does not take for a directory"
        )
    elif ref[ref.rfind("/") + 1 :].startswith(" "):
        yield warning(Code.UNLIKELY_IMAGE, "the name of the image starts with a blank")
    elif not has_image_ending(ref) and not is_suspicious(ref):
        yield warning(Code.UNLIKELY_IMAGE, "the key does not end in .jpg, .jpeg or .png")


def suspicious_label(label: str) -> Iterator[LineProblem]:
    if is_suspicious(label):
        yield warning(Code.SUSPICIOUS_LABEL, f"the label {shown(label)} holds {_named(label)}")


def _named(text: str) -> str:
    """Name the first character that is suspicious."""
    found = _SUSPICIOUS.search(text)
    if found is None:
        return "white space at its start or end"
    char = found.group()
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a control character')})"
