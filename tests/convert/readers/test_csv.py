"""CSV: the layouts that are met, and one error for those that are not known."""

import pytest

from reconciler.convert.readers.csv import read_csv
from reconciler.convert.record import BadFile, Crowd, Options
from reconciler.errors import UsageError
from tests.convert.inputs import boxes, convert, errors, fields, png, warnings

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def table(tmp_path, text, **options):
    file = tmp_path / "labels.csv"
    file.write_bytes(text.encode())
    return convert("csv", file, **options)


def columns(**roles):
    return {role: tuple(names.split()) for role, names in roles.items()}


def labels(line):
    return [value["class-name"] for key, value in line.items() if key.endswith("-metadata")]


@pytest.mark.parametrize("head", ["", "image,label\n", "Image,Label,Label\r\n", "\ufefffilename,label\n"])
def test_a_row_is_an_image_and_its_labels(head, tmp_path):
    """With a header or without; rows may be filled up with empty cells."""
    done = table(tmp_path, f'{head}b.jpg,bee,"queen, marked"\r\na.jpg,bee,,\r\n')

    assert [("s3://b/p/a.jpg", ["bee"]), ("s3://b/p/b.jpg", ["bee", "queen, marked"])] == [
        (line["source-ref"], labels(line)) for line in fields(done)
    ]


def test_the_line_is_the_one_that_the_shorthand_gives(tmp_path):
    assert (
        b'{"source-ref":"s3://b/p/a.jpg","bee":1,"bee-metadata":{"confidence":1,'
        b'"job-name":"labeling-job/bee","class-name":"bee","human-annotated":"yes",'
        b'"creation-date":"2026-03-01T12:00:00","type":"groundtruth/image-classification"}}\n'
    ) == b"".join(table(tmp_path, "a.jpg,bee\n").ordered())


def test_rows_of_one_image_add_up(tmp_path):
    """Some programs write a row a label; one that is there twice is there once, and said."""
    done = table(tmp_path, "a.jpg,bee\nb.jpg,x\na.jpg,queen\na.jpg,bee\n")

    assert ["bee", "queen"] == labels(fields(done)[0])
    assert ["RKD1502"] == warnings(done)


def test_an_image_without_labels_is_unlabelled(tmp_path):
    done = table(tmp_path, "image,label\na.jpg\n")

    assert [{"source-ref": "s3://b/p/a.jpg"}] == fields(done)
    assert ["WARNING_UNANNOTATED_RECORD"] == warnings(done)


def test_a_row_may_be_a_box(tmp_path):
    """Columns in any order, as TensorFlow's converters and Roboflow write them."""
    done = table(tmp_path, f"{HEAD}a.jpg,640,480,dog,10,20,110,220\na.jpg,640,480,cat,1,2,30.6,40\n")

    assert [("dog", 10, 20, 100, 200), ("cat", 1, 2, 30, 38)] == boxes(*fields(done))
    done = table(
        tmp_path, "class,xmin,filename,ymin,xmax,ymax,height,width\ndog,10,a.jpg,20,110,220,480,640\n"
    )
    assert [("dog", 10, 20, 100, 200)] == boxes(*fields(done))


def test_a_column_may_be_a_class(tmp_path):
    """Read as labels, its cells would be called 0 and 1."""
    done = table(tmp_path, "filename, bee, queen\na.jpg, 1, 0\nb.jpg, 1, 1\nc.jpg,0,0\nd.jpg,1,x\ne.jpg,1\n")

    assert [["bee"], ["bee", "queen"], []] == [labels(line) for line in fields(done)]
    assert [("labels.csv:5", "RKD1602"), ("labels.csv:6", "RKD1602")] == errors(done)


