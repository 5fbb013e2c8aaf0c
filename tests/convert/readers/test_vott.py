"""VoTT: an export, files of assets, tags, and what was looked at."""

import json

import pytest

from reconciler.errors import UsageError
from tests.convert.inputs import boxes, convert, errors, fields

SIZE = {"width": 640, "height": 480}


def region(*tags, kind="RECTANGLE", **sides):
    return {
        "id": "r",
        "type": kind,
        "tags": list(tags),
        "boundingBox": {"left": 10.5, "top": 20, "width": 100, "height": 200.4, **sides},
    }


def asset(name, *regions, state=2, size=SIZE):
    return {"asset": {"id": "1", "name": name, "size": size, "state": state}, "regions": list(regions)}


def vott(tmp_path, *assets, **options):
    content = {"name": "x", "assets": {str(number): one for number, one in enumerate(assets)}, "tags": []}
    (tmp_path / "in-export.json").write_text(json.dumps(content, indent=0))
    return convert("vott", tmp_path, **options)


def test_a_region_is_a_box_for_each_of_its_tags(tmp_path):
    done = vott(tmp_path, asset("a.jpg", region("bee", "queen")))

    assert [("bee", 11, 20, 100, 200), ("queen", 11, 20, 100, 200)] == boxes(*fields(done))


def test_an_image_that_was_visited_has_no_objects_and_others_are_unlabelled(tmp_path):
    done = vott(tmp_path, asset("a.jpg", state=1), asset("b.jpg", state=0))

    assert [] == boxes(fields(done)[0])
    assert ["source-ref"] == list(fields(done)[1])


def test_files_of_assets_are_read_if_there_is_no_export(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}-asset.json").write_text(json.dumps(asset(f"{name}.jpg", region("bee"))))

    assert ["s3://b/p/a.jpg", "s3://b/p/b.jpg"] == list(convert("vott", tmp_path).lines)


def test_a_polygon_is_an_error_or_the_box_around_it(tmp_path):
    given = asset("a.jpg", region("bee", kind="POLYGON"))

    assert [("in-export.json:4:6", "RKD1605")] == errors(vott(tmp_path, given))
    assert [("bee", 11, 20, 100, 200)] == boxes(*fields(vott(tmp_path, given, polygons=True)))


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (asset("a.jpg", region()), "RKD1604"),
        (asset("a.jpg", region("x", left=None)), "RKD1602"),
        (asset("a.jpg", {"tags": ["x"]}), "RKD1602"),
        (asset("a.jpg", region("x"), size=None), "RKD1503"),
        ({"asset": {"name": "a.jpg"}}, "RKD1602"),
    ],
)
def test_what_cannot_be_read_is_an_error(given, code, tmp_path):
    assert [code] == [found for _, found in errors(vott(tmp_path, given))]


def test_an_export_is_named_if_there_are_several(tmp_path):
    (tmp_path / "other-export.json").write_text("{}")

    with pytest.raises(UsageError, match=r"in-export\.json, other-export\.json"):
        vott(tmp_path, asset("a.jpg"))
