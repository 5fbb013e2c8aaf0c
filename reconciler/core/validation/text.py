"""Rules for text: the form of a source-ref, image names, and invisible characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from reconciler.core.validation.checked_line import quoted, warning
from reconciler.core.validation.codes import Code
from reconciler.core.validation.problem import Problem

# "s3://BUCKET/OBJECT_PATH" (developer guide, creating a manifest file). Of the bucket name only characters
# are checked; capitals and underscores occur in buckets older than today's naming rules.
_SOURCE_REF: Final = re.compile(r"s3://[A-Za-z0-9._-]+/.", re.DOTALL)

# Control characters, white space other than the plain space, and invisible or direction-changing characters.
# Joiners and soft hyphens have legitimate uses, so this is only ever a warning.
_SUSPICIOUS: Final = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)

# Of word processors. YAML and JSON quote with " alone, so that these become part of the text.
_QUOTES: Final = ("\u201c", "\u201d", "\u201e")

# "Guidelines and quotas": images are PNG or JPEG. Whether the service checks their names is not documented.
_ENDING: Final = re.compile(r"\.(?:jpe?g|png)\Z", re.IGNORECASE)


def is_source_ref(text: str) -> bool:
    """Return whether *text* has the documented form, without trimming or decoding it."""
    return _SOURCE_REF.match(text) is not None


def is_suspicious(text: str) -> bool:
    """Return whether *text* holds suspicious characters, starts or ends with white space, or is quoted oddly."""
    return text != text.strip() or text.startswith(_QUOTES) or _SUSPICIOUS.search(text) is not None


def is_plain(ref: str) -> bool:
    return is_source_ref(ref) and not is_suspicious(ref)


def has_image_ending(text: str) -> bool:
    """Return whether a name has the extension of an image format that Custom Labels accepts."""
    return _ENDING.search(text) is not None


def suspicious_source_ref(ref: str) -> Iterator[Problem]:
    if is_suspicious(ref):
        yield warning(Code.SUSPICIOUS_SOURCE_REF, f"source-ref holds {_named(ref)}: {quoted(ref)}")


def unlikely_image(ref: str) -> Iterator[Problem]:
    """Warn of a key that is probably not an image: a Windows path, a padded name, another kind of file."""
    if "\\" in ref:
        yield warning(
            Code.UNLIKELY_IMAGE, "the key holds a backslash, which S3 does not take for a directory"
        )
    elif ref[ref.rfind("/") + 1 :].startswith(" "):
        yield warning(Code.UNLIKELY_IMAGE, "the name of the image starts with a blank")
    elif not has_image_ending(ref) and not is_suspicious(ref):
        yield warning(Code.UNLIKELY_IMAGE, "the key does not end in .jpg, .jpeg or .png")


def suspicious_label(label: str) -> Iterator[Problem]:
    if is_suspicious(label):
        yield warning(Code.SUSPICIOUS_LABEL, f"the label {quoted(label)} holds {_named(label)}")


def _named(text: str) -> str:
    """Describe the first suspicious character."""
    found = _SUSPICIOUS.search(text)
    if found is None and text.startswith(_QUOTES):
        return "a typographic quotation mark, which does not quote"
    if found is None:
        return "white space at its start or end"
    char = found.group()
    return f"U+{ord(char):04X} ({unicodedata.name(char, 'a control character')})"
