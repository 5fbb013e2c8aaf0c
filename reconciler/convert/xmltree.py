"""
XML as a tree in which every element knows its line; nothing in it can name, fetch or multiply anything.

A document type declaration is what all attacks on XML readers begin with, and no annotation file needs one: it is
refused, and so are entities of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from reconciler.convert.record import BadFile, bytes_of, shown
from reconciler.core import codes_spec as codes
from reconciler.core.problem import Origin


@dataclass(slots=True)
class Element:
    """One element: its own text, without that of its children, and its children in order."""

    tag: str
    origin: Origin
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Element]:
        return (child for child in self.children if child.tag == tag)

    def at(self, *tags: str) -> Element | None:
        """Return the first descendant along a path of tags."""
        found: Element | None = self
        for tag in tags:
            found = next(found.all(tag), None) if found else None
        return found


def tree_of(path: Path) -> Element:
    """
    Return the root of an XML file.

    Raises:
        BadFile: It cannot be read, is no XML, or declares a document type.
    """
    name = shown(path)
    builder = _Builder(name)
    try:
        builder.parser.Parse(bytes_of(path), True)
    except expat.ExpatError as exc:
        message = f"not valid XML: {expat.ErrorString(exc.code)}"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, exc.lineno, exc.offset + 1)) from exc
    return builder.root


class _Builder:
    """Takes what the parser meets, and hangs it where it belongs."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.parser = expat.ParserCreate()
        self.root = Element("", Origin(name, 1))
        self._open: list[Element] = []
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _here(self) -> Origin:
        return Origin(self._name, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def _start(self, tag: str, _: dict[str, str]) -> None:
        element = Element(tag, self._here())
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _data(self, text: str) -> None:
        self._open[-1].text += text

    def _refuse(self, *_: object) -> None:
        message = "a document type declaration (<!DOCTYPE …>) is refused: no annotation needs one"
        raise BadFile(codes.OTHER_FORMAT, message, self._here())
