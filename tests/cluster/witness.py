"""Two Regions of an AWS that is not the emulator, and a watch on who sends what while holding which lease."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.blackbox.standin import ACCOUNT, WRITING, StandIn
from tests.cluster.server import ADMINISTRATOR, Cluster

REGIONS = ("us-east-1", "eu-west-1")
PER_SECOND = 5
LATE = 1
"""
Calls that a window may hold beyond its limit: one is counted where it arrives, and may arrive later than the pace
at which it was sent, and so in the window of those after it.
"""


@dataclass(frozen=True)
class Accepted:
    """An update that the service accepted."""

    at: float
    caller: str
    arn: str
    digest: str


class Region(StandIn):
    """One partition. Every update is compared with the lease at the moment at which it arrives."""

    def __init__(self, region: str, leases: Leases) -> None:
        super().__init__(region=region)
        self.leases = leases
        self.accepted: list[Accepted] = []
        self.usurped: list[str] = []

    def answer(self, operation: str, body: dict[str, Any], caller: str = "") -> dict[str, Any]:
        if operation in WRITING and (reason := self.leases.objection(self.region, caller)):
            self.usurped.append(f"{operation} by {caller}: {reason}")
        result = super().answer(operation, body, caller)
        if operation == "UpdateDatasetEntries":
            digest = hashlib.sha256(body["Changes"]["GroundTruth"].encode()).hexdigest()
            self.accepted.append(Accepted(time.monotonic(), caller, body["DatasetArn"], digest))
        return result

    @property
    def doubles(self) -> list[tuple[str, str]]:
        """Return every batch that was accepted more than once."""
        counts = Counter((one.arn, one.digest) for one in self.accepted)
        return [key for key, number in counts.items() if number > 1]

    def crowded(self) -> dict[tuple[str, float], int]:
        """Return the most calls of an operation in 1 s and in 10 s, of all callers, if too many."""
        found = {}
        for operation in {call.operation for call in self.calls} - {"sts"}:
            times = sorted(call.at for call in self.calls if call.operation == operation)
            for window in (1.0, 10.0):
                most = max(sum(t <= u < t + window for u in times) for t in times)
                if most > PER_SECOND * window + LATE:
                    found[operation, window] = most
        return found


@dataclass
class Leases:
    """
    The leases of a fleet, as the API server has them.

    Attributes:
        seconds: How long each lasts after a renewal.
    """

    cluster: Cluster
    namespace: str
    seconds: float
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def objection(self, region: str, caller: str) -> str | None:
        """Return why *caller* must not write in a Region now; None if it holds the lease."""
        spec = self.read(region)
        holder = spec.get("holderIdentity", "").partition("_")[0]
        if holder != caller:
            return f"the lease is held by {holder or 'no replica'}"
        renewed = datetime.fromisoformat(spec["renewTime"]).timestamp()
        age = time.time() - renewed
        return None if age < self.seconds else f"its lease was renewed {age:.1f} s ago"

    def read(self, region: str) -> dict[str, Any]:
        """Return the lease of a Region; while the API server does not answer, what it said last."""
        name = f"reconciler-{ACCOUNT}-{region}"
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{name}"
        headers = {"Authorization": f"Bearer {ADMINISTRATOR}"}
        request = urllib.request.Request(self.cluster.url + path, headers=headers)  # noqa: S310  loopback
        context = ssl.create_default_context(cafile=self.cluster.place / "certs" / "apiserver.crt")
        try:
            with urllib.request.urlopen(request, timeout=0.5, context=context) as answer:  # noqa: S310
                self.known[region] = json.load(answer)["spec"]
        except OSError:
            pass
        return self.known.get(region, {})

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Read them several times a second, so that the last state before a freeze is known."""
        ending = threading.Event()

        def watch() -> None:
            while not ending.wait(0.1):
                for region in REGIONS:
                    self.read(region)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()
