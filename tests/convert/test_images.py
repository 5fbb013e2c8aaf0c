"""Names of images that cannot be keys, with the form that they should have; sizes, held to what Pillow reads."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reconciler.convert.images import is_ordinary, key_of, read_image_header, why_no_key
from reconciler.convert.record import BadFile, Options
from reconciler.errors import UsageError
from tests.convert.inputs import coco, convert, errors, png, voc

WINDOWS = "is a path of Windows, not a key below base"


def one(tmp_path, name, **options):
    """Convert an image without boxes that is called so."""
    return convert(
        "coco",
        coco(tmp_path / "a.json", [{"id": 1, "file_name": name, "width": 64, "height": 64}], []),
        **options,
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("..\\..\\x\\a.png", f"{WINDOWS}; the form is “x/a.png”, and --basename takes “a.png”"),
        ("C:\\data\\a.jpg", f"{WINDOWS}; the form is “data/a.jpg”"),
        ("C:/data/a.jpg", f"{WINDOWS}; the form is “data/a.jpg”"),
        ("\\\\server\\share\\x\\a.jpg", f"{WINDOWS}; the form is “x/a.jpg”"),
        ("x\\a.jpg", f"{WINDOWS}; the form is “x/a.jpg”"),
        (
            "/home/me/a.jpg",
            "must not start with /: it is a key below base, not a path; the form is “home/me/a.jpg”",
        ),
        ("./x/../a.jpg", "must not hold . or .. as a step: S3 keys are not paths; the form is “x/a.jpg”"),
        (" a.jpg", "holds white space around it, or a character that cannot be seen; the form is “a.jpg”"),
        ("\n\ta.jpg\n", "the form is “a.jpg”"),
        ("a\u200b.jpg", "a character that cannot be seen"),
        ("train_1", "does not end in .jpg, .jpeg or .png; --extension .jpg adds it"),
        ("a.bmp", "ends in .bmp: Custom Labels takes images that are PNG or JPEG"),
        ("a.jpg.xml", "does not end in .jpg, .jpeg or .png"),
        ("https://b.s3.amazonaws.com/x/a.jpg", "its address is s3://b/x/a.jpg"),
        ("https://s3.eu-west-1.amazonaws.com/b/x/a.jpg", "its address is s3://b/x/a.jpg"),
        (
            "https://example.org/x/a.jpg",
            "must be a key below base, or s3://bucket/key; --basename takes “a.jpg”",
        ),
        ("https://example.org/a.jpg?b=1", "must be a key below base, or s3://bucket/key"),
    ],
)
def test_a_name_that_is_no_key_is_an_error_with_the_form_it_should_have(name, said, tmp_path):
    done = one(tmp_path, name)

    assert ({}, ["RKD1501"]) == (done.lines, [code for _, code in errors(done)])
    assert said in done.errors[0].message


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("C:\\data\\a.jpg", {"basename": True}, "a.jpg"),
        ("/home/me/a.jpg", {"basename": True}, "a.jpg"),
        ("x/y/a.jpg", {"basename": True}, "a.jpg"),
        ("https://example.org/x/a.jpg", {"basename": True}, "a.jpg"),
        ("train_1", {"extension": ".jpg"}, "train_1.jpg"),
        ("x.y/train_1.5", {"extension": ".png"}, "x.y/train_1.5.png"),
        ("a.JPG", {"extension": ".png"}, "a.JPG"),
        ("train_1", {"extension": ""}, "train_1"),
        ("gs://other/x/a.jpg", {}, "x/a.jpg"),
        ("gs://other/x/a.jpg", {"basename": True}, "a.jpg"),
    ],
)
def test_flags_give_a_name_its_form(name, options, key, tmp_path):
    assert [f"s3://b/p/{key}"] == list(one(tmp_path, name, **options).lines)


def test_a_whole_address_stays_as_it_is(tmp_path):
    """What is in S3 already may be called anything; that it is no usual name is a warning."""
    done = one(tmp_path, "s3://other/a\\b")

    assert ["s3://other/a\\b"] == list(done.lines)
    assert "RKD2013" in {problem.code for problem in done.problems}


def test_an_address_in_another_store_needs_a_base(tmp_path):
    with pytest.raises(UsageError, match="give --base"):
        one(tmp_path, "gs://other/x/a.jpg", base=None)


def test_two_images_of_one_last_step_are_no_one_image(tmp_path):
    images = [{"id": n, "file_name": f"{n}/a.jpg", "width": 64, "height": 64} for n in (1, 2)]
    done = convert("coco", coco(tmp_path / "a.json", images, []), basename=True)

    assert ["RKD3001"] == [code for _, code in errors(done)]


def test_white_space_of_a_pretty_printer_is_no_part_of_a_name(tmp_path):
    """Of a name it would make another key, in silence."""
    assert [("a.xml:1:13", "RKD1501")] == errors(convert("voc", voc(tmp_path / "a.xml", "\n  a.jpg\n  ")))


@given(
    st.text(st.sampled_from("aB9_-./:\\ é\n~") | st.characters(), max_size=12),
    st.sampled_from([".jpg", ".PNG", ""]),
)
def test_an_ordinary_name_is_a_key_as_it_is(stem, ending):
    """What is decided by one pattern is what the rules for names decide."""
    name = f"{stem}{ending}"
    for options in (Options(base="s3://b/p/"), Options(base="s3://b/p/", extension=".png")):
        if is_ordinary(name, options):
            assert (name, None) == (key_of(name, options), why_no_key(name, options))


def test_usual_names_are_ordinary():
    names = ("a.jpg", "train/000000000001.JPEG", "x/y-z/IMG_1.2.png")

    assert all(is_ordinary(name, Options(base="s3://b/p/")) for name in names)
    assert not any(is_ordinary(name, Options(base="s3://b/p/", basename=True)) for name in names)
    assert not any(is_ordinary(name, Options()) for name in names)
    assert not any(
        is_ordinary(name, Options(base="s3://b/p/")) for name in ("../a.jpg", "x/./a.jpg", "a.gif")
    )


def encoded(width, height, form, **more):
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, form, **more)
    return stream.getvalue()


def exif(orientation):
    data = Image.Exif()
    data[0x010F] = "a maker"
    data[0x0112] = orientation
    return data.tobytes()


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": b"x" * 60_000, "exif": exif(1)}),
    ],
)
def test_the_size_is_what_pillow_reads(form, more, tmp_path):
    """Whatever segments come before it."""
    file = tmp_path / "a"
    file.write_bytes(encoded(123, 77, form, **more))

    assert (form, 123, 77) == read_image_header(file)[:3]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_has_the_size_that_is_shown(orientation, tmp_path):
    """From 5 on the camera was held upright, and the file is not."""
    file = tmp_path / "a.jpg"
    file.write_bytes(encoded(123, 77, "JPEG", exif=exif(orientation)))

    found = read_image_header(file)

    assert (((77, 123), True) if orientation >= 5 else ((123, 77), False)) == (found.shown, found.turned)


def test_only_the_header_is_needed(tmp_path):
    """A checkout of large files may hold no more."""
    file = tmp_path / "a.png"
    file.write_bytes(png(4096, 64))

    assert (4096, 64) == read_image_header(file).shown


@pytest.mark.parametrize("form", ["GIF", "BMP", "WebP", "TIFF"])
def test_other_formats_are_named(form, tmp_path):
    """Custom Labels takes none of them."""
    file = tmp_path / "a"
    file.write_bytes(encoded(64, 64, form))

    with pytest.raises(BadFile, match=f"it is {form}; Custom Labels takes PNG and JPEG"):
        read_image_header(file)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        png(0, 64),
        png(64, 0),
        png(64, 64)[:23],
        b"\xff\xd8\xff\xc0\0\x11\x08\0\0\0\x40",  # a height that only a later marker would tell
        b"\xff\xd8\xff\xe1\0\0" + b"\xff\xe1\0\0" * 9,
        b"\xff\xd8" + b"\xff" * 9,
    ],
    ids=repr,
)
def test_a_header_without_a_size_is_reported(content, tmp_path):
    """And is no endless walk."""
    file = tmp_path / "a"
    file.write_bytes(content)

    with pytest.raises(BadFile, match="the size of the image is not known"):
        read_image_header(file)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return tmp_path_factory.mktemp("images") / "broken"


@given(st.data())
def test_a_broken_header_is_reported_never_guessed(broken, data):
    """Cut anywhere, with any byte changed: a size, or a reason, and an end."""
    whole = bytearray(data.draw(st.sampled_from([encoded(70, 80, "JPEG", exif=exif(6)), png(70, 80)])))
    at = data.draw(st.integers(0, min(len(whole), 200) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    broken.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

    try:
        found = read_image_header(broken)
    except BadFile:
        return
    assert found.width > 0
    assert found.height > 0
