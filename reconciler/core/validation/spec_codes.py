"""
The codes of problems in spec files and trees: RKD1xxx.

``10`` trees and files, ``11`` YAML, ``12`` fields, ``13`` between datasets, ``14`` entries files,
``15`` the shorthand, ``16`` what `convert` reads.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class OwnCode(NamedTuple):
    """
    One kind of problem, as documented in `docs/codes.md`.

    Attributes:
        code: ``RKD`` and four digits.
        explanation: Why it matters and how to fix it.
        source: The origin of the rule: a page of AWS, a standard, or this project.
    """

    code: str
    title: str
    explanation: str
    source: str


_OURS: Final = "reconciler"
_YAML: Final = "YAML 1.2"

FILE_UNREADABLE: Final = OwnCode(
    "RKD1002",
    "A file cannot be read",
    "It is missing, a directory, a dangling link, or its permissions forbid reading.",
    _OURS,
)
NOT_TEXT: Final = OwnCode(
    "RKD1003",
    "A file is not UTF-8 text",
    "Binary content, another encoding or a control character. Save the file as UTF-8.",
    _OURS,
)
BYTE_ORDER_MARK: Final = OwnCode(
    "RKD1004",
    "A file starts with a byte order mark",
    "The invisible U+FEFF would become part of the first line. Save the file as UTF-8 without BOM.",
    _OURS,
)
EMPTY_YAML: Final = OwnCode(
    "RKD1005",
    "A YAML file is empty",
    "An empty file may be one that was cut while it was written. Delete it if it is not needed.",
    _OURS,
)
TOO_LARGE: Final = OwnCode(
    "RKD1006",
    "A YAML file is too large",
    "Large datasets belong into JSON Lines files, which are streamed.",
    _OURS,
)

SYNTAX: Final = OwnCode("RKD1101", "Not valid YAML", "The parser names the place where it gave up.", _YAML)
REPEATED_KEY: Final = OwnCode(
    "RKD1102",
    "A key is repeated in one mapping",
    "Most parsers keep the last value silently. Keys merged by `<<` may be overridden; that is no "
    "repetition.",
    _YAML,
)
AMBIGUOUS: Final = OwnCode(
    "RKD1103",
    "A value that YAML parsers read differently",
    "`on` may be true, `012` ten, `12:30` seven hundred and fifty, `0x1F` thirty-one. Quote it if "
    "text is meant; write a plain number or true or false otherwise.",
    _YAML,
)
TAG: Final = OwnCode(
    "RKD1104", "A YAML tag", "Specs are plain data: only !!str, !!map and !!seq are known.", _OURS
)
ALIAS: Final = OwnCode(
    "RKD1105",
    "An alias that cannot be followed",
    "Its anchor is not defined above it, it contains itself, or aliases multiply without bound.",
    _YAML,
)
KEY_NOT_TEXT: Final = OwnCode(
    "RKD1106",
    "A key that is not text",
    "Keys are names. Quote a key that looks like a number.",
    _OURS,
)
MERGE: Final = OwnCode(
    "RKD1107",
    "A merge of something that is no mapping",
    "`<<` takes a mapping or a list of mappings, usually aliases.",
    "YAML 1.1, merge key",
)

API_VERSION: Final = OwnCode("RKD1201", "An unknown apiVersion", "This program reads `reconciler/v1`.", _OURS)
KIND: Final = OwnCode("RKD1202", "An unknown kind", "Known are `Dataset` and `Entries`.", _OURS)
UNKNOWN_FIELD: Final = OwnCode(
    "RKD1203",
    "An unknown field",
    "A misspelt field would otherwise be ignored silently. The nearest known one is named.",
    _OURS,
)
MISSING_FIELD: Final = OwnCode("RKD1204", "A required field is missing", "Add it.", _OURS)
WRONG_TYPE: Final = OwnCode(
    "RKD1205",
    "A value of the wrong type",
    "Nothing is converted silently: text that looks like a number has to be quoted.",
    _OURS,
)
BAD_VALUE: Final = OwnCode(
    "RKD1206", "A value that is not allowed", "The message names what is allowed.", _OURS
)
BAD_TARGET: Final = OwnCode(
    "RKD1207",
    "A contradictory target",
    "A target is project and type, or datasetArn; its other fields must agree with that.",
    _OURS,
)

SAME_NAME: Final = OwnCode(
    "RKD1301", "Two datasets have one name", "Names identify datasets in state and reports.", _OURS
)
SAME_TARGET: Final = OwnCode(
    "RKD1302",
    "Two datasets have one target",
    "They would overwrite each other for ever. Put the entries into one dataset.",
    _OURS,
)
NO_SUCH_DATASET: Final = OwnCode(
    "RKD1303",
    "An acknowledgement names no dataset of the tree",
    "It has no effect. Correct the name, or delete the document if the dataset is gone.",
    _OURS,
)
UNMATCHED: Final = OwnCode(
    "RKD1304",
    "A pattern matches no entry",
    "`protect`, `ignore` or an acknowledgement is meant for images, and none has such an address: most often a "
    "misspelt folder, or `*` where `**` is needed. Or a path of `ignore` matches no field of any entry. "
    "Commands that observe AWS report it only if nothing there matches either.",
    _OURS,
)

TOO_MANY_TO_LIST: Final = OwnCode(
    "RKD1305",
    "A schedule that cannot be kept",
    "All datasets of an account and Region share 5 calls a second, 100 entries each. Raise `fullScanMaxAge`, or "
    "use several accounts or Regions; else verdicts grow too old, and become unknown.",
    _OURS,
)

OUTSIDE: Final = OwnCode(
    "RKD1401",
    "A path leads out of the spec tree",
    "Only files below the tree belong to the revision that is applied.",
    _OURS,
)
NO_MATCH: Final = OwnCode(
    "RKD1402",
    "A path or pattern matches no file",
    "A missing file must not read as `nothing is desired`.",
    _OURS,
)
NOT_LINES: Final = OwnCode(
    "RKD1408",
    "An entries file that is not JSON Lines",
    "JSON in another form (an array, objects over several lines, or several on one), a table, YAML, or a page in "
    "HTML. One object a line is needed: `reconciler convert FORMAT FILE -o OUT` writes it.",
    "JSON Lines",
)
NAMED_TWICE: Final = OwnCode(
    "RKD1403", "A file is named twice", "It is read once; drop one of the two mentions.", _OURS
)
EMPTY_ENTRIES: Final = OwnCode(
    "RKD1404",
    "An entries file is empty",
    "It may have been cut. Set `policy.allowEmpty: true` if it is meant.",
    _OURS,
)
CUT: Final = OwnCode(
    "RKD1405",
    "An entries file ends in the middle of a line",
    "It seems half-written: the last line is neither ended by a newline nor complete JSON. The "
    "whole dataset waits for the complete file.",
    _OURS,
)
NOT_ENTRIES: Final = OwnCode(
    "RKD1406",
    "A YAML file without an Entries document",
    "A .yaml file under `entries` holds the shorthand: `kind: Entries`.",
    _OURS,
)
UNUSED: Final = OwnCode(
    "RKD1407",
    "An Entries document that no dataset names",
    "Its images belong to no dataset. Name the file under `spec.entries`.",
    _OURS,
)

IMAGE_ADDRESS: Final = OwnCode(
    "RKD1501",
    "An image that has no S3 address",
    "`image` is a key below `base`, or a whole s3:// address. `convert` takes no path of Windows, no padded name "
    "and none without .jpg, .jpeg or .png: the message names the expected form, and the flag that gives it.",
    _OURS,
)
REPEATED_LABEL: Final = OwnCode(
    "RKD1502", "A label is repeated on one image", "Each label needs to be given once.", _OURS
)
NO_SIZE: Final = OwnCode(
    "RKD1503",
    "Boxes without the size of the image",
    "A bounding-box line must state width and height of its image.",
    "Developer guide, object localization in manifest files",
)

OTHER_FORMAT: Final = OwnCode(
    "RKD1601",
    "An input that does not conform to its format",
    "It cannot be parsed, or its outer shape is that of another format. Nothing of the file is read.",
    _OURS,
)
BAD_RECORD: Final = OwnCode(
    "RKD1602",
    "A record that cannot be read",
    "A field is missing or of the wrong type. The image it belongs to is not converted.",
    _OURS,
)
NO_IMAGE: Final = OwnCode(
    "RKD1603",
    "Labels of an image that is not there",
    "They name an image that the input does not list, or a label file has no image beside it.",
    _OURS,
)
NO_CLASS: Final = OwnCode(
    "RKD1604",
    "A class without a name",
    "The number of a class is not among those that the input names, or no names were found.",
    _OURS,
)
NO_BOX: Final = OwnCode(
    "RKD1605",
    "An object that is no upright box",
    "A polygon, a mask, keypoints, a turned box, or a crowd region on an image that has nothing else. Leaving it "
    "out would teach that nothing is there; `--polygons box` and `--crowd` say what else may be done.",
    _OURS,
)
LEFT_OUT: Final = OwnCode(
    "RKD1606",
    "Something that a line cannot carry",
    "Crowd regions, masks beside boxes, verdicts of verification jobs. The rest of the image is converted.",
    _OURS,
)
NO_HEADER: Final = OwnCode(
    "RKD1607",
    "An image whose size cannot be read",
    "It is cut, or neither PNG nor JPEG, which is all that Custom Labels takes.",
    "Developer guide, guidelines and quotas",
)
TURNED: Final = OwnCode(
    "RKD1608",
    "A photograph that is stored turned",
    "Its EXIF orientation swaps width and height. Boxes are taken to be those of the image as it is shown; "
    "whether the service turns it is not documented.",
    _OURS,
)
NO_RECORDS: Final = OwnCode(
    "RKD1609",
    "An input without images",
    "Nothing is written: an empty file would read as a dataset that is meant to be empty.",
    _OURS,
)
BAD_DATE: Final = OwnCode(
    "RKD1610",
    "A date that cannot be read",
    "It is taken as not given, and `--created-at` stands in for it.",
    _OURS,
)
WHICH_ADJUSTED: Final = OwnCode(
    "RKD1611",
    "Boxes of several labelling jobs, one of which was adjusted",
    "An adjustment repeats the boxes of another attribute, and does not say of which. `--attribute` says "
    "what is kept.",
    "SageMaker guide, label adjustment",
)

SPEC_CODES: Final[tuple[OwnCode, ...]] = tuple(
    sorted(value for value in list(globals().values()) if isinstance(value, OwnCode))
)
"""Every code of this module, in order."""
