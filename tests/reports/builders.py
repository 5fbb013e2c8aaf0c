"""Small makers of what is reported on: each takes only what its test is about."""

from __future__ import annotations

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.calls import pack
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.diff import Action, Change
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import DatasetPlan, EntryCounts, Plan, PlanError, PlannedChange, unplanned
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.planning.withholding import ALL_CHANGES, ChangeSelection, Withheld
from reconciler.core.spec.choices import Mode
from reconciler.core.status.result import DatasetResult, EntryProblem, Verdict
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.reports.registry import RenderOptions, render
from reconciler.reports.screen import PLAIN, Screen

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1700000000000"

# Everything that a label can do to a reader: move the cursor, turn the text round, open a tag, ping somebody.
HOSTILE = "\x1b[2J\r\n\u202e\u200b```\n</details><script>alert(1)</script> @octocat | `x` **b** #1"


def rendered(document: str, form: str, report: object, screen: Screen = PLAIN, **options: object) -> bytes:
    """Render a report as the command line does."""
    return b"".join(render(document, form, report, RenderOptions(screen, **options)))


def text_of(document: str, report: object, screen: Screen = PLAIN, **options: object) -> str:
    """Render a report as text, without the end of its last line."""
    return rendered(document, "text", report, screen, **options).decode().removesuffix("\n")


def ref(name: str) -> str:
    return f"s3://acme-flowers/train/{name}.jpg"


def change(
    action: Action,
    source_ref: str,
    *fields: FieldChange,
    cause: Cause | None = None,
    line: int | None = None,
    file: str = "specs/train.jsonl",
    quarantined: Quarantined | Withheld | None = None,
) -> PlannedChange:
    """Make a change as the planner would; *quarantined* says why it is not sent: this hold, or this policy."""
    usual = {
        Action.ADD: Cause.SPEC_ADDED,
        Action.UPDATE: Cause.SPEC_CHANGED,
        Action.ORPHAN: Cause.ORPHAN,
    }
    origin = Origin(file, line) if line else None
    sent = None if quarantined or action is Action.ORPHAN else b"0" * 16
    digests = (None if action is Action.ADD else b"1" * 16, None)
    return PlannedChange(
        change=Change(action, source_ref, None, None, *digests),
        cause=cause or usual[action],
        origin=origin,
        sent=sent,
        quarantined=quarantined if isinstance(quarantined, Quarantined) else None,
        withheld=quarantined if isinstance(quarantined, Withheld) else None,
        fields=fields,
    )


def quarantined(kind: QuarantineReason, reason: str, until: float = 1_700_000_000) -> Quarantined:
    return Quarantined("", b"", kind, reason, 1, 0, until)


def add(name: str, line: int = 1, **more: object) -> PlannedChange:
    return change(Action.ADD, ref(name), line=line, **more)


def update(name: str, *fields: FieldChange, line: int = 1, **more: object) -> PlannedChange:
    return change(Action.UPDATE, ref(name), *fields, line=line, **more)


def orphan(name: str, **more: object) -> PlannedChange:
    return change(Action.ORPHAN, ref(name), **more)


def dataset(
    *changes: PlannedChange,
    name: str = "flowers-train",
    arn: str | None = ARN,
    mode: Mode = Mode.UPSERT,
    unchanged: int = 694,
    ignored: int = 0,
    guards: tuple[Guard, ...] = (),
    errors: tuple[PlanError, ...] = (),
    errored: tuple[tuple[str, tuple[str, ...]], ...] = (),
    line_bytes: int = 700,
) -> DatasetPlan:
    """Make the plan of one dataset; counts and batches follow from its changes."""
    number = {action: sum(item.action is action for item in changes) for action in Action}
    same = unchanged + ignored
    return DatasetPlan(
        name=name,
        arn=arn,
        mode=mode,
        counts=EntryCounts(
            desired=same + number[Action.ADD] + number[Action.UPDATE],
            observed=same + number[Action.UPDATE] + number[Action.ORPHAN],
            add=number[Action.ADD],
            update=number[Action.UPDATE],
            orphan=number[Action.ORPHAN],
            unchanged=unchanged,
            ignored=ignored,
        ),
        changes=tuple(sorted(changes, key=lambda item: item.source_ref)),
        batches=pack(((item, line_bytes) for item in changes if item.sent), 5_000_000),
        guards=guards,
        errors=errors,
        errored=errored,
        complete=not errors,
        exit_code=5 if errors else 0,
    )


def plan(
    *datasets: DatasetPlan, revision: str | None = None, selection: ChangeSelection = ALL_CHANGES
) -> Plan:
    return Plan(datasets, revision, selection)


def everywhere(text: str) -> Plan:
    """Make a plan that holds *text* wherever something from outside can stand."""
    return plan(
        dataset(
            add(text, 3, file=text),
            update("u" + text, FieldChange(text, text, [text]), cause=Cause.UNATTRIBUTED),
            orphan("o" + text),
            add("h" + text, quarantined=quarantined(QuarantineReason.DROPPED, text)),
            name=text,
            arn=text,
            errors=(PlanError(text, text, Origin(text, 1)),),
            errored=((text, (text,)),),
            guards=(Guard(text, text),),
        ),
        unplanned(text, [PlanError(text, text)], 3),
        revision=text,
    )


def result(
    verdict: Verdict = Verdict.CONVERGED, name: str = "flowers-train", **more: object
) -> DatasetResult:
    return DatasetResult(name=name, arn=ARN, verdict=verdict, **more)


def entry_problem(
    name: str, line: int = 4, reason: str = "it is absent", codes: tuple[str, ...] = ()
) -> EntryProblem:
    return EntryProblem(ref(name), Origin("specs/train.jsonl", line), reason, codes)


def problem(
    message: str = "box 0 lies outside the image",
    line: int = 3,
    column: int | None = 7,
    *,
    code: str = "ERROR_INVALID_BOUNDING_BOX",
    severity: Severity = Severity.ERROR,
    file: str = "specs/train.jsonl",
    source_ref: str | None = None,
) -> Problem:
    return Problem(severity, code, message, Origin(file, line, column), source_ref)
