"""VIA: JSON of versions 1 to 3, and CSV; the attribute that is the label."""

import json

import pytest

from tests.convert.inputs import boxes, convert, errors, fields, png

RECT = {"name": "rect", "x": 10, "y": 20, "width": 100, "height": 200}
POLYGON = {"name": "polygon", "all_points_x": [10, 50, 30], "all_points_y": [20, 20, 60.5]}


def region(shape=RECT, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def image(name, *regions, **more):
    return {"filename": name, "size": 7, "regions": list(regions), "file_attributes": {}, **more}


def via(tmp_path, content, **options):
    """Convert beside images of 640 x 480."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(640, 480))
    (tmp_path / "via.json").write_text(json.dumps(content, indent=0))
    return convert("via", tmp_path / "via.json", **options)


@pytest.mark.parametrize("project", [False, True])
def test_a_rectangle_is_a_box_of_its_only_attribute(project, tmp_path):
    """In an export of annotations or in a project; sizes come from the images beside the file."""
    images = {"a.png7": image("a.png", region(type="bee")), "b.png7": image("b.png")}
    content = {"_via_settings": {}, "_via_img_metadata": images, "_via_image_id_list": ["a.png7"]}

    done = via(tmp_path, content if project else images)

    assert [("bee", 10, 20, 100, 200)] == boxes(fields(done)[0])
    assert {"source-ref": "s3://b/p/b.png"} == fields(done)[1]


def test_regions_of_version_1_are_numbered(tmp_path):
    content = {"a.png7": {**image("a.png"), "regions": {"0": region(type="bee")}}}

    assert [("bee", 10, 20, 100, 200)] == boxes(*fields(via(tmp_path, content)))


def test_a_polygon_is_an_error_or_the_box_around_it(tmp_path):
    content = {"a": image("a.png", region(POLYGON, type="bee"))}

    assert ["RKD1605"] == [code for _, code in errors(via(tmp_path, content))]
    assert [("bee", 10, 20, 40, 41)] == boxes(*fields(via(tmp_path, content, polygons=True)))


def test_the_attribute_of_the_label_is_named_if_there_are_several(tmp_path):
    """Numbers are labels only then; checkboxes count if one is set."""
    content = {"a": image("a.png", region(number="7", kind={"bee": True, "ant": False}))}

    assert [("bee", 10, 20, 100, 200)] == boxes(*fields(via(tmp_path, content)))
    assert [("7", 10, 20, 100, 200)] == boxes(*fields(via(tmp_path, content, attributes=("number",))))
    done = via(tmp_path, {"a": image("a.png", region(kind="bee", other="x"))})
    assert [("via.json:2:6", "RKD1604")] == errors(done)


def test_a_file_attribute_is_a_label_if_it_is_named(tmp_path):
    content = {"a": image("a.png", file_attributes={"caption": "", "class": "bee"})}

    assert "bee" == fields(via(tmp_path, content, attributes=("class",)))[0]["bee-metadata"]["class-name"]
    assert {"source-ref": "s3://b/p/a.png"} == fields(via(tmp_path, content))[0]


def version_3(*shapes):
    """Return a project with two images, of which the shapes are in the first."""
    return {
        "project": {"pid": "1", "data_format_version": "3.1.1"},
        "attribute": {"1": {"aname": "kind", "type": 4, "options": {"0": "bee", "1": "ant"}}},
        "file": {"1": {"fid": "1", "fname": "a.png"}, "2": {"fid": "2", "fname": "b.png"}},
        "metadata": {str(number): {"vid": "1", "z": [], **shape} for number, shape in enumerate(shapes)},
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
    }


def test_version_3_numbers_shapes_and_options(tmp_path):
    content = version_3(
        {"xy": [2, 10, 20, 100, 200.4], "av": {"1": "1"}}, {"xy": [7, 1, 2, 31, 2, 31, 42], "av": {"1": "0"}}
    )

    assert ["RKD1605"] == [code for _, code in errors(via(tmp_path, content))]
    done = via(tmp_path, content, polygons=True)
    assert [("ant", 10, 20, 100, 200), ("bee", 1, 2, 30, 40)] == boxes(fields(done)[0])
    assert {"source-ref": "s3://b/p/b.png"} == fields(done)[1]


def test_videos_of_version_3_are_refused(tmp_path):
    done = via(tmp_path, version_3({"xy": [2, 1, 2, 3, 4], "z": [1.5], "av": {}}))

    assert ["RKD1601"] == [code for _, code in errors(done)]


def test_a_csv_file_is_read_as_a_table(tmp_path):
    (tmp_path / "via.csv").write_text(
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.png,7,"{}",1,0,"{""name"":""rect"",""x"":1,""y"":2,""width"":30,""height"":40}","{""type"":""bee""}"\n'
    )
    (tmp_path / "a.png").write_bytes(png(640, 480))

    assert [("bee", 1, 2, 30, 40)] == boxes(*fields(convert("via", tmp_path / "via.csv")))


@pytest.mark.parametrize("content", [{"a": 1}, {"images": []}, {"a": {"filename": "a.png"}, "b": {}}])
def test_another_json_file_is_refused(content, tmp_path):
    assert ["RKD1601"] == [code for _, code in errors(via(tmp_path, content))]


def test_a_region_without_an_attribute_has_no_label(tmp_path):
    """No flag can name what is not there."""
    (problem,) = via(tmp_path, {"a": image("a.png", region())}).errors

    assert "RKD1604" == problem.code
    assert "no attribute, and so no label: give it one in VIA" in problem.message
