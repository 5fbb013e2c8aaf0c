"""
Read XML as a tree whose elements have line numbers, without entities or external files.

ElementTree keeps no line numbers; lxml does, as a compiled dependency for annotation files alone.

The parser supports four encodings; others that Python supports are decoded first. Document type declarations,
and with them custom entities, are rejected: attacks on XML parsers need them, and annotation files do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from reconciler.convert.record import BadFile
from reconciler.core.validation import codes
from reconciler.core.validation.problem import Origin

_BOM: Final = b"\xef\xbb\xbf"
_DECLARED: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._:-]{0,39})[\"']"
)
_BUILT_IN: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1"})
_WIDE: Final = frozenset({"utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be", "ucs-2", "unicode"})

# Windows programs declare an older, smaller character set, but write all characters of their code page.
_WIDER: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "windows-31j": "cp932",
    "euc-kr": "cp949",
    "ks-c-5601-1987": "cp949",
}

# Python codecs that are not used for text files; some are slow on long input.
_NO_ENCODINGS: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


class Element:
    """One element: its own text, without that of its children, and its children in order."""

    __slots__ = ("_column", "_file", "_line", "attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str], file: str, line: int, column: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.text = ""
        self.children: list[Element] = []
        self._file = file
        self._line = line
        self._column = column

    @property
    def origin(self) -> Origin:
        return Origin(self._file, self._line, self._column)

    def all(self, tag: str) -> Iterator[Element]:
        return (child for child in self.children if child.tag == tag)

    def at(self, *tags: str) -> Element | None:
        """Return the first descendant along a path of tags."""
        found: Element | None = self
        for tag in tags:
            found = next(found.all(tag), None) if found else None
        return found


def tree_of(content: bytes, name: str) -> Element:
    """
    Return the root of the content of an XML file.

    Raises:
        BadFile: It is not XML, or declares a document type.
    """
    text = decoded(content, name)
    parser = expat.ParserCreate()
    try:
        return _built(parser, text, name)
    except expat.ExpatError as exc:
        message = f"not valid XML: {expat.ErrorString(exc.code)}"
        raise BadFile(codes.OTHER_FORMAT, message, Origin(name, exc.lineno, exc.offset + 1)) from exc
    except ValueError as exc:  # a declaration that only the parser recognises, of an encoding that it lacks
        raise BadFile(codes.NOT_TEXT, f"not readable XML: {exc}", Origin(name, 1)) from exc


def decoded(content: bytes, name: str) -> bytes | str:
    """
    Return the text, or the bytes if no encoding is declared or the parser supports the declared one.

    Raises:
        BadFile: Python does not support the encoding, or the bytes are not valid in it.
    """
    found = _DECLARED.match(content)
    declared = found[1].decode().lower().replace("_", "-") if found else "utf-8"
    if declared in _BUILT_IN:
        return content
    if declared in _WIDE:  # a declaration readable as ASCII cannot be UTF-16
        return _text(content, "utf-8-sig", name)
    return _text(content.removeprefix(_BOM), _WIDER.get(declared, declared), name)


def _text(content: bytes, encoding: str, name: str) -> str:
    try:
        if encoding in _NO_ENCODINGS:
            raise LookupError
        text = content.decode(encoding)
        text.encode()  # rejects lone surrogates, which UTF-7 can encode
    except LookupError as exc:
        message = f"not readable XML: the declared encoding “{encoding}” is not known"
        raise BadFile(codes.NOT_TEXT, message, Origin(name, 1)) from exc
    except ValueError as exc:
        line = content.count(b"\n", 0, getattr(exc, "start", 0)) + 1
        message = f"not readable XML: its bytes are not in the declared encoding, read as {encoding}"
        raise BadFile(codes.NOT_TEXT, message, Origin(name, line)) from exc
    return text


def _built(parser: expat.XMLParserType, content: bytes | str, name: str) -> Element:
    """Return the root of the content. Its handlers are closures: they run for each of many elements."""
    document = Element("", {}, name, 1, 1)
    open_elements = [document]

    def start(tag: str, attributes: dict[str, str]) -> None:
        line, column = parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        element = Element(tag, attributes, name, line, column)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def end(_: str) -> None:
        open_elements.pop()

    def data(text: str) -> None:
        open_elements[-1].text += text

    def refuse(*_: object) -> None:
        message = "a document type declaration (<!DOCTYPE …>) is refused: no annotation needs one"
        place = Origin(name, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        raise BadFile(codes.OTHER_FORMAT, message, place)

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = data
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
    return document.children[0]
