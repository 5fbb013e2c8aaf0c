"""
What a case of the table consists of; CONTRIBUTING tells how to add one.

In every text, `$DIR` is the directory of the case, `$AWS` the address of the stand-in, `$PORT` a free port, and
`$NAME` the value that `variants` gives. A text that is `$NAME` and nothing else becomes the value itself, which
may be a number or a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

TABLE = Path(__file__).parent


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Texts = Annotated[list[str], BeforeValidator(_listed)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Content(Part):
    """What a file or a dataset holds, where writing it out would be long."""

    text: str | None = None
    encoding: str = "utf-8"
    hex: str | None = None
    images: int | None = Field(None, description="so many lines, img_0000.jpg and so on")
    first: int = Field(0, description="the number of the first of these images")
    label: str = "rose"
    dataset: dict[str, Any] | None = Field(None, description="a spec; each member replaces the usual one")
    name: str = Field("d", description="the name of that dataset")


class Answer(Part):
    """How the stand-in answers one call, or `times` of them; a call without an answer is answered truly."""

    truly: bool = False
    error: str | None = Field(None, description="the code of an AWS error")
    message: str = "no"
    status: int | None = None
    raw: str | None = Field(None, description="these bytes in place of JSON")
    merge: dict[str, Any] | None = Field(None, description="members that replace those of the true answer")
    lost: bool = Field(False, description="the call takes effect and the connection is closed")
    times: int = 1


class Aws(Part):
    datasets: dict[str, str | Content | None] = Field(
        {}, description="PROJECT/TYPE: its lines; null: it is gone"
    )
    changed: dict[str, dict[str, Any] | None] = Field(
        {}, description="source-ref: members to set; null: deleted"
    )
    answers: dict[str, list[Answer]] = Field(
        {}, description="operation (or sts): answers, one after the other"
    )
    habits: dict[str, Any] = Field({}, description="lasting habits: see Habits in tests/blackbox/standin.py")


class Input(Part):
    """What happens, in the order of these fields; one of `run`, `start`, `get`, `post` and `stop` comes last."""

    files: dict[str, str | Content | None] = Field({}, description="path: text; null: deleted")
    shell: str = Field("", description="commands, for git, links and modes")
    env: dict[str, str | None] = Field({}, description="from now on; null: unset")
    aws: Aws = Aws()
    run: str | list[str] | None = Field(None, description="arguments of the command, run to its end")
    stdin: str = ""
    start: str | list[str] | None = Field(
        None, description="a command that is left running; it writes to `stdout` and `stderr`"
    )
    get: str | None = Field(
        None, description="a path of the controller on $PORT, asked until it is as expected"
    )
    post: str | None = None
    headers: dict[str, str] = {}
    body: str = ""
    stop: str | None = Field(None, description="the signal that ends what was started: TERM, KILL")


class Expected(Part):
    exit: int | list[int] | None = None
    status: int | None = Field(None, description="of HTTP")
    within: float = Field(20.0, description="seconds for `get` to become as expected")
    json_: dict[str, Any] = Field({}, alias="json", description="path, as datasets.0.verdict: value")
    out: Texts = Field([], description="texts that stdout, or the body of an answer, contains")
    out_lacks: Texts = []
    err: Texts = []
    err_lacks: Texts = []
    files: dict[str, Any] = Field({}, description="path: what its text is; {absent: true}: there is none")
    aws: dict[str, Any] = Field({}, description="PROJECT/TYPE: how many entries it holds")
    calls: dict[str, Any] = Field({}, description="operation, or `writes`: how many calls there were in all")


class Step(Part):
    input: Input
    expected: Expected = Expected()


class Case(Part):
    fault: str = Field(description="what strikes, as a user would put it; also the name of the test")
    promise: str = Field(description="what the product does then")
    report: str = Field(description="owner/repo#number, an address, or the place of a documented fact")
    slow: bool = False
    variants: list[dict[str, Any]] = [{}]
    input: Input | None = None
    expected: Expected = Expected()
    steps: list[Step] = []

    @property
    def name(self) -> str:
        return re.sub(r"\W+", "-", self.fault.lower()).strip("-")


class Area(Part):
    """One file of the table."""

    area: str = Field(description="where these faults strike")
    cases: list[dict[str, Any]]


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Return *value* with every `$NAME` replaced, in keys and texts at any depth."""
    if isinstance(value, Mapping):
        return {filled(key, names): filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    if value[:1] == "$" and value[1:] in names:
        return names[value[1:]]
    for name in sorted(names, key=len, reverse=True):
        value = value.replace(f"${name}", str(names[name]))
    return value


def areas() -> dict[str, Area]:
    """Return the whole table, by file."""
    return {
        path.stem: Area.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(TABLE.glob("*.yaml"))
    }
