"""
Say what is wrong with the specs where people look: problems.py annotations|comment VALIDATE.json

`annotations` writes GitHub's workflow commands, which put a problem beside its line; `comment` writes
Markdown. Needs Python alone.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# GitHub shows ten of each kind for a step, and drops the others silently.
MAX_ANNOTATIONS = 10
MAX_LINES = 50
MAX_CHARACTERS = 300


def annotations(document: dict[str, Any]) -> Iterator[str]:
    """Give a workflow command for each problem that GitHub will show, and a plain line for each it will not."""
    shown = {"error": 0, "warning": 0}
    for problem in document["problems"]:
        severity = problem["severity"]
        shown[severity] += 1
        yield _command(problem) if shown[severity] <= MAX_ANNOTATIONS else _line(problem)


def comment(document: dict[str, Any]) -> Iterator[str]:
    """Give a comment that takes the place of the plan's."""
    problems = sorted(document["problems"], key=lambda problem: problem["severity"] != "error")
    errors = sum(problem["severity"] == "error" for problem in problems)
    warnings = len(problems) - errors
    yield "<!-- reconciler-plan -->"
    if errors and not document["datasets"]:
        yield f"### The specs could not be read: {_counted(errors, 'error')}"
    elif errors:
        yield f"### The specs are invalid: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
    else:
        yield f"### The specs are valid: {_counted(warnings, 'warning')}"
    yield ""
    yield f"{_counted(document['datasets'], 'dataset')}, {_counted(document['entries'], 'entry', 'entries')}."
    if problems:
        # Indented, so that no text from a spec can end the block it stands in.
        yield ""
        yield from (f"    {_line(problem)[:MAX_CHARACTERS]}" for problem in problems[:MAX_LINES])
    if len(problems) > MAX_LINES:
        yield ""
        yield f"and {len(problems) - MAX_LINES:,} more"


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _command(problem: dict[str, Any]) -> str:
    places = (("file", problem["file"]), ("line", problem["line"]), ("col", problem["column"]))
    given = [(name, value) for name, value in (*places, ("title", problem["code"])) if value]
    properties = ",".join(f"{name}={_escaped(str(value), also=':,')}" for name, value in given)
    return f"::{problem['severity']} {properties}::{_escaped(_message(problem))}"


def _line(problem: dict[str, Any]) -> str:
    """Return a problem as compilers write it, on one line that is not a workflow command."""
    place = ":".join(str(part) for part in (problem["file"], problem["line"], problem["column"]) if part)
    text = f"{place or 'specs'}: {problem['severity']}: {_message(problem)} ({problem['code']})"
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).replace("::", ": :")


def _message(problem: dict[str, Any]) -> str:
    about = f" [{problem['source_ref']}]" if problem.get("source_ref") else ""
    return f"{problem['message']}{about}"


def _escaped(text: str, also: str = "") -> str:
    """Write what would end a workflow command, or one of its properties, as GitHub's own toolkit does."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{also}" else c for c in text)


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in {"annotations", "comment"}:
        print(str(__doc__).strip(), file=sys.stderr)
        return 64
    text = Path(sys.argv[2]).read_text(encoding="utf-8")
    if not text:  # the command broke down; its own words are in the log
        start = "::error::" if sys.argv[1] == "annotations" else "<!-- reconciler-plan -->\n### "
        print(f"{start}The specs could not be checked. The log says why.")
        return 0
    for line in (annotations if sys.argv[1] == "annotations" else comment)(json.loads(text)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
