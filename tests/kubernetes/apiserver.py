"""The Leases of a Kubernetes API server: resource versions, and 409 for an old one."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

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

    def holder(self, namespace: str = "reconciler", name: str = "reconciler-111122223333-us-east-1") -> str:
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
        place, _, query = path.partition("?")
        words = place.split("/")
        namespace = words[5]
        assert path.startswith(PATH.format(namespace))
        if method == "GET" and len(words) == 7:
            key, _, value = parse_qs(query)["labelSelector"][0].partition("=")
            return 200, self._listed(namespace, key, value)
        name = words[7] if len(words) > 7 else body["metadata"]["name"]
        times = [value for key, value in (body or {}).get("spec", {}).items() if key.endswith("Time")]
        if not all(map(MICRO_TIME.fullmatch, times)):
            return status(400, "BadRequest")
        with self._lock:
            return self._answer(method, (namespace, name), body)

    def _answer(self, method: str, key: tuple[str, str], body: Any) -> tuple[int, Any]:
        found = self.leases.get(key)
        match method:
            case "DELETE" if found:
                return 200, self.leases.pop(key)
            case "DELETE":
                return status(404, "NotFound")
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

    def _listed(self, namespace: str, key: str, value: str) -> dict[str, Any]:
        with self._lock:
            items = [
                lease
                for (place, _), lease in self.leases.items()
                if place == namespace and lease["metadata"].get("labels", {}).get(key) == value
            ]
        kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "LeaseList"}
        return {**kind, "metadata": {"resourceVersion": str(self._version)}, "items": items}

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
