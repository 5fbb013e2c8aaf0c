"""Receivers on the loopback that accept and refuse what the real ones do, as their documentation says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import Quiet, listening

TOKEN = "t0ken-of-the-host"
SHA = re.compile(r"[0-9a-f]{40}")


@dataclass
class Receiver:
    """
    A receiver.

    Attributes:
        accepted: What it accepted, in order.
        answers: Statuses to answer with instead, one a request, with their headers; empty for what is right.
        refused: Why it refused what it did.
        hanging: Cleared to answer nothing until it is set again.
    """

    url: str = ""
    accepted: list[Any] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    requests: int = 0
    hanging: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hanging.set()

    def judge(self, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        """Return the status and the message of the answer."""
        raise NotImplementedError

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(Quiet):
            def do_POST(self) -> None:  # noqa: N802  as the standard library wants it
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.requests += 1
                receiver.hanging.wait(30)
                if receiver.answers:
                    status, headers = receiver.answers.pop(0)
                    message = "as the test wants it"
                else:
                    (status, message), headers = receiver.judge(self.path, self.headers, body), {}
                    if status >= 300:
                        receiver.refused.append(message)
                self.send_response(status)
                text = json.dumps({"message": message}).encode()
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                with suppress(BrokenPipeError, ConnectionResetError):  # a client that gave up
                    self.end_headers()
                    self.wfile.write(text)

        return Handler


@contextmanager
def served(receiver: Receiver) -> Iterator[Receiver]:
    with listening(receiver.handler()) as url:
        receiver.url = url
        yield receiver
        receiver.hanging.set()


class GitHub(Receiver):
    """
    "Create a commit status" of GitHub's REST API.

    Source: docs.github.com/en/rest/commits/statuses; a description of more than 140 characters is a validation
    error, and a request without a user agent is refused.
    """

    @property
    def repository(self) -> str:
        return f"{self.url}/repos/acme/labels"

    def judge(self, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, "Bad credentials"
        if not headers["User-Agent"]:
            return 403, "Request forbidden by administrative rules"
        found = re.fullmatch(r"/repos/acme/labels/statuses/([^/]+)", path)
        if found is None:
            return 404, "Not Found"
        document = json.loads(body)
        if not SHA.fullmatch(found[1]):
            return 422, f"No commit found for SHA: {found[1]}"
        if document.get("state") not in ("error", "failure", "pending", "success"):
            return 422, "Validation Failed: state"
        if len(document.get("description", "")) > 140 or document.keys() - {
            "state",
            "description",
            "context",
        }:
            return 422, "Validation Failed: description is too long (maximum is 140 characters)"
        self.accepted.append((found[1], document["context"], document["state"], document["description"]))
        return 201, ""


class GitLab(Receiver):
    """
    "Set commit pipeline status" of GitLab's commits API.

    Source: docs.gitlab.com/api/commits; setting the state that a commit has is an error
    (gitlab-org/gitlab-foss#25807).
    """

    @property
    def project(self) -> str:
        return f"{self.url}/api/v4/projects/acme%2Flabels"

    def judge(self, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        if headers["PRIVATE-TOKEN"] != TOKEN:
            return 401, "401 Unauthorized"
        found = re.fullmatch(r"/api/v4/projects/acme%2Flabels/statuses/([0-9a-f]{40})", path)
        if found is None:
            return 404, "404 Project Not Found"
        document = json.loads(body)
        state, name = document.get("state"), document.get("name", "default")
        if state not in ("pending", "running", "success", "failed", "canceled", "skipped"):
            return 400, "state does not have a valid value"
        if len(document.get("description", "")) > 255:
            return 400, "description is too long (maximum is 255 characters)"
        before = [one[2] for one in self.accepted if one[:2] == (found[1], name)]
        if before and before[-1] == state == "pending":
            return (
                400,
                "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition)",
            )
        self.accepted.append((found[1], name, state, document["description"]))
        return 201, ""


class Broker(Receiver):
    """
    A receiver of CloudEvents in structured mode.

    Source: github.com/cloudevents/spec, cloudevents/spec.md and cloudevents/formats/json-format.md, version 1.0.2.
    """

    def judge(self, path: str, headers: Any, body: bytes) -> tuple[int, str]:
        if not headers["Content-Type"].startswith("application/cloudevents+json"):
            return 415, f"not a CloudEvent: {headers['Content-Type']}"
        event = json.loads(body.decode("utf-8"))
        for name in ("id", "source", "type"):
            if not (isinstance(event.get(name), str) and event[name]):
                return 400, f"{name} must be a non-empty string"
        if event.get("specversion") != "1.0":
            return 400, "specversion must be 1.0"
        if not all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in event):
            return 400, f"a name of an attribute: {sorted(event)}"
        if "subject" in event and not event["subject"]:
            return 400, "subject must be a non-empty string"
        if not re.fullmatch(r"[\w%/.~:@!$&'()*+,;=?#-]+", event["source"], re.ASCII):
            return 400, "source must be a URI reference"
        if datetime.fromisoformat(event["time"]).tzinfo is None:
            return 400, "time must have an offset"
        self.accepted.append(event | {"authorization": headers["Authorization"]})
        return 202, ""
