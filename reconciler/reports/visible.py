"""Make anything safe to show: on one line, in sight, and not too long."""

from __future__ import annotations

from typing import Final

import orjson

ELLIPSIS: Final = "…"
MINUS: Final = "\N{MINUS SIGN}"
_BMP: Final = 0xFFFF


def visible(text: str) -> str:
    """
    Return *text* with everything that cannot be seen written out as an escape.

    Control characters, so also line ends and terminal sequences; marks that turn or join text; zero-width
    characters and spaces other than the common one; surrogates. What is returned is one printable line, and
    comes back unchanged when it is passed in again.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def shortened(text: str, most: int) -> str:
    """Return at most *most* characters of *text*; an ellipsis says that something is missing."""
    return text if len(text) <= most else text[: max(0, most - 1)] + ELLIPSIS


def value(content: object, most: int) -> str:
    """Return a JSON value as one visible line of at most *most* characters."""
    try:
        text = orjson.dumps(content).decode()
    except TypeError:  # no JSON value after all: a lone surrogate, a number beyond 64 bits
        text = repr(content)
    return shortened(visible(text), most)


def side(content: object, most: int = 300) -> str:
    """Return one side of a change, like `value`; ``(none)`` where there is nothing."""
    return "(none)" if content is None else value(content, most)


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: ``1 entry``, ``2,500 entries``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Return bytes for people, in decimal units: ``812 B``, ``2.1 kB``, ``4.9 MB``."""
    if number < 1_000:
        return f"{number} B"
    amount = float(number)
    for unit in ("kB", "MB"):
        amount /= 1_000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1_000:.1f} GB"


def lasting(seconds: float) -> str:
    """Return a duration in its largest unit: ``3 hours``; at least a minute."""
    minutes = max(1, round(seconds / 60))
    if minutes < 120:
        return counted(minutes, "minute")
    hours = round(minutes / 60)
    return counted(hours, "hour") if hours < 48 else counted(round(hours / 24), "day")


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= _BMP else f"\\U{ord(char):08x}"
