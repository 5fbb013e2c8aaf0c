# ruff: noqa: N802  (methods are named after the operations that they answer)
"""
A stand-in for the dataset API of Amazon Rekognition: standard library only, told in advance how to misbehave.

Keeps a log of every call, and counts what no client may ever do.
"""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.blackbox import judge

ACCOUNT = "111122223333"
REGION = "us-east-1"
SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/,]+)/[^/]+/([^/]+)/")
WRITING = frozenset(
    {"UpdateDatasetEntries", "CreateDataset", "CreateProject", "DeleteDataset", "DeleteProject",
     "DistributeDatasetEntries", "TagResource", "UntagResource"}
)  # fmt: skip


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class HangUp(Exception):
    """The connection is closed without an answer."""


class Garbled(Exception):
    """An answer that is not what the protocol has: a proxy's page, half a document."""

    def __init__(self, text: str, status: int = 200) -> None:
        super().__init__(text)
        self.text, self.status = text, status


@dataclass
class Call:
    at: float
    operation: str
    body: dict[str, Any]
    run: int = 0
    caller: str = ""  # the access key that signed it


@dataclass
class Dataset:
    arn: str
    kind: str
    status: str = "CREATE_COMPLETE"
    code: str | None = "SUCCESS"
    message: str = "The dataset was successfully created from the manifest file."
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    entries: dict[str, str] = field(default_factory=dict)
    polls_left: int = 0
    lags_until: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    stale_pages: int = 0
    outcome: Callable[[], None] | None = None

    def touch(self) -> None:
        self.updated = max(time.time(), self.updated + 0.001)


@dataclass
class Project:
    name: str
    arn: str
    created: float = field(default_factory=time.time)
    datasets: dict[str, Dataset] = field(default_factory=dict)


@dataclass
class Habits:
    """How this service behaves where the documentation leaves it open, and what it does wrong."""

    reorder: bool = False  # keys turned round, whole numbers written as floats
    reverse_listing: bool = False
    last_token: str | None = None  # None: the key is absent
    busy_listing: str = "inuse"  # inuse | notready | stale
    busy_update: str = "ResourceInUseException"
    polls: int = 1  # looks at an update in progress before it is done
    page: int = 100
    poison: frozenset[str] = frozenset()  # an update that holds one fails by CLIENT_ERROR
    poison_pairs: tuple[frozenset[str], ...] = ()  # ... that holds all of one group
    service_errors: int = 0  # so many updates fail by SERVICE_ERROR
    partial: str = "nothing"  # what a failed update applies: nothing | random | all | good
    drops: frozenset[str] = frozenset()
    rejects: frozenset[str] = frozenset()
    repeated_token: bool = False
    endless: bool = False  # pages without entries and with new tokens
    status_lag: float = 0.0  # seconds for which DescribeDataset answers as before an update was accepted
    stale_listings: int = 0  # pages after an update that are answered as before it
    late: float = 0.0  # an update is not answered, and begins so many seconds later
    rewrite: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # on storing


