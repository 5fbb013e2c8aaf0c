"""Pascal VOC: edges, both conventions, and XML that means harm."""

import re
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.readers.voc import _read_regular
from reconciler.convert.record import Options
from tests.convert.inputs import boxes, convert, errors, fields, voc, voc_box, warnings


def test_edges_become_a_box(tmp_path):
    """Counted from 0, as most programs write them; the file's own depth is kept."""
    size = "<width>640</width><height>480</height><depth>1</depth>"
    file = voc(tmp_path / "a.xml", "a.jpg", voc_box("dog", 10, 20, 110, 220), size=size)

    (line,) = fields(convert("voc", file))
    assert [("dog", 10, 20, 100, 200)] == boxes(line)
    assert [{"width": 640, "height": 480, "depth": 1}] == line["bounding-box"]["image_size"]


def test_the_first_pixel_may_be_1(tmp_path):
    """In the challenge's own files, 1 to 640 is the whole width."""
    file = voc(tmp_path / "a.xml", "a.jpg", voc_box("dog", 1, 1, 640, 480))

    assert [("dog", 0, 0, 640, 480)] == boxes(*fields(convert("voc", file, one_based=True)))
    assert [("dog", 1, 1, 639, 479)] == boxes(*fields(convert("voc", file)))


@given(
    edges=st.tuples(*[st.integers(-2, 660)] * 4),
    one_based=st.booleans(),
    clip=st.booleans(),
)
def test_whole_pixels_are_read_as_the_same_number_with_a_fraction_is(
    tmp_path_factory, edges, one_based, clip
):
    """Boxes in whole pixels take a short way, and no other: lines and problems are the same."""
    place = tmp_path_factory.getbasetemp()
    file = voc(place / "a.xml", "a.jpg", voc_box("dog", *edges))
    short = convert("voc", file, one_based=one_based, clip=clip)
    voc(place / "a.xml", "a.jpg", voc_box("dog", *(f"{edge}.0" for edge in edges)))
    long = convert("voc", file, one_based=one_based, clip=clip)

    assert fields(long) == fields(short)
    assert [(p.code, p.message) for p in long.problems] == [(p.code, p.message) for p in short.problems]