@pytest.mark.parametrize(
    ("text", "place", "code"),
    [
        ("a.jpg,x\n,y\n", 2, "RKD1602"),
        ('a.jpg,x\n"b\nc.jpg",x\n"d.jpg" ,y\n', 4, "RKD1601"),
        (f"{HEAD}a.jpg,640,480,dog,10,20,110\n", 2, "RKD1602"),
        (f"{HEAD}a.jpg,64,64,x,1,1,9\na.jpg,64,64,x,1,1,9,9\n", 2, "RKD1602"),
        (f"{HEAD}a.jpg,wide,480,dog,10,20,110,220\n", 2, "RKD1602"),
        (f"{HEAD}a.jpg,64,64,x,1,1,9,9\na.jpg,65,64,x,1,1,9,9\n", 3, "RKD1602"),
        (f"{HEAD}a.jpg,64,64,x,1,1,9,9\nb.jpg,64,64,x,1,1,90,9\n", 3, "ERROR_INVALID_BOUNDING_BOX"),
        ("", 1, "RKD1609"),
        ("image,label\n", 1, "RKD1609"),
    ],
)
def test_a_bad_row_has_a_line(text, place, code, tmp_path):
    """Counted in lines of the file, also where a cell holds one."""
    assert [(f"labels.csv:{place}", code)] == errors(table(tmp_path, text))


def test_invisible_characters_are_reported(tmp_path):
    """A blank after a comma belongs to the label, and makes it another one."""
    assert ["RKD2005"] == warnings(table(tmp_path, "a.jpg, bee\n"))


def labelled(done):
    return [[line["source-ref"].removeprefix("s3://b/p/"), *labels(line)] for line in fields(done)]


@pytest.mark.parametrize(
    "text",
    [
        "id,label\na.jpg,bee\n",
        "image_path,label\na.jpg,bee\n",
        "file,label\na.jpg,bee\n",
        "Label,File Name\nbee,a.jpg\n",
        ",filename,class\n0,a.jpg,bee\n",
        "sep=,\nimage,label\na.jpg,bee\n",
        "sep=;\r\na.jpg;bee\r\n",
        "\ufeffsep=\t\nimage\tlabel\na.jpg\tbee\n",
        "image;label\na.jpg;bee\n",
        "a.jpg\tbee\n",
        "a.jpg|bee\n",
        "image, label\na.jpg, bee\n",
        "image ,label\na.jpg ,bee\n",
        "image , label\n a.jpg , bee \n",
        "TRAIN,gs://bucket/a.jpg,bee\n",
        "gs://bucket/a.jpg,bee\n",
        "image_id,healthy,bee\na.jpg,0,1\n",
        "id,bee,Healthy\na.jpg,1.0,0.0\n",
        "filename,bee,split\na.jpg,TRUE,train\n",
    ],
)
def test_labels_of_whole_images_are_read(text, tmp_path):
    """As AWS, Kaggle, Google, Roboflow, pandas and spreadsheets lay them out."""
    assert [["a.jpg", "bee"]] == labelled(table(tmp_path, text))


SIZED = [
    f"{HEAD}a.jpg,640,480,cow,10,20,110,220\n",
    (
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
        "cow,10,20,100,200,a.jpg,640,480\n"
    ),
    "cow,10,20,100,200,a.jpg,640,480\n",
    'image_id,width,height,bbox,label\na.jpg,640,480,"[10.0, 20, 100, 200]",cow\n',
]
UNSIZED = [
    "a.jpg,10,20,110,220,cow\n",
    "z.jpg,,,,,\na.jpg,10,20,110,220,cow\n",
    "image,xmin,ymin,xmax,ymax,label\na.jpg,10,20,110,220,cow\n",
    '"image";"xmin";"ymin";"xmax";"ymax";"label"\n"a.jpg";10;20;110;220;"cow"\n',
    "filename,class,left,top,right,bottom\na.jpg,cow,10,20,110,220\n",
    "file,label,x,y,width,height\na.jpg,cow,10,20,100,200\n",
    "file,label,left,top,w,h\na.jpg,cow,10,20,100,200\n",
    "path,class_name,x_center,y_center,width,height\na.jpg,cow,60,120,100,200\n",
    "path,class_name,x_center,y_center,width,height\na.jpg,cow,0.09375,0.25,0.15625,0.4166667\n",
    "image,xmin,ymin,xmax,ymax,label\na.jpg,0.015625,0.0416667,0.171875,0.4583333,cow\n",
    "TRAIN,gs://b/a.jpg,cow,0.015625,0.0416667,,,0.171875,0.4583333,,\n",
    "gs://b/a.jpg,cow,0.015625,0.0416667,0.171875,0.0416667,0.171875,0.4583333,0.015625,0.4583333\n",
    "UNASSIGNED,gs://b/z.jpg,,,,,,,,,\nTEST,gs://b/a.jpg,cow,0.015625,0.0416667,,,0.171875,0.4583333\n",
    (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsGroupOf\n"
        "a,xclick,cow,1,0.015625,0.171875,0.0416667,0.4583333,0\n"
    ),
    (
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
        'a.jpg,9,"{}",1,0,"{""name"":""rect"",""x"":10,""y"":20,""width"":100,""height"":200}",'
        '"{""type"":""cow"",""n"":""""}"\n'
    ),
]


