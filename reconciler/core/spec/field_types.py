"""
What documents are built of: parts with fields, and the kinds of value that fields hold.

Each kind has a pattern for editors and words for people.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from reconciler.core.runtime.quotas import MAX_LABEL_CHARS

_Item = TypeVar("_Item")

_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = r"^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?$"
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_REGION: Final = r"^[a-z]{2}(-[a-z]+)+-[0-9]+$"
_DATE_TIME: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?$"
)


class Part(BaseModel):
    """A mapping of a document: strict, so that nothing is converted and nothing unknown is allowed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


# A closed set or a list may be given as YAML has it: as text, as a sequence.
def choice(default: Any, description: str) -> Any:
    return Field(default, strict=False, description=description)


def described(description: str, default: Any = ..., **more: Any) -> Any:
    return Field(default, description=description, **more)


def list_field(description: str, default: Any = (), **more: Any) -> Any:
    return Field(default, strict=False, description=description, **more)


class Matching(Struct, frozen=True):
    """
    A field's text must match a pattern whole.

    Attributes:
        words: What the pattern stands for, as the rest of a sentence that starts with "must be".
        max_length: The most characters, for editors.
    """

    pattern: str
    words: str
    max_length: int | None = None

    def check(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise refusal(f"must be {self.words}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        longest = {} if self.max_length is None else {"maxLength": self.max_length}
        return {**handler(schema), "pattern": self.pattern, **longest}


def refusal(words: str) -> PydanticCustomError:
    """Return the error of a validator. *words* follow the name of the field: "must be …"."""
    # They go in as a value: braces in them are not placeholders.
    return PydanticCustomError("refused", "{words}", {"words": words})


def parse_duration(text: object) -> int:
    """
    Return the seconds that a duration such as ``90s``, ``5m`` or ``1h30m`` stands for.

    Raises:
        PydanticCustomError: It is not a duration, or zero.
    """
    seconds = 0
    if isinstance(text, str) and re.fullmatch(_DURATION, text):
        seconds = sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"([0-9]+)([dhms])", text))
    if seconds == 0:
        raise refusal("must be a duration above zero with its unit, such as 90s, 5m or 1h30m")
    return seconds


def format_duration(seconds: int) -> str:
    """Write whole seconds as a spec does, largest unit first: the inverse of `parse_duration`."""
    text = ""
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text


def is_region(text: str) -> bool:
    """Return whether *text* has the form of the name of an AWS Region."""
    return re.fullmatch(_REGION, text) is not None


def is_moment(text: str) -> bool:
    """Return whether *text* is a date and time as a spec writes it."""
    if re.fullmatch(_DATE_TIME, text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def moment_like(text: str) -> str:
    """Return an example of a date and time; for a date alone, its first second."""
    return f"{text}T00:00:00" if is_moment(f"{text}T00:00:00") else "2026-03-01T12:00:00"


def _moment(text: str) -> str:
    if is_moment(text):
        return text
    raise refusal(f"must be a date and time such as {moment_like(text)}")


def _day(text: str) -> str:
    if re.fullmatch(_DATE, text):
        try:
            date.fromisoformat(text)
        except ValueError:
            pass
        else:
            return text
    raise refusal("must be a date such as 2026-12-31")


def _until(text: str) -> str:
    return text if is_moment(text) else _day(text)


def _cron(text: str) -> str:
    """Check the five fields of cron; a sixth would count seconds."""
    from cronsim import CronSim, CronSimError  # few datasets have windows

    if len(text.split()) == 5:
        try:
            CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as exc:
            raise refusal(f"must be a time of cron such as 0 9 * * 1-5: {str(exc).lower()}") from None
        return text
    raise refusal("must be the five fields of cron, such as 0 9 * * 1-5")


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise refusal("must be the IANA name of a time zone, such as Europe/Berlin") from None
    return text


def _not_empty(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    if not items:
        raise refusal("must hold at least one item")
    return items


NotEmpty: Final = AfterValidator(_not_empty)

Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION, "examples": ["90s", "5m", "1h30m"]}),
]
Moment = Annotated[str, AfterValidator(_moment), WithJsonSchema({"type": "string", "pattern": _DATE_TIME})]
Day = Annotated[str, AfterValidator(_day), WithJsonSchema({"type": "string", "pattern": _DATE})]
Until = Annotated[
    str, AfterValidator(_until), WithJsonSchema({"type": "string", "pattern": f"{_DATE}|{_DATE_TIME}"})
]
Cron = Annotated[
    str, AfterValidator(_cron), WithJsonSchema({"type": "string", "pattern": r"^\s*(\S+\s+){4}\S+\s*$"})
]
TimeZone = Annotated[str, AfterValidator(_time_zone), WithJsonSchema({"type": "string", "minLength": 1})]
Name = Annotated[
    str,
    Matching(
        r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        "a DNS label: at most 63 of a-z, 0-9 and “-”, with a letter or digit first and last",
    ),
]
# The patterns of AWS's own shapes (botocore's models: ProjectName, DatasetArn, roleArnType, …).
ProjectName = Annotated[
    str,
    Matching(r"^[a-zA-Z0-9_.\-]{1,255}$", "a project name: at most 255 of a-z, A-Z, 0-9 and “_.-”"),
]
Region = Annotated[str, Matching(_REGION, "an AWS Region such as us-east-1")]
AccountId = Annotated[str, Matching(r"^[0-9]{12}$", "the 12 digits of an AWS account, in quotes")]
DatasetArn = Annotated[
    str,
    Matching(
        r"^arn:[a-z0-9-]+:rekognition:[a-z0-9-]+:[0-9]{12}"
        r":project/[a-zA-Z0-9_.\-]{1,255}/dataset/(train|test)/[0-9]+$",
        "a dataset's ARN: arn:aws:rekognition:REGION:ACCOUNT:project/NAME/dataset/train/NUMBER",
    ),
]
RoleArn = Annotated[
    str,
    Matching(
        r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]{1,512}$",
        "a role's ARN: arn:aws:iam::ACCOUNT:role/NAME",
    ),
]
ExternalId = Annotated[
    str,
    Matching(
        r"^[a-zA-Z0-9_+=,.@:/-]{2,1224}$",
        "an external id: 2 to 1224 letters, digits and “_+=,.@:/-”",
    ),
]
S3Base = Annotated[
    str,
    Matching(
        r"^s3://[A-Za-z0-9._\-]+(/.*)?$",  # as a source-ref: the same address must not pass in one place only
        "an S3 address such as s3://bucket/prefix/",
    ),
]
S3Object = Annotated[
    str,
    Matching(
        r"^s3://[A-Za-z0-9._\-]+/(.|\n)+$", "the S3 address of one object, such as s3://bucket/train.manifest"
    ),
]
Sha256 = Annotated[
    str,
    Matching(
        r"^[0-9a-fA-F]{64}$", "the 64 hexadecimal digits that sha256sum prints, in quotes if all are 0-9"
    ),
]
SourceGlob = Annotated[
    str,
    Matching(
        r"^(s3://.+|\*.*)$",
        "a pattern over whole s3:// addresses, such as s3://bucket/golden/**",
    ),
]
FieldGlob = Annotated[
    str,
    Matching(
        r"^(/[^/]+)+$",
        "a path of fields from the top of a line, such as /*-metadata/creation-date",
    ),
]
Text = Annotated[str, Matching(r"^[\s\S]+$", "text that is not empty")]
LabelName = Annotated[
    str,
    # Its length is judged with all other rules of AWS, under AWS's own code.
    Matching(r"^[\s\S]+$", "text that is not empty", MAX_LABEL_CHARS),
]
