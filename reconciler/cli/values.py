"""
Check the values of flags while parsing: an unusable value is a bad command line, exit 64.

Every function returns its text, or the parsed value, and raises `ArgumentTypeError` with the reason. PATH is
not checked here: specs that cannot be read leave the verdict unknown, exit 3.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Final

from reconciler.errors import reason_of

Wrong = argparse.ArgumentTypeError

# What `git check-ref-format` refuses, and what could be mistaken for a flag.
_NO_REF: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|[/.]$|\.lock(/|$)")
# A bucket and the beginning of a key, as the API allows them in the place of a manifest.
_BUCKET: Final = re.compile(r"s3://[0-9A-Za-z._-]{3,255}(/[^\x00]{0,800})?")
_DIGEST: Final = re.compile(r"[0-9a-f]+")


def _judged(take: Callable[[str], str]) -> Callable[[str], str]:
    """Refuse empty text, and report an OSError or ValueError of *take* as an unusable value."""

    @wraps(take)
    def judged(text: str) -> str:
        try:
            return take(_given(text))
        except (OSError, ValueError) as exc:
            raise Wrong(f"{text}: {reason_of(exc)}") from exc

    return judged


@_judged
def readable_file(text: str) -> str:
    """Accept a readable file, device or pipe, without opening it."""
    if stat.S_ISDIR(Path(text).stat().st_mode):
        raise Wrong(f"{text} is a directory; a file is needed")
    return readable(text)


@_judged
def readable(text: str) -> str:
    """Accept a readable file or directory."""
    Path(text).stat()
    return text if os.access(text, os.R_OK) else _refuse(f"{text} may not be read")


@_judged
def readable_directory(text: str) -> str:
    """Accept a readable directory."""
    if not stat.S_ISDIR(Path(text).stat().st_mode):
        raise Wrong(f"{text} is not a directory")
    return readable(text)


@_judged
def writable_file(text: str) -> str:
    """Accept a writable file, existing or not, in an existing directory."""
    path = Path(text)
    mode = _mode(path)
    if text.endswith("/") or (mode is not None and stat.S_ISDIR(mode)):
        raise Wrong(f"{text} is a directory; a file is needed")
    if mode is not None and not stat.S_ISREG(mode):  # a device or a pipe is written directly
        return text if os.access(path, os.W_OK) else _refuse(f"{text} may not be written to")
    if _mode(path.parent) is None:
        raise Wrong(f"{text}: there is no directory {path.parent}")
    return _in(path.parent, text)


def writable_file_or_stdout(text: str) -> str:
    """Accept - for stdout, or what `writable_file` accepts."""
    return text if text == "-" else writable_file(text)


@_judged
def creatable_directory(text: str) -> str:
    """Accept a directory that is writable or can be created."""
    path = Path(text)
    while (mode := _mode(path)) is None:
        path = path.parent
    return _in(path, text) if stat.S_ISDIR(mode) else _refuse(f"{path} is not a directory")


@_judged
def state_directory(text: str) -> str:
    """
    Accept a directory, or a path where nothing exists.

    Permissions are not checked: some commands need none, and doctor reports them.
    """
    try:
        mode = _mode(Path(text))
    except PermissionError:
        return text
    return text if mode is None or stat.S_ISDIR(mode) else _refuse(f"{text} is not a directory")


def address(text: str) -> tuple[str, int]:
    """Parse HOST:PORT; IPv6 in brackets, such as [::1]:8080."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) <= 65_535):
        raise Wrong(f"{text!r}: it must look like HOST:PORT")
    return host.strip("[]"), int(port)


def host(text: str) -> str:
    """Accept the name or address of a host, with or without a port."""
    if not re.fullmatch(
        r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?|[0-9A-Fa-f:.]+", _given(text)
    ):
        raise Wrong(f"{text!r}: it must be the name or the address of a host")
    return text


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a parser of whole numbers from *least* to *most*, inclusive."""

    def take(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1
        if number < least or (most is not None and number > most):
            bounds = f"from {least}" if most is None else f"from {least} to {most}"
            raise Wrong(f"{text!r} is not a whole number {bounds}")
        return number

    return take


def duration(text: str) -> int:
    """Parse a duration such as 90s, 5m or 1h30m, and return its seconds."""
    from pydantic_core import PydanticCustomError  # loads pydantic

    from reconciler.core.spec.field_types import parse_duration

    try:
        return parse_duration(text)
    except PydanticCustomError as exc:
        raise Wrong(f"{text!r} {exc.message()}") from exc


def one_line(text: str) -> str:
    """Accept a reason: one line of printable text."""
    from reconciler.core.status.suspension import reason_problem

    if problem := reason_problem(_given(text)):
        raise Wrong(problem)
    return text


def printable(text: str) -> str:
    """Accept printable text; refuse bytes that are not UTF-8."""
    if not text.isprintable():
        raise Wrong(f"{text!a} is not printable text")
    return text


def server(text: str) -> str:
    """Accept the URL of a controller, and return it without a slash at its end."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(_given(text))
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as exc:  # an invalid port or address
        raise Wrong(f"{text!r}: {exc}") from exc
    if not complete or not text.isascii() or not text.isprintable() or " " in text:
        raise Wrong(f"{text!r}: it must look like http://HOST:PORT or https://HOST")
    if parts.username is not None:
        raise Wrong("leave user and password out: the token is read from RECONCILER_TOKEN")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise Wrong(f"{text!r}: leave out what follows the path")
    return text.rstrip("/")