@pytest.mark.parametrize("text", [*SIZED, *UNSIZED])
def test_boxes_are_read(text, tmp_path):
    """Corners, lengths or centres, in pixels or in shares, with or without a header."""
    (tmp_path / "a.jpg").write_bytes(png(640, 480) if text in UNSIZED else b"")
    (tmp_path / "z.jpg").write_bytes(png(64, 64))
    done = table(tmp_path, text)

    assert [] == errors(done)
    assert [("cow", 10, 20, 100, 200)] == boxes(fields(done)[0])
    assert [{"width": 640, "height": 480, "depth": 3}] == fields(done)[0]["bounding-box"]["image_size"]


@pytest.mark.parametrize("text", UNSIZED)
def test_the_size_of_images_comes_from_the_images(text, tmp_path):
    """Without them there is one thing to be said, not one for each image; with a directory it is said for each."""
    with pytest.raises(UsageError, match="give --images"):
        table(tmp_path, text)
    (tmp_path / "images").mkdir()
    assert {"RKD1503"} == {code for _, code in errors(table(tmp_path, text, images=tmp_path / "images"))}
    for name in "az":
        (tmp_path / "images" / f"{name}.jpg").write_bytes(png(640, 480))
    assert [("cow", 10, 20, 100, 200)] == boxes(fields(table(tmp_path, text, images=tmp_path / "images"))[0])


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("image,species\na.jpg,bee\n", "image=image is understood, and “species” is not"),
        ("id,name,healthy\na.jpg,x,1\nb.jpg,2,3\n", "healthy"),
        ("id,healthy,rust,healthy\na.jpg,1,0,0\n", "healthy"),  # which of both holds is not known
        ("foo,bar\na.jpg,bee\n", "no column is understood, and “foo”, “bar” is not"),
        ("bee,a.jpg\n", "no column is understood"),
        ("a.jpg,7\n", "image=1 is understood, and “7” is not"),
        ("a.jpg,10,20,110,220\n", "image=1 is understood"),
        ("a.jpg,b.jpg\n", "“b.jpg” is not"),
        ("train_1,bee\n", "no column is understood"),
        ("a.jpg,bee\nb.jpg,3\n", "the cell holds the number 3"),
        ("image,label\na.jpg,0\n", "--columns image=image,label=label takes the numbers as labels"),
        ("a.jpg,10,20,110,220,3\n", "image=1 is understood, and “10”, “20”, “110”, “220”, “3” is not"),
        ("a.jpg,1,2,30,40,x\na.jpg,1,2,30,40,3\n", "--columns image=1,xmin=2,ymin=3,xmax=4,ymax=5,label=6"),
        ("image,xmin,ymin,xmax,label\na.jpg,1,2,30,cow\n", "“xmin”, “ymin”, “xmax”"),
        ("image,xmin,ymin,xmax,ymax\na.jpg,1,2,30,40\n", "image=image,xmin=xmin"),
        ("TRAIN,gs://b/a.jpg,7\n", "the cell holds the number 7"),
        (
            "a.jpg,42,88,108,213,x\nb.jpg,140,65,28,22,y\n",
            "--columns image=1,x=2,y=3,width=4,height=5,label=6",
        ),
        ("<html>\n", "no column is understood"),
        ('{"images": [\n', "no column is understood"),
    ],
)
def test_what_is_not_understood_is_one_error(text, understood, tmp_path):
    """It says what was understood, and what to say instead; nothing is ever invented."""
    done = table(tmp_path, text)

    assert ({}, ["RKD1601"]) == (done.lines, [code for _, code in errors(done)])
    assert understood in done.errors[0].message
    assert "--columns" in done.errors[0].message


