"""The codes of problems in spec files and trees, and in what `convert` reads: RKD1xxx."""

from __future__ import annotations

from typing import Final

# Trees and files
FILE_UNREADABLE: Final = "RKD1002"
NOT_TEXT: Final = "RKD1003"
BYTE_ORDER_MARK: Final = "RKD1004"
EMPTY_YAML: Final = "RKD1005"
TOO_LARGE: Final = "RKD1006"

# YAML
SYNTAX: Final = "RKD1101"
REPEATED_KEY: Final = "RKD1102"
AMBIGUOUS: Final = "RKD1103"
TAG: Final = "RKD1104"
ALIAS: Final = "RKD1105"
KEY_NOT_TEXT: Final = "RKD1106"
MERGE: Final = "RKD1107"

# Fields
API_VERSION: Final = "RKD1201"
KIND: Final = "RKD1202"
UNKNOWN_FIELD: Final = "RKD1203"
MISSING_FIELD: Final = "RKD1204"
WRONG_TYPE: Final = "RKD1205"
BAD_VALUE: Final = "RKD1206"
BAD_TARGET: Final = "RKD1207"

# Between datasets
SAME_NAME: Final = "RKD1301"
SAME_TARGET: Final = "RKD1302"
NO_SUCH_DATASET: Final = "RKD1303"
UNMATCHED: Final = "RKD1304"
TOO_MANY_TO_LIST: Final = "RKD1305"

# Entries files
OUTSIDE: Final = "RKD1401"
NO_MATCH: Final = "RKD1402"
NAMED_TWICE: Final = "RKD1403"
EMPTY_ENTRIES: Final = "RKD1404"
CUT: Final = "RKD1405"
NOT_ENTRIES: Final = "RKD1406"
UNUSED: Final = "RKD1407"
NOT_LINES: Final = "RKD1408"

# The shorthand
IMAGE_ADDRESS: Final = "RKD1501"
REPEATED_LABEL: Final = "RKD1502"
NO_SIZE: Final = "RKD1503"

# What `convert` reads
OTHER_FORMAT: Final = "RKD1601"
BAD_RECORD: Final = "RKD1602"
NO_IMAGE: Final = "RKD1603"
NO_CLASS: Final = "RKD1604"
NO_BOX: Final = "RKD1605"
LEFT_OUT: Final = "RKD1606"
NO_HEADER: Final = "RKD1607"
TURNED: Final = "RKD1608"
NO_RECORDS: Final = "RKD1609"
BAD_DATE: Final = "RKD1610"
WHICH_ADJUSTED: Final = "RKD1611"
