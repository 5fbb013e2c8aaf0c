"""
The codes of problems in lines and datasets: AWS's own where there is one, else ``RKD`` and four digits.

The first digit is the area: 1 spec files (`spec_codes`), 2 single lines, 3 rules across entries, 4 images
(`core.images.judgement`), 5 failures (`errors`). A released code never changes its meaning. `docs/codes.md` lists
them all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

_TERMINAL: Final = "developer guide, terminal content errors"
_FILE: Final = "developer guide, terminal file errors"
_LINE: Final = "developer guide, non-terminal JSON line errors"
_TRAINING: Final = "developer guide, terminal manifest content errors of training"
_LIMITS: Final = "developer guide, guidelines and quotas"
_OURS: Final = "this project"


class Code(StrEnum):
    """
    One code; its string value is a public identifier.

    Attributes:
        source: Where it is documented; if not stated, here for codes of ours, else in AWS's list of line errors.
    """

    meaning: str
    source: str

    def __new__(cls, text: str, meaning: str, source: str = "") -> Self:
        code = str.__new__(cls, text)
        code._value_ = text
        code.meaning = meaning
        code.source = source or (_OURS if text.startswith("RKD") else _LINE)
        return code

    # One line, AWS's codes
    MISSING_SOURCE_REF = (
        "ERROR_MISSING_SOURCE_REF",
        "The line has no `source-ref`, or the key is misspelt; the service drops such a line silently.",
    )
    INVALID_SOURCE_REF_FORMAT = (
        "ERROR_INVALID_SOURCE_REF_FORMAT",
        "`source-ref` is not of the form `s3://bucket/key`; the service drops such a line silently.",
    )
    INVALID_JSON_LINE = (
        "ERROR_INVALID_JSON_LINE",
        (
            "The line is not one JSON object that every reader understands in the same way "
            "(bad syntax, bad UTF-8, NaN, a byte order mark, a repeated key, a number beyond 64 bits)."
        ),
    )
    NO_LABEL_ATTRIBUTES = (
        "ERROR_NO_LABEL_ATTRIBUTES",
        "A label needs two keys, `<name>` and `<name>-metadata`; one is missing, or the names differ.",
    )
    INVALID_ATTRIBUTE_FORMAT = (
        "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT",
        "The value under a label attribute has the wrong shape for the type its metadata states.",
    )
    INVALID_METADATA_FORMAT = (
        "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT",
        "A label attribute's metadata lacks a required key, or a value in it has the wrong type.",
    )
    NO_VALID_LABEL_ATTRIBUTES = (
        "ERROR_NO_VALID_LABEL_ATTRIBUTES",
        "Of the line's label attributes none has a type that Custom Labels supports.",
    )
    UNSUPPORTED_TYPE = (
        "ERROR_UNSUPPORTED_USE_CASE_TYPE",
        "`type` is neither `groundtruth/image-classification` nor `groundtruth/object-detection`.",
    )
    MISSING_BOX_CONFIDENCE = (
        "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE",
        "`objects` in the metadata does not hold one confidence for each bounding box.",
    )
    MISSING_CLASS_MAP_ID = (
        "ERROR_MISSING_CLASS_MAP_ID",
        "A bounding box has a `class_id` that is not a key of `class-map`.",
    )
    INVALID_BOX = (
        "ERROR_INVALID_BOUNDING_BOX",
        "A bounding box reaches beyond the image, or holds a negative number.",
    )
    BOX_TOO_SMALL = (
        "ERROR_BOUNDING_BOX_TOO_SMALL",
        (
            "A bounding box is not longer than one pixel on both sides (error), or will not be once "
            "training has scaled the image's longer side down to 1,280 pixels (warning)."
        ),
    )
    TOO_MANY_BOXES = ("ERROR_TOO_MANY_BOUNDING_BOXES", "An image holds more than 50 bounding boxes.")
    NO_VALID_ANNOTATIONS = (
        "ERROR_NO_VALID_ANNOTATIONS",
        "None of the bounding boxes of an attribute is valid.",
    )
    INVALID_IMAGE_DIMENSION = (
        "ERROR_INVALID_IMAGE_DIMENSION",
        "A side of the image, or of the `image_size` that its line states, is below 64 or above 4,096 pixels.",
    )
    INVALID_IMAGE = (
        "ERROR_INVALID_IMAGE",
        "Training refuses the image: it is absent, no PNG or JPEG, above 15 MB, or longer than 20 to 1.",
    )
    INVALID_LABEL_NAME_LENGTH = (
        "ERROR_INVALID_LABEL_NAME_LENGTH",
        (
            "A label name is empty or longer than 255 characters "
            "(the API reference says 255, the guide 256: the smaller holds)."
        ),
    )
    UNANNOTATED_RECORD = ("WARNING_UNANNOTATED_RECORD", "The image carries no label; training ignores it.")
    NO_ANNOTATIONS = (
        "WARNING_NO_ANNOTATIONS",
        "A person annotated the image and drew no bounding box; training ignores the line.",
    )
    NO_ATTRIBUTE_ANNOTATIONS = (
        "WARNING_NO_ATTRIBUTE_ANNOTATIONS",
        "A label attribute annotated by a person holds no bounding box.",
    )

    # One line, this project's codes
    LINE_TOO_LONG = (
        "RKD2001",
        (
            "The line is longer than 99,000 characters. The service silently drops one above 100,000, "
            "and adds keys of its own to what it stores."
        ),
        _TERMINAL,
    )
    BLANK_LINE = ("RKD2002", "The line is blank. It is ignored, and never sent.")
    SERVICE_KEYS = (
        "RKD2003",
        (
            "The line carries what the service writes by itself (`cl-metadata`, error lists). "
            "It does not count as content and is never sent."
        ),
        "API reference, ListDatasetEntries",
    )
    SUSPICIOUS_SOURCE_REF = (
        "RKD2004",
        (
            "`source-ref` holds an invisible, control or direction-changing character, or ends in white "
            "space. It is taken exactly as it is, which may be no object that exists."
        ),
    )
    SUSPICIOUS_LABEL = (
        "RKD2005",
        (
            "A label name holds an invisible, control or direction-changing character, starts or ends with "
            "white space, or starts with a typographic quotation mark. It is a label of its own, hard to tell "
            "from its neighbour."
        ),
    )
    FLOAT_NUMBERS = (
        "RKD2006",
        (
            "A number documented as an integer is written as a float. The service probably accepts it "
            "(AWS's own COCO converter writes such lines); whether it rounds is not documented."
        ),
        "developer guide, object localization in manifest files",
    )
    STRING_LABEL_VALUE = (
        "RKD2007",
        (
            "The value of an image-level attribute is an integer in quotes, as some labelling jobs write "
            "it. The guide asks for a plain integer."
        ),
        "developer guide, image-level labels in manifest files",
    )
    CREATION_DATE = (
        "RKD2008",
        "`creation-date` is not a date and time in ISO 8601.",
        "developer guide, image-level labels in manifest files",
    )
    EXTRA_KEY = (
        "RKD2009",
        (
            "A key belongs to no label attribute. It is kept and sent; if it was meant as a label, its "
            "metadata is missing."
        ),
    )
    TRAINING_OUTPUT = (
        "RKD2010",
        "The line was written by training or evaluation: its labels may be predictions, not truth.",
        "developer guide, evaluation manifest snapshot",
    )
    TOO_MANY_LABELS_ON_IMAGE = ("RKD2011", "An image carries more than 50 labels.", _LIMITS)
    ADJUSTED_TWICE = (
        "RKD2012",
        (
            "The line holds the boxes of an adjustment job next to those that were adjusted: both count, "
            "so that every object is there twice."
        ),
        "SageMaker guide, label adjustment",
    )

    UNLIKELY_IMAGE = (
        "RKD2013",
        (
            "The key of an image holds a backslash, has a padded name, or does not end in .jpg, .jpeg or .png. "
            "Custom Labels takes PNG and JPEG alone; that it checks names is not documented; the line is sent."
        ),
        _LIMITS,
    )

    # Whole datasets, AWS's codes
    MULTIPLE_BUCKETS = (
        "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS",
        "The images of a dataset must all be in one bucket.",
        _TRAINING,
    )
    TOO_MANY_LABELS = (
        "ERROR_MANIFEST_TOO_MANY_LABELS",
        "A dataset holds more than 250 different labels.",
        _FILE,
    )
    TOO_FEW_LABELS = (
        "ERROR_MANIFEST_TOO_FEW_LABELS",
        "Training needs two labels for image-level datasets, one for bounding boxes.",
        _TRAINING,
    )
    TOO_MANY_RECORDS_IN_ERROR = (
        "ERROR_TOO_MANY_RECORDS_IN_ERROR",
        "The service would drop more than 20 % of the lines, and then refuses all of them.",
        _FILE,
    )
    TOO_MANY_INVALID_ROWS = (
        "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST",
        (
            "More than 20 % of the lines are invalid, most of which the dataset would hold with an error: "
            "training refuses all of them."
        ),
        _TRAINING,
    )
    TOO_MANY_ROWS = (
        "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM",
        "A dataset holds more than 250,000 images.",
        _FILE,
    )
    INSUFFICIENT_LABEL_OVERLAP = (
        "ERROR_INSUFFICIENT_LABEL_OVERLAP",
        "Less than half of the training labels occur in the test dataset; training refuses that.",
        _TRAINING,
    )

    # Across entries, this project's codes
    DUPLICATE_SOURCE_REF = (
        "RKD3001",
        (
            "An image appears more than once in a dataset. The service drops lines silently for it, and "
            "does not say which copy stays."
        ),
        _TERMINAL,
    )
    IMAGE_IN_TRAIN_AND_TEST = (
        "RKD3002",
        "An image is in the training and in the test dataset: the model is tested on what it was trained on.",
        "developer guide, validation rules for manifest files",
    )
    TOO_MANY_TEST_IMAGES = ("RKD3003", "A test dataset holds more than 1,000 images of one label.", _LIMITS)
    MIXED_MODEL_TYPES = (
        "RKD3004",
        (
            "A dataset mixes image-level labels and bounding boxes: training picks one kind and ignores "
            "the lines of the other."
        ),
        _TRAINING,
    )