@pytest.mark.parametrize("cell", ["\"['cat', 'dog']\"", '"{""choices"": [""cat"", ""dog""]}"'])
def test_a_list_of_labels_is_no_label(cell, tmp_path):
    """As Python and labelling tools write it into a cell."""
    done = table(tmp_path, f"image,label\na.jpg,{cell}\n")

    assert ({}, [("labels.csv:2", "RKD1601")]) == (done.lines, errors(done))


def test_ids_are_no_names(tmp_path):
    """As tables of competitions have them: one error, and three ways out of it."""
    text = "id,label\ntrain_1,bee\ntrain_2,bee\n"

    assert [("labels.csv:2", "RKD1501")] == errors(table(tmp_path, text))
    assert ["train_1.png", "train_2.png"] == [
        row[0] for row in labelled(table(tmp_path, text, extension=".png"))
    ]
    assert ["train_1", "train_2"] == [row[0] for row in labelled(table(tmp_path, text, extension=""))]
    (tmp_path / "train_1.PNG").write_bytes(b"")
    (tmp_path / "train_2.jpg").write_bytes(b"")
    assert ["train_1.PNG", "train_2.jpg"] == [row[0] for row in labelled(table(tmp_path, text))]


def test_columns_can_be_named(tmp_path):
    """By the header or by number; others are not read, and numbers are labels then."""
    text = "key;x;species;r\na.jpg;q;bee;1\nb.jpg;q;7;2\n"

    assert [["a.jpg", "bee"], ["b.jpg", "7"]] == labelled(
        table(tmp_path, text, columns=columns(image="key", label="species"))
    )
    assert [["a.jpg", "bee", "q"], ["b.jpg", "7", "q"]] == labelled(
        table(tmp_path, text.partition("\n")[2], columns=columns(image="1", label="3 2"))
    )
    done = table(tmp_path, "k,a,b,c\na.jpg,1,0,9\n", columns={"image": ("k",), "class": ("a", "b")})
    assert [["a.jpg", "a"]] == labelled(done)
    (tmp_path / "a.jpg").write_bytes(png(64, 64))
    shape = columns(image="1", xmin="2", xmax="3", ymin="4", ymax="5", label="6")
    assert [("9", 1, 3, 29, 37)] == boxes(*fields(table(tmp_path, "a.jpg,1,30,3,40,9\n", columns=shape)))


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ({"image": "key", "label": "spezies"}, "there is no column “spezies”; there are “key”"),
        ({"image": "key", "label": "9"}, "there is no column “9”"),
        ({"image": "key", "label": "species", "xmin": "x"}, "a box needs xmin=,ymin=,xmax=,ymax= or x="),
        ({"image": "key", "bbox": "x"}, "a box needs a label"),
        ({"image": "1", "class": "2"}, "a class is the name of its column"),
    ],
)
def test_columns_that_cannot_be_are_refused(roles, said, tmp_path):
    with pytest.raises(UsageError, match=said):
        table(tmp_path, "key,x,species\na.jpg,1,bee\n", columns=columns(**roles))


def test_numbers_of_classes_may_have_names(tmp_path):
    """As for YOLO, in a file of their own."""
    (tmp_path / "classes.txt").write_text("cat\ndog\n")

    assert [["a.jpg", "dog"]] == labelled(
        table(tmp_path, "image,label\na.jpg,1\n", classes=tmp_path / "classes.txt")
    )
    done = table(tmp_path, "image,label\na.jpg,2\n", classes=tmp_path / "classes.txt")
    assert [("labels.csv:2", "RKD1604")] == errors(done)


def test_an_image_that_is_marked_unlabelled_is(tmp_path):
    """The column is none of a class; with a class beside it the row says two things."""
    text = "filename, bee, Unlabeled\na.jpg, 0, 1\nb.jpg, 1, 0\nc.jpg, 1, 1\nd.jpg, 0, 0\n"
    done = table(tmp_path, text)

    assert [["a.jpg"], ["b.jpg", "bee"], ["d.jpg"]] == labelled(done)
    assert [("labels.csv:4", "RKD1602")] == errors(done)


