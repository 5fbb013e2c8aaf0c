"""Known column names of tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The role of a column; the values are the names in --columns."""

    IMAGE = "image"
    LABEL = "label"
    CLASS = "class"  # 0 or 1 for the label in the header
    XMIN = "xmin"
    YMIN = "ymin"
    XMAX = "xmax"
    YMAX = "ymax"
    X = "x"
    Y = "y"
    X_CENTER = "x_center"
    Y_CENTER = "y_center"
    WIDTH = "width"
    HEIGHT = "height"
    BBOX = "bbox"
    IMAGE_WIDTH = "image_width"
    IMAGE_HEIGHT = "image_height"
    SPLIT = "split"
    CONFIDENCE = "confidence"
    GROUP = "group"
    SHAPE = "shape"  # a VIA region and its attributes, both as JSON
    ATTRIBUTES = "attributes"


_IMAGE: Final = (
    "filename imagename imagefilename image imagepath filepath imagefile file path img imgpath imgname imgfile "
    "picture photo sourceref imageuri gcsuri gcsfilepath uri imageurl url externalid imageid imgid id"
)
_LABEL: Final = "label labels labelname class classname category categoryname tag tags choice"

KNOWN: Final[Mapping[Role, Sequence[str]]] = {
    role: tuple(names.split())
    for role, names in {
        Role.IMAGE: _IMAGE,
        Role.LABEL: _LABEL,
        Role.XMIN: "xmin x1 left bboxxmin bboxx1",
        Role.YMIN: "ymin y1 top bboxymin bboxy1",
        Role.XMAX: "xmax x2 right bboxxmax bboxx2",
        Role.YMAX: "ymax y2 bottom bboxymax bboxy2",
        Role.X: "x bboxx bboxleft left xmin",
        Role.Y: "y bboxy bboxtop top ymin",
        Role.X_CENTER: "xcenter centerx xcentre cx",
        Role.Y_CENTER: "ycenter centery ycentre cy",
        Role.WIDTH: "bboxwidth boxwidth bboxw w width",
        Role.HEIGHT: "bboxheight boxheight bboxh h height",
        Role.BBOX: "bbox boundingbox",
        Role.IMAGE_WIDTH: "imagewidth imgwidth imwidth originalwidth",
        Role.IMAGE_HEIGHT: "imageheight imgheight imheight originalheight",
        Role.SPLIT: "split set subset partition mluse usage phase",
        Role.CONFIDENCE: "confidence conf score probability",
        Role.GROUP: "isgroupof iscrowd",
        Role.SHAPE: "regionshapeattributes",
        Role.ATTRIBUTES: "regionattributes",
    }.items()
}
"""Role -> header names, without case, blanks and punctuation; the first that is present applies."""

_OTHERS: Final = (
    "source filesize fileattributes regioncount regionid isoccluded istruncated isdepiction isinside occluded "
    "truncated difficult pose xclick1x xclick2x xclick3x xclick4x xclick1y xclick2y xclick3y xclick4y"
)
WITHOUT_LABELS: Final = frozenset(_OTHERS.split())
"""Columns of known programs that are ignored without a warning, as they contain no label or box."""

MORE_LABELS: Final = re.compile("(?:label|tag|category)[0-9]+")
INDEX: Final = ("", "unnamed0", "index")
"""The header of the index column that pandas writes."""
