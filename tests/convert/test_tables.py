"""CSV: three forms, told apart by their header."""

import pytest

from tests.convert.inputs import boxes, convert, errors, fields, warnings

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def table(tmp_path, text):
    file = tmp_path / "labels.csv"
    file.write_bytes(text.encode())
    return convert("csv", file)


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
        ("a.jpg;x\nb.jpg;y\n", 1, "RKD1601"),
        ("a.jpg\tx\n", 1, "RKD1601"),
        ("", 1, "RKD1609"),
        ("image,label\n", 1, "RKD1609"),
    ],
)
def test_a_bad_row_has_a_line(text, place, code, tmp_path):
    """Counted in lines of the file, also where a cell holds one."""
    assert [(f"labels.csv:{place}", code)] == errors(table(tmp_path, text))


def test_what_cannot_be_seen_is_said(tmp_path):
    """A blank after a comma belongs to the label, and makes it another one."""
    assert ["RKD2005"] == warnings(table(tmp_path, "a.jpg, bee\n"))
