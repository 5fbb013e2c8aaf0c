"""The Leases of a Kubernetes API server: resource versions, and 409 for whoever comes with an old one."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.loopback import api, listening

TOKEN = "of-the-service-account"
PATH = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"

# As the real server parses a MicroTime: no more digits, and no fewer.
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@dataclass
class ApiServer:
    """
    The server's own truth.

    Attributes:
        leases: By namespace and name.
        history: Who held a lease after each write that was accepted.
        failing: The status that everything is answered with; None for what is right.
    """

    url: str = ""
    leases: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    failing: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _version: int = 100

    def holder(self, namespace: str = "reconciler", name: str = "reconciler") -> str:
        found = self.leases.get((namespace, name))
        return str(found["spec"].get("holderIdentity") or "") if found else ""

    def kubeconfig(self, place: Path) -> Path:
        """Write what a client is told of this server."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": TOKEN}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "current-context": "fake",
        }
        path = place / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        if token != f"Bearer {TOKEN}":
            return status(401, "Unauthorized")
        if self.failing is not None:
            return status(self.failing, "Broken")
        words = path.partition("?")[0].split("/")
        namespace, name = words[5], words[7] if len(words) > 7 else body["metadata"]["name"]
        assert path.startswith(PATH.format(namespace))
        times = [value for key, value in (body or {}).get("spec", {}).items() if key.endswith("Time")]
        if not all(map(MICRO_TIME.fullmatch, times)):
            return status(400, "BadRequest")
        with self._lock:
            return self._answer(method, (namespace, name), body)

    def _answer(self, method: str, key: tuple[str, str], body: Any) -> tuple[int, Any]:
        found = self.leases.get(key)
        match method:
            case "GET":
                return (200, found) if found else status(404, "NotFound")
            case "POST" if found:
                return status(409, "AlreadyExists")
            case "POST":
                return 201, self._store(key, body)
            case "PUT" if not found:
                return status(404, "NotFound")
            case "PUT" if (
                found and body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]
            ):
                return status(409, "Conflict")
            case "PUT":
                return 200, self._store(key, body)
        return status(405, "MethodNotAllowed")

    def _store(self, key: tuple[str, str], body: Any) -> dict[str, Any]:
        self._version += 1
        meta = {
            **body["metadata"],
            "namespace": key[0],
            "name": key[1],
            "resourceVersion": str(self._version),
        }
        self.leases[key] = {**body, "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta}
        self.history.append(self.holder(*key))
        return self.leases[key]


def status(code: int, reason: str) -> tuple[int, dict[str, Any]]:
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason}
    return code, {**document, "message": f"the server says {reason}", "code": code}


@contextmanager
def served() -> Iterator[ApiServer]:
    found = ApiServer()
    with listening(api(found.answer)) as found.url:
        yield found