def test_rows_of_several_parts_are_distinguished(tmp_path):
    """All are kept, with a word, unless one is asked for."""
    text = "TRAIN,gs://b/a.jpg,bee\nTEST,gs://b/b.jpg,bee\n"

    done = table(tmp_path, text)
    assert (["RKD1606"], 2) == (warnings(done), len(done.lines))
    assert [["b.jpg", "bee"]] == labelled(table(tmp_path, text, split="test"))
    assert [["b.jpg", "x"]] == labelled(table(tmp_path, "image,label,set\na.jpg,y,1\nb.jpg,x,2\n", split="2"))
    with pytest.raises(UsageError, match="there are: TRAIN, TEST"):
        table(tmp_path, text, split="dev")


def test_what_is_not_read_is_reported(tmp_path):
    """A label that is denied is none, and a column that nobody knows is named."""
    done = table(tmp_path, "image,label,confidence,remark\na.jpg,bee,0,x\nb.jpg,bee,1,y\n")

    assert [["a.jpg"], ["b.jpg", "bee"]] == labelled(done)
    assert "“remark”" in next(p.message for p in done.problems if p.code == "RKD1606")


def test_a_box_around_a_group_is_no_object(tmp_path):
    """As a crowd region of COCO: an image with nothing else is not an image without objects."""
    (tmp_path / "a.jpg").write_bytes(png(64, 64))
    head = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"
    group, one = "a,x,0.25,0.5,0.25,0.5,1\n", "a,y,0.5,0.75,0.5,0.75,0\n"

    assert ["RKD1605"] == [code for _, code in errors(table(tmp_path, head + group))]
    assert [("y", 32, 32, 16, 16)] == boxes(*fields(table(tmp_path, head + group + one)))
    assert [("x", 16, 16, 16, 16)] == boxes(*fields(table(tmp_path, head + group, crowd=Crowd.BOX)))
    assert [{"source-ref": "s3://b/p/a.jpg"}] == fields(table(tmp_path, head + group, crowd=Crowd.SKIP))


VIA = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"


def via(shape, attributes):
    return VIA + ",".join(
        ["a.jpg", "9", "{}", "1", "0", *(f'"{text}"'.replace("'", '""') for text in (shape, attributes))]
    )


@pytest.mark.parametrize(
    ("shape", "attributes", "options", "code"),
    [
        ("{'name':'circle','cx':1}", "{'t':'x'}", {}, "RKD1605"),
        ("{'name':'polygon','all_points_x':[1,9,1],'all_points_y':[1,1,9]}", "{'t':'x'}", {}, "RKD1605"),
        ("{'name':'rect','x':1}", "{'t':'x'}", {}, "RKD1602"),
        ("{'name':'rect'", "{'t':'x'}", {}, "RKD1602"),
        ("[1]", "{'t':'x'}", {}, "RKD1602"),
        ("{'name':'rect','x':1,'y':2,'width':8,'height':8}", "{'t':''}", {}, "RKD1604"),
        ("{'name':'rect','x':1,'y':2,'width':8,'height':8}", "{'t':'x','u':'y'}", {}, "RKD1604"),
        (
            "{'name':'rect','x':1,'y':2,'width':8,'height':8}",
            "{'t':'x','u':'y'}",
            {"attributes": ("u",)},
            "y",
        ),
        ("{'name':'rect','x':1,'y':2,'width':8,'height':8}", "{'t':{'x':true,'y':false}}", {}, "x"),
        (
            "{'name':'polygon','all_points_x':[1,9,1],'all_points_y':[2,2,10]}",
            "{'t':'x'}",
            {"polygons": True},
            "x",
        ),
    ],
)
def test_a_region_of_via_is_a_box_or_has_a_reason(shape, attributes, options, code, tmp_path):
    (tmp_path / "a.jpg").write_bytes(png(64, 64))
    done = table(tmp_path, via(shape, attributes), **options)

    if code.startswith("RKD"):
        assert [("labels.csv:2", code)] == errors(done)
    else:
        assert [(code, 1, 2, 8, 8)] == boxes(*fields(done))