USUAL = b"""<?xml version="1.0" encoding="utf-8"?>
<annotation verified="yes">
\t<folder>train</folder>
\t<filename>x/a.jpg</filename>
\t<source><database>Unknown</database></source>
\t<size>
\t\t<width>640</width>
\t\t<height>480</height>
\t\t<depth>3</depth>
\t</size>
\t<object>
\t\t<name>cat &amp; dog</name>
\t\t<difficult>0</difficult>
\t\t<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>110</xmax><ymax>220</ymax></bndbox>
\t</object>
</annotation>
"""
PIECES = (
    *(
        b"<filename>b.jpg</filename>",
        b"<filename ",
        b"<!-- <filename>b.jpg</filename> -->",
        b"<!DOCTYPE annotation>",
    ),
    *(
        b"<x/>",
        b"<x>1</x>",
        b"<object/>",
        b"<object><part/></object>",
        b"<size/>",
        b"<width>9</width>",
        b"<xmin>5</xmin>",
    ),
    *(
        b"&amp;",
        b"&#13;",
        b"&x;",
        b"<![CDATA[7]]>",
        b"<?x y?>",
        b' xmlns="urn:a"',
        b"a:",
        b"\xef\xbb\xbf",
        b"\xe9",
    ),
    *("é".encode(), "٣".encode(), b"\r", b"\r\n", b"\n", b" ", b"-", b"0", b"1", b".5", b"5" * 9),
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Draw a usual file after some changes to its bytes."""
    content = USUAL
    for _ in range(draw(st.integers(0, 2))):
        ends = [found.end() for found in re.finditer(rb">|[0-9]|<filename|cat", content)]
        start, end = sorted((draw(st.sampled_from(ends)), draw(st.sampled_from(ends))))
        piece = draw(st.sampled_from(PIECES) | st.just(content[start : min(end, start + 60)]))
        place = draw(st.sampled_from(ends))
        content = content[:place] + piece + content[place + draw(st.sampled_from([0, 0, 0, 0, 1])) :]
    encoding = draw(st.sampled_from([*[b"utf-8"] * 6, b"latin-1", b"ISO-8859-1", b"gbk"]))
    newline = draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r\n", b"\r"]))
    return content.replace(b"utf-8", encoding).replace(b"\n", newline)


@given(changed(), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_a_usual_file_is_read_as_element_by_element(tmp_path_factory, content, one_based, clip):
    """The same lines, problems and places, whether the parser in C reads a file or the one that keeps places."""
    file = tmp_path_factory.getbasetemp() / "usual.xml"
    file.write_bytes(content)
    fast = convert("voc", file, one_based=one_based, clip=clip)
    with patch("reconciler.convert.readers.voc._read_regular", return_value=None):
        slow = convert("voc", file, one_based=one_based, clip=clip)

    assert slow == fast


def test_usual_files_are_read_by_the_parser_in_c():
    for content in (USUAL, USUAL.replace(b"\n", b"\r\n"), USUAL.replace(b"\n", b"").replace(b"\t", b"")):
        assert _read_regular(content, "a.xml", Options())
    assert _read_regular(USUAL.replace(b"utf-8", b"gbk"), "a.xml", Options()) is None
    assert _read_regular(USUAL.replace(b"110", b"641"), "a.xml", Options()) is None
    assert (
        _read_regular(USUAL.replace(b"<annotation", b"<!DOCTYPE a><annotation"), "a.xml", Options()) is None
    )


def test_columns_of_a_file_in_one_line_count_characters(tmp_path):
    """Two bytes of one character before the name are one column."""
    content = USUAL.replace(b"\n", b"").replace(b"train", "é".encode())
    (tmp_path / "a.xml").write_bytes(content.replace(b"x/a.jpg", b"/a.jpg"))

    column = content.decode().index("<filename") + 1
    assert [(f"a.xml:1:{column}", "RKD1501")] == errors(convert("voc", tmp_path / "a.xml"))


def test_a_directory_is_read_by_name(tmp_path):
    """The standard layout has more than annotations; file names, not those of the XML files, name images."""
    voc(tmp_path / "Annotations" / "2.xml", "x/1.jpg", voc_box("a", 1, 1, 9, 9))
    voc(tmp_path / "Annotations" / "1.xml", "2.jpg")
    voc(tmp_path / "elsewhere.xml", "no.jpg")

    done = convert("voc", tmp_path)
    assert ["s3://b/p/2.jpg", "s3://b/p/x/1.jpg"] == [line["source-ref"] for line in fields(done)]
    assert ["s3://b/p/2.jpg", "s3://b/p/x/1.jpg"] == list(done.lines)


def test_the_ending_of_a_file_may_be_in_capitals(tmp_path):
    """As Windows programs may write it: no image of a directory is passed over."""
    voc(tmp_path / "1.XML", "1.jpg")
    voc(tmp_path / "2.xml", "2.jpg")

    assert ["s3://b/p/1.jpg", "s3://b/p/2.jpg"] == list(convert("voc", tmp_path).lines)


def test_parts_of_objects_are_no_objects(tmp_path):
    """Persons of the challenge have heads and hands, each with a box; that those are left out is a warning."""
    part = f"<part>{voc_box('head', 12, 22, 20, 30)}</part>"
    file = voc(tmp_path / "a.xml", "a.jpg", part + voc_box("person", 10, 20, 110, 220))

    done = convert("voc", file)
    assert [("person", 10, 20, 100, 200)] == boxes(*fields(done))
    assert ["RKD1606"] == warnings(done)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("<name>x</name>", "RKD1602"),
        ("<bndbox/>", "RKD1602"),
        (voc_box("x", 1, 2, 30, 40) + voc_box("x", 50, 2, 80, 40), "RKD1602"),
        (voc_box("x", 1, 2, "three", 4), "RKD1602"),
        ("<name>x</name><polygon><x1>1</x1></polygon>", "RKD1605"),
        ("<name>x</name><robndbox><cx>1</cx></robndbox>", "RKD1605"),
        (voc_box("x", 9, 9, 5, 20), "ERROR_INVALID_BOUNDING_BOX"),
        (voc_box("x", 9, 9, 641, 20), "ERROR_INVALID_BOUNDING_BOX"),
        (voc_box("x", 9, 9, 10, 20), "ERROR_BOUNDING_BOX_TOO_SMALL"),
        (voc_box("", 9, 9, 20, 20), "ERROR_INVALID_LABEL_NAME_LENGTH"),
    ],
)
def test_a_bad_object_has_a_line(content, code, tmp_path):
    """And costs its image, not the others."""
    voc(tmp_path / "a.xml", "a.jpg", voc_box("good", 1, 1, 20, 20), content)
    voc(tmp_path / "b.xml", "b.jpg", voc_box("good", 1, 1, 20, 20))
    done = convert("voc", tmp_path)

    ((place, found),) = errors(done)
    assert code == found
    assert place.startswith("a.xml:1" if "LENGTH" in code else "a.xml:3")
    assert ["s3://b/p/b.jpg"] == list(done.lines)


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><annotation>&b;</annotation>',
        '<!DOCTYPE annotation SYSTEM "http://127.0.0.1:1/x.dtd"><annotation/>',
        "<!DOCTYPE annotation><annotation/>",
    ],
)
def test_a_document_type_is_refused(attack, tmp_path):
    """Before any entity of it could be looked at."""
    (tmp_path / "a.xml").write_text(attack)
    done = convert("voc", tmp_path / "a.xml")

    ((place, code),) = errors(done)
    assert ("a.xml:1", "RKD1601") == (place.rpartition(":")[0], code)
    assert "document type declaration" in done.problems[0].message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "RKD1601"),
        ("<annotation>", "RKD1601"),
        ("<annotation>&x;</annotation>", "RKD1601"),
        ("<html/>", "RKD1601"),
        ("<annotation/>", "RKD1602"),
        ("<annotation><filename> </filename></annotation>", "RKD1602"),
        ("<annotation><filename>a.jpg</filename></annotation>", "RKD1503"),
    ],
)
def test_a_file_that_is_no_annotation_is_an_error(text, code, tmp_path):
    (tmp_path / "a.xml").write_text(text)

    assert [code] == [code for _, code in errors(convert("voc", tmp_path / "a.xml"))]


def test_other_encodings_are_read_as_declared(tmp_path):
    """XML says by itself what its bytes mean."""
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><annotation><filename>é.jpg</filename>{}</annotation>'
    size = "<size><width>64</width><height>64</height></size>"
    (tmp_path / "a.xml").write_bytes(text.format(size).encode("latin-1"))

    assert ["s3://b/p/é.jpg"] == list(convert("voc", tmp_path / "a.xml").lines)


@pytest.mark.parametrize(
    ("declared", "real", "name"),
    [
        ("GBK", "gbk", "测试"),
        ("gb2312", "gbk", "镕"),
        ("GB18030", "gb18030", "测试"),
        ("Big5", "big5", "測試"),
        ("Shift_JIS", "cp932", "髙①"),
        ("EUC-JP", "euc_jp", "試験"),
        ("EUC-KR", "cp949", "똠"),
        ("windows-1251", "cp1251", "тест"),
        ("windows-1252", "cp1252", "é€"),
        ("ISO-8859-15", "iso8859-15", "€"),
        ("KOI8-R", "koi8-r", "тест"),
        ("utf-16", "utf-8", "测试"),
        ("utf-16", "utf-8-sig", "测试"),
        ("UTF-16", "utf-16", "测试"),
        ("UTF-8", "utf-8-sig", "测试"),
        ("UTF8", "utf-8", "测试"),
    ],
)
def test_an_encoding_that_python_knows_is_read(declared, real, name, tmp_path):
    """Whatever the parser knows; and in the code page, where the program declared its older subset."""
    voc(tmp_path / "a.xml", f"{name}.jpg", voc_box(name, 1, 2, 30, 40))
    text = (tmp_path / "a.xml").read_text()
    (tmp_path / "a.xml").write_bytes(f'<?xml version="1.0" encoding="{declared}"?>\n{text}'.encode(real))

    (line,) = fields(convert("voc", tmp_path))
    assert f"s3://b/p/{name}.jpg" == line["source-ref"]
    assert [(name, 1, 2, 29, 38)] == boxes(line)


@pytest.mark.parametrize(
    "declared",
    ["GBK", "no-such", "hex", "rot13", "idna", "unicode_escape", "mbcs", "zlib", "undefined", "utf-7"],
)
def test_an_encoding_that_is_not_known_or_not_true_costs_its_file_alone(declared, tmp_path):
    """Also one that Python knows and that no text is written in."""
    voc(tmp_path / "b.xml", "b.jpg", voc_box("x", 1, 2, 30, 40))
    text = (tmp_path / "b.xml").read_bytes().replace(b"b.jpg", b"\xff+2AA-.jpg")
    (tmp_path / "a.xml").write_bytes(f"<?xml version='1.0' encoding='{declared}'?>".encode() + text)
    done = convert("voc", tmp_path)

    assert [("a.xml:1", "RKD1003")] == errors(done)
    assert ["s3://b/p/b.jpg"] == list(done.lines)


def test_an_encoding_that_the_parser_alone_recognises_costs_its_file_alone(tmp_path):
    """A declaration too long to be looked for is still judged by the parser, which lacks most encodings."""
    voc(tmp_path / "b.xml", "b.jpg", voc_box("x", 1, 2, 30, 40))
    (tmp_path / "a.xml").write_bytes(b'<?xml version="1.0"' + b" " * 300 + b'encoding="GBK"?><annotation/>')
    done = convert("voc", tmp_path)

    assert [("a.xml:1", "RKD1003")] == errors(done)
    assert ["s3://b/p/b.jpg"] == list(done.lines)


def test_a_directory_without_annotations_is_an_error(tmp_path):
    """An empty file would read as a dataset that is meant to be empty."""
    assert [(f"{tmp_path.name}:1", "RKD1609")] == errors(convert("voc", tmp_path))