def variable(text: str) -> str:
    """Accept the name of an environment variable that is set and not blank."""
    if not os.environ.get(_given(text), "").strip():
        raise Wrong(f"the environment variable {text} is not set, or empty")
    return text


def selector(text: str) -> str:
    """Accept KEY=VALUE."""
    key, equals, _ = text.partition("=")
    return text if key and equals else _refuse(f"{text!r}: it must look like KEY=VALUE")


def bucket(text: str) -> str:
    """Accept s3://BUCKET/PREFIX; the prefix may be empty."""
    if not _BUCKET.fullmatch(text):
        raise Wrong(f"{text!r}: it must look like s3://bucket/prefix; a bucket has 3 characters at least")
    return text


def images_at(text: str) -> tuple[str, str]:
    """Parse s3://BUCKET/PREFIX/=PATH, where PATH is relative and does not lead upwards."""
    from reconciler.core.validation.text import is_source_ref

    prefix, _, path = text.rpartition("=")
    prefix = f"{prefix.rstrip('/')}/"
    if not is_source_ref(f"{prefix}image"):
        raise Wrong(f"{text!r}: it must look like s3://bucket/prefix/=path")
    steps = [step for step in path.split("/") if step not in ("", ".")]
    if path.startswith("/") or ".." in steps or "\\" in path:
        raise Wrong(f"{text!r}: {path} must be a path below the directory of the images")
    return prefix, "/".join(steps)


def about(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE of the description of a dataset; a date of publication must be one."""
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise Wrong(f"{text!r}: it must look like KEY=VALUE")
    if key == "published":
        try:
            date.fromisoformat(value)
        except ValueError as exc:
            raise Wrong(f"{text!r}: {value} is not a date such as 2026-03-01") from exc
    return key, value


def image(text: str) -> str:
    """Accept the S3 URI of an image."""
    from reconciler.core.entries.entry import bucket_and_key

    if not (text.startswith("s3://") and all(bucket_and_key(text))):
        raise Wrong(f"{text!r} is not the address of an image, such as s3://bucket/key.jpg")
    return text


def image_pattern(text: str) -> str:
    """Accept a pattern that some address of an image can match."""
    if not _given(text).startswith(("s3://", "*", "?")):
        raise Wrong(f"{text!r} matches no image: an address begins with s3://; did you mean '**/{text}'?")
    return text


def project(text: str) -> str:
    """Accept the name of a Rekognition project."""
    if arn := re.fullmatch(r"arn:[\w-]+:rekognition:[^:]*:[^:]*:project/([^/]+)(/.*)?", _given(text)):
        raise Wrong(f"{text} is an ARN; give the name in it: {arn[1]}")
    if not re.fullmatch(r"[a-zA-Z0-9_.\-]{1,255}", text):
        raise Wrong(f"{text!r} is not a project name: at most 255 of a-z, A-Z, 0-9 and _ . -")
    return text


def region(text: str) -> str:
    """Accept the name of an AWS Region, as a spec does."""
    from reconciler.core.spec.field_types import is_region  # loads pydantic

    return text if is_region(_given(text)) else _refuse(f"{text!r} is not an AWS Region, such as us-east-1")


def dataset_type(text: str) -> str:
    """Accept TRAIN or TEST, in any case."""
    if text.upper() not in ("TRAIN", "TEST"):
        raise Wrong(f"{text!r} is not a dataset type: TRAIN or TEST")
    return text.upper()


def git_ref(text: str) -> str:
    """Accept a branch, a tag, a commit, or a full ref name below refs/."""
    return _refuse(f"{text!r} is not a name for a branch, tag or commit") if _NO_REF.search(text) else text


def digest(text: str) -> str:
    """Accept the digest of a plan."""
    return text if _DIGEST.fullmatch(text) else _refuse(f"{text!r} is not a digest, as plan prints it")


def _given(text: str) -> str:
    return text or _refuse("the value is empty")


def _refuse(reason: str) -> str:
    raise Wrong(reason)


def _mode(path: Path) -> int | None:
    """Return the mode of a path, following links; None if it does not exist."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _in(directory: Path, text: str) -> str:
    if os.access(directory, os.W_OK | os.X_OK):
        return text
    return _refuse(f"{text}: {directory} may not be written to")