def test_an_image_of_via_without_regions_is_unlabelled(tmp_path):
    """It may be one that nobody has come to yet."""
    assert [["a.jpg"]] == labelled(table(tmp_path, VIA + 'a.jpg,9,"{}",0,0,"{}","{}"\n'))


OPEN_IMAGES = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,x,/m/0cyf8,1,0.25,0.75,0.5,1\n"


@pytest.mark.parametrize("name", ["class-descriptions-boxable.csv", "classes.csv"])
def test_ids_of_open_images_need_their_descriptions(name, tmp_path):
    """Beside the table, or named; an id would be a label that means nothing."""
    (tmp_path / "a.jpg").write_bytes(png(640, 480))
    with pytest.raises(BadFile, match="--classes"):
        list(read_csv(_written(tmp_path, OPEN_IMAGES), Options()))
    (tmp_path / name).write_text('LabelName,DisplayName\n/m/0cyf8,"Ladybug, red"\n/m/01,Cat\n')

    done = table(tmp_path, OPEN_IMAGES, **({"classes": tmp_path / name} if name == "classes.csv" else {}))

    assert [("Ladybug, red", 160, 240, 320, 240)] == boxes(*fields(done))


def _written(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text)
    return tmp_path / "labels.csv"


@pytest.mark.parametrize(("confidence", "found"), [("1.0", 1), ("", 1), ("0.43", 0), ("0", 0), ("99", 0)])
def test_a_box_with_a_confidence_is_a_prediction(confidence, found, tmp_path):
    """Which an image must not be trained on as if somebody had drawn it; --columns says otherwise."""
    text = f"image,xmin,ymin,xmax,ymax,label,score\na.png,1,2,31,42,bee,{confidence}\n"
    (tmp_path / "a.png").write_bytes(png(64, 64))
    done = table(tmp_path, text)

    assert found == done.boxes
    if not found:
        (problem,) = done.errors
        assert "RKD1605" == problem.code
        way = "image=image,label=label,xmin=xmin,ymin=ymin,xmax=xmax,ymax=ymax"
        assert f"--columns {way} takes" in problem.message
        roles = dict(part.split("=") for part in way.split(","))
        assert 1 == table(tmp_path, text, columns=columns(**roles)).boxes


@pytest.mark.parametrize(
    ("number", "expected"), [("2", ["RKD1601"]), ("0.5", ["RKD1601"]), ("-1", ["RKD1602"])]
)
def test_columns_of_codes_are_no_classes(number, expected, tmp_path):
    """Though the first rows hold 0 and 1 only: a code of the weather is no label called Weather."""
    text = f"File,Weather,Light\na.jpg,1,0\nb.jpg,0,{number}\n"

    assert expected == [code for _, code in errors(table(tmp_path, text))]
    given = columns(image="File", **{"class": "Weather Light"})
    assert ["RKD1602"] == [code for _, code in errors(table(tmp_path, text, columns=given))]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ('"1,5",2,31,42', "xmin, ymin, xmax, ymax must be numbers, with a decimal point, and one is “1,5”"),
        ("1,2,wide,42", "must be numbers, and one is “wide”"),
        ("1,2,,42", "must be numbers, and one is “”"),
    ],
)
def test_the_cell_that_is_no_number_is_shown(cells, said, tmp_path):
    done = table(tmp_path, f"{HEAD}a.jpg,64,64,bee,{cells}\n")

    assert [("labels.csv:2", "RKD1602")] == errors(done)
    assert said in done.errors[0].message


@pytest.mark.parametrize(
    ("encoding", "said"), [("latin-1", "iconv -f WINDOWS-1252"), ("utf-16", "iconv -f UTF-16")]
)
def test_a_table_in_another_encoding_is_an_error_with_a_way_out(encoding, said, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_bytes("a.jpg,café\n".encode(encoding))
    done = convert("csv", file)

    assert [("labels.csv:1", "RKD1003")] == errors(done)
    assert f"is not UTF-8: {said} -t UTF-8 may convert the file" in done.errors[0].message
