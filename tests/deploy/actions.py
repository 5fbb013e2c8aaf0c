"""Just enough of a runner to run a composite action's steps on this machine, and a stand-in for GitHub's API."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.loopback import api, listening

ROOT = Path(__file__).parent.parent.parent
TOKEN = "ghs_of-this-run"
BOT = "github-actions[bot]"


class GitHub:
    """
    The comments of pull requests.

    Attributes:
        writable: Whether the token may write.
        comments: By the number of the pull request, oldest first.
        calls: What was asked: method and path.
    """

    def __init__(self) -> None:
        self.writable = True
        self.comments: dict[int, list[dict[str, Any]]] = {7: []}
        self.calls: list[tuple[str, str]] = []

    def add(self, body: str, author: str = BOT) -> dict[str, Any]:
        number = 1 + sum(map(len, self.comments.values()))
        made = {"id": number, "body": body, "user": {"login": author}}
        self.comments[7].append(made)
        return made

    def bodies(self, author: str = BOT) -> list[str]:
        return [comment["body"] for comment in self.comments[7] if comment["user"]["login"] == author]

    def answer(self, method: str, url: str, token: str | None, body: Any) -> tuple[int, Any]:
        parts = urlsplit(url)
        self.calls.append((method, parts.path))
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if method != "GET" and not self.writable:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "GET" and parts.path == "/repos/acme/datasets/issues/7/comments":
            query = {key: int(values[0]) for key, values in parse_qs(parts.query).items()}
            start = (query["page"] - 1) * query["per_page"]
            return 200, self.comments[7][start : start + query["per_page"]]
        if method == "POST" and parts.path == "/repos/acme/datasets/issues/7/comments":
            return 201, self.add(body["body"])
        if method == "PATCH" and (
            found := re.fullmatch(r"/repos/acme/datasets/issues/comments/(\d+)", parts.path)
        ):
            comment = next(c for c in self.comments[7] if c["id"] == int(found[1]))
            comment["body"] = body["body"]
            return 200, comment
        return 404, {"message": "Not Found"}

    @contextmanager
    def served(self) -> Iterator[str]:
        with listening(api(self.answer)) as url:
            yield url


@dataclass
class Result:
    """
    How a run of the action went.

    Attributes:
        code: Of the first step that failed, else 0.
        said: What each step wrote to stdout and stderr.
        outputs: Of the action.
        uploaded: What was handed to the artifact step.
    """

    code: int = 0
    said: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)


@dataclass
class Runner:
    """
    A checkout, and the surroundings that GitHub gives to a step.

    Attributes:
        variables: Of the job: credentials, endpoints.
    """

    workspace: Path
    temp: Path
    variables: dict[str, str]

    @property
    def summary(self) -> Path:
        return self.temp / "summary.md"

    def run(self, *, skip: tuple[str, ...] = (), **inputs: str) -> Result:
        """Run the action's steps in order, as their conditions say."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        given = {name: spec.get("default", "") for name, spec in action["inputs"].items()} | inputs
        values = {
            f"inputs.{name}": value.replace("${{ github.token }}", TOKEN) for name, value in given.items()
        }
        result = Result()
        for step in action["runs"]["steps"]:
            if step["name"] in skip or not self._wanted(step.get("if"), values, failed=bool(result.code)):
                continue
            if "uses" in step:
                assert step["uses"].startswith("actions/upload-artifact@")
                result.uploaded.append(filled(step["with"]["path"], values))
                continue
            done, outputs = self._step(step, values)
            result.said[step["name"]] = done.stdout + done.stderr
            result.code = result.code or done.returncode
            values |= {f"steps.{step.get('id')}.outputs.{key}": value for key, value in outputs.items()}
        for name, spec in action["outputs"].items():
            result.outputs[name] = filled(spec["value"], values)
        return result

    def _step(
        self, step: dict[str, Any], values: Mapping[str, str]
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        assert "${{" not in step["run"], "an input in the text of a script can be a script"
        assert "bash" == step["shell"]
        file = self.temp / "outputs"
        file.write_text("")
        own = {name: filled(text, values) for name, text in step.get("env", {}).items()}
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(file),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**given, **self.variables, **own},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done, dict(line.split("=", 1) for line in file.read_text().splitlines())

    @staticmethod
    def _wanted(condition: str | None, values: Mapping[str, str], *, failed: bool) -> bool:
        """Judge a condition made of `!cancelled()` and comparisons joined by `&&`; without one, all went well."""
        if condition is None:
            return not failed
        terms = condition.removeprefix("${{").removesuffix("}}").strip().split(" && ")
        assert terms.pop(0) == "!cancelled()"
        for term in terms:
            name, operator, text = term.split()
            if (values.get(name, "") == text.strip("'")) != (operator == "=="):
                return False
        return True


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put values where expressions stand; what is not known is empty, as it is for GitHub."""
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: values.get(match[1], ""), text)