class StandIn:
    """One account and Region."""

    def __init__(self, seed: int = 0, region: str = REGION) -> None:
        self.region = region
        self.habits = Habits()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.resent: list[
            str
        ] = []  # lines sent although the very same was stored: not forbidden, but a waste
        self.projects: dict[str, Project] = {}
        self.faults: dict[str, list[Any]] = {}
        self.before: Callable[[str, dict[str, Any]], None] | None = None
        self.unauthenticated = 0
        self.run = 0  # counts the processes that were started, so that each is held to its own pace
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None
        self._stamp = int(time.time() * 1000)

    # --- for tests -------------------------------------------------------------------------------------

    def make(self, project: str, kind: str = "TRAIN", lines: Iterable[str] = ()) -> Dataset:
        """Put a dataset there, as if it had always been."""
        home = self.projects.get(project) or self._project(project)
        dataset = self._dataset(home, kind)
        for line in lines:
            self.store(dataset, json.loads(line))
        return dataset

    def dataset(self, project: str, kind: str = "TRAIN") -> Dataset:
        return self.projects[project].datasets[kind]

    def entries(self, project: str, kind: str = "TRAIN") -> dict[str, dict[str, Any]]:
        """Return what is stored, without the service's own keys."""
        return {ref: _clean(json.loads(t)) for ref, t in self.dataset(project, kind).entries.items()}

    def fail(self, operation: str, *faults: Any) -> None:
        """Let the next calls of an operation go wrong, one fault each; None lets one through."""
        self.faults.setdefault(operation, []).extend(faults)

    def change(self, source_ref: str, members: dict[str, Any] | None) -> None:
        """Let somebody else set members of an entry, or delete it, wherever it is stored."""
        for home in self.projects.values():
            for dataset in home.datasets.values():
                if members is None and dataset.entries.pop(source_ref, None):
                    dataset.touch()
                elif members is not None and source_ref in dataset.entries:
                    self.store(dataset, {**json.loads(dataset.entries[source_ref]), **members})
                    dataset.touch()

    def count(self, *operations: str) -> int:
        return sum(call.operation in operations for call in self.calls)

    @property
    def writes(self) -> list[Call]:
        return [call for call in self.calls if call.operation in WRITING]

    def sent(self) -> list[list[str]]:
        """Return the lines of every update that arrived."""
        return [_lines(c.body) for c in self.calls if c.operation == "UpdateDatasetEntries"]

    def fastest(self) -> dict[str, int]:
        """Return, for each operation, the most calls of one process in any one second."""
        result: dict[str, int] = {}
        for run, operation in {(call.run, call.operation) for call in self.calls}:
            times = sorted(c.at for c in self.calls if (c.run, c.operation) == (run, operation))
            most = max(sum(t <= u < t + 1.0 for u in times) for t in times)
            result[operation] = max(most, result.get(operation, 0))
        return result

    def too_fast(self) -> dict[str, int]:
        return {operation: n for operation, n in self.fastest().items() if n > 5}

    @contextlib.contextmanager
    def running(self, *elsewhere: StandIn) -> Iterator[str]:
        """Serve on a free port of the loopback, together with those of other Regions, and give the URL."""
        others = {one.region: one for one in elsewhere}
        handler = type("Handler", (_Handler,), {"service": self, "elsewhere": others})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{self._server.server_port}"
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    # --- the wire ----------------------------------------------------------------------------------------

    def answer(self, operation: str, body: dict[str, Any], caller: str = "") -> dict[str, Any]:
        with self._lock:
            self.calls.append(Call(time.monotonic(), operation, body, self.run, caller))
            if self.before is not None:
                self.before(operation, body)
            queue = self.faults.get(operation)
            fault = queue.pop(0) if queue else None
            if isinstance(fault, Exception):
                raise fault
            work = getattr(self, f"op_{operation}", None)
            if work is None:
                raise Refusal("UnknownOperationException")
            result = work(body)
            if fault == "hang up after the effect":
                raise HangUp
            if callable(fault):
                result = fault(result)
            return dict(result)

    def op_DescribeProjects(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted = body.get("ProjectNames")
        found = [p for p in self.projects.values() if wanted is None or p.name in wanted]
        return {
            "ProjectDescriptions": [
                {
                    "ProjectArn": p.arn,
                    "CreationTimestamp": p.created,
                    "Status": "CREATED",
                    "Datasets": [
                        {
                            "CreationTimestamp": d.created,
                            "DatasetType": d.kind,
                            "DatasetArn": d.arn,
                            "Status": d.status,
                            "StatusMessage": d.message,
                            "StatusMessageCode": d.code,
                        }
                        for d in p.datasets.values()
                    ],
                }
                for p in found
            ]
        }

    def op_CreateProject(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["ProjectName"] in self.projects:
            raise Refusal("ResourceInUseException")
        return {"ProjectArn": self._project(body["ProjectName"]).arn}

    def op_CreateDataset(self, body: dict[str, Any]) -> dict[str, Any]:
        home = next((p for p in self.projects.values() if p.arn == body["ProjectArn"]), None)
        if home is None:
            raise Refusal("ResourceNotFoundException")
        if body["DatasetType"] in home.datasets:
            raise Refusal("ResourceAlreadyExistsException")
        dataset = self._dataset(home, body["DatasetType"])
        self.begin(dataset, "CREATE", lambda: None)
        return {"DatasetArn": dataset.arn}

    def op_DescribeDataset(self, body: dict[str, Any]) -> dict[str, Any]:
        dataset = self._find(body)
        if time.monotonic() < dataset.lags_until:
            return dataset.told
        dataset.told = self._described(dataset)
        return dataset.told

    def _described(self, dataset: Dataset) -> dict[str, Any]:
        self._poll(dataset)
        stored = [json.loads(text) for text in dataset.entries.values()]
        return {
            "DatasetDescription": {
                "CreationTimestamp": dataset.created,
                "LastUpdatedTimestamp": dataset.updated,
                "Status": dataset.status,
                "StatusMessage": dataset.message,
                **({"StatusMessageCode": dataset.code} if dataset.code else {}),
                "DatasetStats": {
                    "TotalEntries": len(stored),
                    "LabeledEntries": sum(map(judge.is_labeled, stored)),
                    "TotalLabels": len(set().union(*map(judge.labels_of, stored))) if stored else 0,
                    "ErrorEntries": sum("cl-errors" in fields for fields in stored),
                },
            }
        }

    def op_UpdateDatasetEntries(self, body: dict[str, Any]) -> dict[str, Any]:
        dataset = self._find(body)
        if dataset.status.endswith("IN_PROGRESS"):
            self.violations.append(f"an update while {dataset.status}")
            raise Refusal(self.habits.busy_update, "Specified resource is in use.")
        payload = base64.b64decode(body["Changes"]["GroundTruth"])
        self._inspect(dataset, payload)
        lines = [json.loads(line) for line in payload.decode().splitlines() if _is_object(line)]
        if self.habits.late:
            threading.Timer(self.habits.late, self._begin_update, (dataset, lines)).start()
            self.habits.late = 0.0
            raise HangUp
        dataset.told = self._described(dataset)
        dataset.lags_until = time.monotonic() + self.habits.status_lag
        self._begin_update(dataset, lines)
        return {}

    def op_ListDatasetEntries(self, body: dict[str, Any]) -> dict[str, Any]:
        dataset = self._find(body)
        if dataset.status.endswith("IN_PROGRESS") and self.habits.busy_listing != "stale":
            code = {"inuse": "ResourceInUseException", "notready": "ResourceNotReadyException"}
            raise Refusal(code[self.habits.busy_listing])
        if not 1 <= body.get("MaxResults", 100) <= 100:
            raise Refusal("ValidationException")
        token = body.get("NextToken") or ""
        start = 0
        if token:
            bound, _, text = token.partition("-")
            if bound != _stem(body):
                raise Refusal("InvalidPaginationTokenException")
            start = int(text)
        if self.habits.endless:
            return {"DatasetEntries": [], "NextToken": f"{_stem(body)}-{start + 1}"}
        found = self._matching(dataset, body)
        end = start + min(body.get("MaxResults", 100), self.habits.page)
        answer: dict[str, Any] = {"DatasetEntries": [self._shown(text) for text in found[start:end]]}
        if end < len(found):
            answer["NextToken"] = f"{_stem(body)}-{0 if self.habits.repeated_token else end}"
        elif self.habits.last_token is not None:
            answer["NextToken"] = self.habits.last_token
        return answer

    def op_ListDatasetLabels(self, body: dict[str, Any]) -> dict[str, Any]:
        names = [judge.labels_of(json.loads(t)) for t in self._find(body).entries.values()]
        every = sorted(set().union(*names)) if names else []
        return {
            "DatasetLabelDescriptions": [
                {"LabelName": n, "LabelStats": {"EntryCount": sum(n in s for s in names)}} for n in every
            ]
        }

    def _begin_update(self, dataset: Dataset, lines: list[dict[str, Any]]) -> None:
        with self._lock:
            if dataset.status.endswith("IN_PROGRESS"):
                return
            dataset.stale, dataset.stale_pages = dict(dataset.entries), self.habits.stale_listings
            self.begin(dataset, "UPDATE", lambda: self.carry_out(dataset, lines))

    # --- inside --------------------------------------------------------------------------------------------

    def _next_stamp(self) -> int:
        self._stamp += 1
        return self._stamp

    def _project(self, name: str) -> Project:
        arn = f"arn:aws:rekognition:{self.region}:{ACCOUNT}:project/{name}/{self._next_stamp()}"
        self.projects[name] = Project(name, arn)
        return self.projects[name]

    def _dataset(self, home: Project, kind: str) -> Dataset:
        stem = home.arn.rpartition("/")[0]
        dataset = Dataset(f"{stem}/dataset/{kind.lower()}/{self._next_stamp()}", kind)
        home.datasets[kind] = dataset
        return dataset

    def _find(self, body: dict[str, Any]) -> Dataset:
        for home in self.projects.values():
            for dataset in home.datasets.values():
                if dataset.arn == body["DatasetArn"]:
                    return dataset
        raise Refusal("ResourceNotFoundException", "no such dataset")

    def begin(self, dataset: Dataset, what: str, effect: Callable[[], None]) -> None:
        dataset.status, dataset.code, dataset.message = f"{what}_IN_PROGRESS", None, ""
        dataset.polls_left = self.habits.polls

        def done() -> None:
            dataset.status, dataset.code, dataset.message = f"{what}_COMPLETE", "SUCCESS", ""
            effect()
            dataset.touch()

        dataset.outcome = done

    def _poll(self, dataset: Dataset) -> None:
        if dataset.outcome is None:
            return
        if dataset.polls_left > 0:
            dataset.polls_left -= 1
            return
        outcome, dataset.outcome = dataset.outcome, None
        outcome()

    def carry_out(self, dataset: Dataset, lines: list[dict[str, Any]]) -> None:
        habits = self.habits
        refs = {fields["source-ref"] for fields in lines}
        poisoned = bool(refs & habits.poison) or any(pair <= refs for pair in habits.poison_pairs)
        if habits.service_errors:
            habits.service_errors -= 1
            code = "SERVICE_ERROR"
        elif poisoned:
            code = "CLIENT_ERROR"
        else:
            for fields in lines:
                self.store(dataset, fields)
            return
        dataset.status, dataset.code, dataset.message = "UPDATE_FAILED", code, "The update failed."
        bad = habits.poison.union(*habits.poison_pairs)
        for fields in lines:
            keep = {
                "nothing": False,
                "random": self._random.random() < 0.5,
                "all": True,
                "good": fields["source-ref"] not in bad,
            }[habits.partial]
            if keep and fields["source-ref"] not in habits.poison:
                self.store(dataset, fields)

    def store(self, dataset: Dataset, fields: dict[str, Any]) -> None:
        ref = fields["source-ref"]
        if ref in self.habits.drops:
            return
        fields = _clean(fields)
        if self.habits.rewrite is not None:
            fields = self.habits.rewrite(fields)
        codes = judge.model_errors(fields)
        fields["cl-metadata"] = {"is_labeled": judge.is_labeled(fields)}
        if ref in self.habits.rejects:
            codes.append("ERROR_NO_VALID_LABEL_ATTRIBUTES")
        if codes:
            fields["cl-errors"] = [{"code": code, "message": "…"} for code in codes]
        dataset.entries[ref] = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    def _inspect(self, dataset: Dataset, payload: bytes) -> None:
        """Count what no client may do."""
        if not payload or len(payload) >= 5_000_000:
            self.violations.append(f"a payload of {len(payload)} bytes")
        seen: set[str] = set()
        for line in payload.decode("utf-8").removesuffix("\n").split("\n"):
            if reason := judge.dropped(line):
                self.violations.append(f"a line that would be dropped ({reason}): {line[:200]}")
                continue
            fields = json.loads(line)
            ref = fields["source-ref"]
            if ref in seen:
                self.violations.append(f"twice in one update: {ref}")
            seen.add(ref)
            if codes := judge.model_errors(fields):
                self.violations.append(f"a bad line ({', '.join(codes)}): {line[:200]}")
            stored = dataset.entries.get(ref)
            if stored is not None and judge.same(_clean(json.loads(stored)), _clean(fields)):
                self.resent.append(ref)

    def _matching(self, dataset: Dataset, body: dict[str, Any]) -> list[str]:
        found = list((dataset.stale if self._is_stale(dataset) else dataset.entries).items())
        if self.habits.reverse_listing:
            found.reverse()
        part = body.get("SourceRefContains")
        if part is not None:
            found = [(ref, text) for ref, text in found if part in ref]
        if body.get("HasErrors"):
            found = [(ref, text) for ref, text in found if '"cl-errors"' in text]
        return [text for _, text in found]

    @staticmethod
    def _is_stale(dataset: Dataset) -> bool:
        dataset.stale_pages -= 1
        return dataset.stale_pages >= 0

    def _shown(self, text: str) -> str:
        if not self.habits.reorder:
            return text
        return json.dumps(_turned(json.loads(text)), ensure_ascii=True)


def _stem(body: dict[str, Any]) -> str:
    """Return what binds a page token to the filter that it was given for."""
    return str(zlib.crc32(str(body.get("SourceRefContains")).encode()))


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_turned(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in judge.OWN_KEYS}


def _is_object(line: str) -> bool:
    return judge.dropped(line) is None


def _lines(body: dict[str, Any]) -> list[str]:
    return base64.b64decode(body["Changes"]["GroundTruth"]).decode().removesuffix("\n").split("\n")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: StandIn
    elsewhere: Mapping[str, StandIn] = {}  # in other Regions

    def service_in(self, region: str) -> StandIn:
        return self.elsewhere.get(region, self.service)

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "")
        if not target:
            self._sts()
            return
        signed = SIGNED.match(self.headers.get("Authorization", ""))
        caller, region = signed.groups() if signed else ("", "")
        service = self.service_in(region)
        if signed is None:
            service.unauthenticated += 1
        try:
            self._reply(200, service.answer(target.rpartition(".")[2], json.loads(data or b"{}"), caller))
        except Refusal as exc:
            body = {"__type": exc.code, "Code": exc.code, "Message": exc.message, "Logref": "0"}
            self._reply(exc.status, body)
        except Garbled as garbled:
            kind = "text/html" if garbled.text.startswith("<") else "application/x-amz-json-1.1"
            self._write(garbled.status, kind, garbled.text.encode())
        except HangUp:
            self.close_connection = True
            self.connection.close()

    def _sts(self) -> None:
        with self.service._lock:
            self.service.calls.append(Call(time.monotonic(), "sts", {}))
            queue = self.service.faults.get("sts")
            fault = queue.pop(0) if queue else None
        if isinstance(fault, Garbled):
            self._write(fault.status, "text/html", fault.text.encode())
            return
        if isinstance(fault, Refusal):
            error = f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>"
            self._write(fault.status, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode())
            return
        xml = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/u</Arn><UserId>U</UserId>"
            f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult>"
            "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        )
        self._write(200, "text/xml", xml.encode())

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        self._write(status, "application/x-amz-json-1.1", json.dumps(body).encode())

    def _write(self, status: int, kind: str, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("x-amzn-RequestId", "03507c9b-7e84-11e9-9ad1-854a4567eb71")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
