"""A service that misbehaves: nothing lost, everything proven, the culprit named, and no rule broken."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.blackbox.lab import Lab, Ran, image_level, mixed, ref
from tests.blackbox.standin import Dataset, HangUp, Refusal


def roses(count: int, label: str = "rose") -> list[str]:
    return [image_level(ref(n), label) for n in range(count)]


def named(ran: Ran, key: str) -> set[str]:
    return {entry["source_ref"] for entry in ran.only[key]}


def fill(lab: Lab, dataset: Dataset) -> None:
    for line in roses(40):
        lab.service.store(dataset, json.loads(line))


@pytest.fixture
def dataset(lab: Lab) -> Iterator[Dataset]:
    """Forty lines, none of them there yet."""
    lab.lines(roses(40))
    lab.spec()
    yield lab.service.make("flowers")
    lab.assert_in_order()


@pytest.mark.parametrize("partial", ["nothing", pytest.param("random", marks=pytest.mark.slow), "all"])
@pytest.mark.fault(
    "update",
    "AWS fails every update that contains one particular line",
    "that line is reported and quarantined; all others are applied",
)
def test_a_poison_line_is_isolated_and_all_others_applied(lab: Lab, dataset: Dataset, partial: str) -> None:
    lab.service.habits.poison = frozenset({ref(17)})
    lab.service.habits.partial = partial
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (7, "partial"), ran
    assert named(ran, "quarantined") == {ref(17)}
    (culprit,) = ran.only["quarantined"]
    assert culprit["origin"] == "specs/train.jsonl:18"
    assert set(dataset.entries) == {ref(n) for n in range(40)} - {ref(17)}
    assert ran.only["updates"] <= 15
    assert ran.only["updates"] == lab.service.count("UpdateDatasetEntries")


def test_a_quarantined_line_is_left_alone_until_it_is_edited(lab: Lab, dataset: Dataset) -> None:
    lab.service.habits.poison = frozenset({ref(17)})
    assert lab.apply().code == 7
    lab.service.calls.clear()
    again = lab.apply()
    assert again.code == 7, again
    assert named(again, "quarantined") == {ref(17)}
    assert lab.service.writes == []
    status = lab.run("status", "-o", "json")
    assert status.only["counts"]["quarantined"] == 1
    lab.service.habits.poison = frozenset()
    lines = roses(40)
    lines[17] = image_level(ref(17), "peony")
    lab.lines(lines)
    freed = lab.apply()
    assert (freed.code, freed.only["quarantined"]) == (0, []), freed


@pytest.mark.parametrize("partial", ["nothing", "random"])
@pytest.mark.fault(
    "update",
    "two lines fail only together",
    "both lines are reported; all others are applied",
)
def test_two_lines_that_fail_only_together(lab: Lab, dataset: Dataset, partial: str) -> None:
    lab.service.habits.poison_pairs = (frozenset({ref(3), ref(33)}),)
    lab.service.habits.partial = partial
    ran = lab.apply()
    assert ran.code in (0, 7), ran
    left = {ref(n) for n in range(40)} - set(dataset.entries)
    assert left <= {ref(3), ref(33)}
    assert named(ran, "quarantined") == left
    assert ran.code == (7 if left else 0)


def test_several_culprits_and_a_pair_at_once(lab: Lab, dataset: Dataset) -> None:
    lab.service.habits.poison = frozenset({ref(0), ref(20), ref(39)})
    lab.service.habits.poison_pairs = (frozenset({ref(5), ref(6)}),)
    lab.service.habits.partial = "random"
    ran = lab.apply()
    assert ran.code == 7, ran
    left = {ref(n) for n in range(40)} - set(dataset.entries)
    assert {ref(0), ref(20), ref(39)} <= left <= {ref(0), ref(20), ref(39), ref(5), ref(6)}
    assert named(ran, "quarantined") == left


def test_everything_poisoned(lab: Lab, dataset: Dataset) -> None:
    lab.lines(roses(6))
    lab.service.habits.poison = frozenset(ref(n) for n in range(6))
    ran = lab.apply()
    assert ran.code == 7, ran
    assert named(ran, "quarantined") == {ref(n) for n in range(6)}
    assert dataset.entries == {}


@pytest.mark.fault(
    "update",
    "AWS accepts a line and does not store it",
    "the line is reported as dropped; an update counts only after it is read back",
)
def test_a_line_that_vanishes_without_a_word_is_dropped(lab: Lab, dataset: Dataset) -> None:
    lab.service.habits.drops = frozenset({ref(8)})
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (7, "partial"), ran
    assert named(ran, "dropped") == {ref(8)}
    assert ran.only["dropped"][0]["origin"] == "specs/train.jsonl:9"
    assert (ran.only["counts"]["added"], ran.only["counts"]["updated"]) == (39, 0)


@pytest.mark.fault(
    "update",
    "AWS stores a line and marks it with errors",
    "the entry is reported with its error codes",
)
def test_a_line_stored_with_errors_is_rejected_with_its_codes(lab: Lab, dataset: Dataset) -> None:
    lab.service.habits.rejects = frozenset({ref(8)})
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (7, "partial"), ran
    (entry,) = ran.only["rejected"]
    assert (entry["source_ref"], entry["origin"]) == (ref(8), "specs/train.jsonl:9")
    assert entry["codes"] == ["ERROR_NO_VALID_LABEL_ATTRIBUTES"]
    lab.service.calls.clear()
    again = lab.apply()
    assert again.code == 7, again
    assert lab.service.writes == []


@pytest.mark.parametrize("partial", ["nothing", pytest.param("random", marks=pytest.mark.slow), "all"])
@pytest.mark.fault(
    "update",
    "AWS fails the update with SERVICE_ERROR after applying none, some or all of it",
    "the update is retried until every change is in place",
)
def test_a_fault_of_the_service_is_tried_again(lab: Lab, dataset: Dataset, partial: str) -> None:
    lab.service.habits.service_errors = 1
    lab.service.habits.partial = partial
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert len(dataset.entries) == 40


@pytest.mark.fault(
    "update",
    "the connection breaks after AWS accepted the call",
    "the update is recognised and not sent again",
)
def test_a_lost_response_is_not_a_failure(lab: Lab, dataset: Dataset) -> None:
    lab.service.fail("UpdateDatasetEntries", "hang up after the effect")
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert lab.service.resent == []


def test_an_error_answer_after_the_effect(lab: Lab, dataset: Dataset) -> None:
    """A server fault does not say that nothing was done."""

    def fault(_: dict[str, Any]) -> dict[str, Any]:
        raise Refusal("InternalServerError", "Internal server error", 500)

    lab.service.fail("UpdateDatasetEntries", fault)
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert lab.service.resent == []


def test_a_service_that_is_down_is_not_waited_for_as_long_as_an_update(lab: Lab) -> None:
    lab.lines(roses(2))
    lab.spec()
    lab.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    ran = lab.apply()  # within the two minutes that any process here is given
    assert (ran.code, ran.only["verdict"]) == (3, "unknown"), ran


@pytest.mark.fault(
    "update",
    "the connection breaks before AWS accepted the call",
    "the update is sent again",
)
def test_a_response_lost_before_the_effect(lab: Lab, dataset: Dataset) -> None:
    lab.service.fail("UpdateDatasetEntries", HangUp())
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran


THROTTLES = [
    Refusal("ProvisionedThroughputExceededException", "Provisioned Rate exceeded."),
    Refusal("ThrottlingException", "Slow down"),
    Refusal("ThrottlingException", "Service Unavailable", 500),
]
TRANSIENT = [*THROTTLES, Refusal("InternalServerError", "Internal server error", 500), HangUp()]
OPERATIONS = ["DescribeProjects", "DescribeDataset", "ListDatasetEntries", "UpdateDatasetEntries"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.fault(
    "AWS calls",
    "throttling, 500, 503 and broken connections, one after the other",
    "each call is retried with back-off until the dataset converges",
)
def test_every_passing_fault_of_every_call_is_lived_through(
    lab: Lab, dataset: Dataset, operation: str
) -> None:
    """Throttled in three forms, a server fault, a connection that closes: one after another."""
    lab.service.fail(operation, *TRANSIENT)
    ran = lab.apply()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert lab.service.faults[operation] == []


@pytest.mark.parametrize("answer", ["inuse", "notready", "stale"])
@pytest.mark.parametrize("code", ["ResourceInUseException", "LimitExceededException"])
@pytest.mark.fault(
    "update",
    "another client updates the dataset",
    "nothing is sent until that update has finished",
)
def test_an_update_of_somebody_else_is_waited_for(lab: Lab, dataset: Dataset, answer: str, code: str) -> None:
    """However a busy dataset answers, and whenever it becomes busy."""
    lab.service.habits.busy_listing = answer
    lab.service.habits.busy_update = code
    state = {"updates": 0}

    def foreign(operation: str, _: dict[str, Any]) -> None:
        """Somebody starts an update just before we list, and again just before we first update."""
        trigger = operation == "ListDatasetEntries" and state["updates"] == 0
        if (trigger or (operation == "UpdateDatasetEntries" and state["updates"] == 1)) and (
            dataset.status != "UPDATE_IN_PROGRESS"
        ):
            state["updates"] += 1
            number = state["updates"]
            lab.service.begin(
                dataset,
                "UPDATE",
                lambda: lab.service.carry_out(dataset, [{"source-ref": ref(100 + number)}]),
            )

    lab.service.before = foreign
    ran = lab.apply()
    # Our own update met the foreign one that began an instant earlier: nobody can prevent that.
    raced = "an update while UPDATE_IN_PROGRESS"
    assert lab.service.violations.count(raced) <= 1
    lab.service.violations.clear()
    assert (ran.code, ran.only["verdict"]) == (0, "converged"), ran
    assert set(dataset.entries) == {ref(n) for n in range(40)} | {ref(101), ref(102)}


def test_a_dataset_that_is_being_created_is_waited_for(lab: Lab, dataset: Dataset) -> None:
    lab.service.begin(dataset, "CREATE", lambda: None)
    lab.service.habits.busy_listing = "notready"
    assert lab.apply().code == 0


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_IN_PROGRESS", "UPDATE_ROLLED_SIDEWAYS"])
@pytest.mark.fault(
    "dataset status",
    "the status does not allow updates, or is unknown",
    "the error names the status; nothing is sent",
)
def test_an_unusable_or_unknown_status_is_named_and_nothing_is_sent(
    lab: Lab, dataset: Dataset, status: str
) -> None:
    dataset.status = status
    for ran in (lab.plan(), lab.apply()):
        assert ran.code == 3, ran
        assert status in ran.out
    assert ran.only["verdict"] == "unknown"
    assert lab.service.writes == []


def test_a_failed_update_of_the_past_is_no_obstacle(lab: Lab, dataset: Dataset) -> None:
    dataset.status, dataset.code = "UPDATE_FAILED", "CLIENT_ERROR"
    assert lab.apply().code == 0


REFUSALS = [
    ("DescribeProjects", Refusal("AccessDeniedException", "not authorized"), 8),
    ("ListDatasetEntries", Refusal("AccessDeniedException", "not authorized"), 8),
    ("UpdateDatasetEntries", Refusal("AccessDeniedException", "not authorized"), 8),
    ("DescribeDataset", Refusal("UnrecognizedClientException", "The security token is invalid."), 8),
    ("DescribeDataset", Refusal("ExpiredTokenException", "expired"), 8),
    ("DescribeProjects", Refusal("BrandNewException", "whatever"), 3),
    ("ListDatasetEntries", Refusal("BrandNewException", "whatever"), 3),
    ("UpdateDatasetEntries", Refusal("BrandNewException", "whatever"), 3),
    ("DescribeDataset", Refusal("ResourceNotFoundException", "gone"), 3),
]


@pytest.mark.parametrize(("operation", "refusal", "code"), REFUSALS)
@pytest.mark.fault(
    "AWS calls",
    "AWS refuses the call: permissions, credentials or a quota",
    "the run ends at once with the exit code of that reason",
)
def test_a_refusal_ends_the_run_with_its_own_code(
    lab: Lab, dataset: Dataset, operation: str, refusal: Refusal, code: int
) -> None:
    lab.service.fail(operation, *[refusal] * 30)
    ran = lab.apply()
    assert ran.code == code, ran
    assert ran.only["verdict"] in ("unknown", "failed")
    assert ran.only["errors"]
    assert refusal.code in ran.out
    assert dataset.entries == {}


def test_an_unexpected_refusal_of_one_update_says_what_is_in_place(lab: Lab, dataset: Dataset) -> None:
    """InvalidParameterException for the call itself tells no more than a failed update would."""
    lab.service.fail("UpdateDatasetEntries", *[Refusal("InvalidParameterException")] * 100)
    ran = lab.apply()
    assert ran.code in (3, 7), ran
    assert dataset.entries == {}
    assert ran.only["verdict"] != "converged"


@pytest.mark.fault(
    "listing",
    "AWS repeats a page token",
    "a partial listing never counts as complete",
)
def test_a_page_token_that_repeats_never_ends_in_half_a_listing(lab: Lab, dataset: Dataset) -> None:
    fill(lab, dataset)
    lab.service.habits.page = 10
    lab.service.habits.repeated_token = True
    ran = lab.plan()
    assert ran.code == 3, ran
    assert ran.only["complete"] is False
    assert ran.only["changes"] == []


@pytest.mark.fault(
    "listing",
    "a page token expires during the listing",
    "the listing starts again",
)
def test_a_token_that_dies_on_the_way_starts_the_listing_again(lab: Lab, dataset: Dataset) -> None:
    fill(lab, dataset)
    lab.service.habits.page = 10
    lab.service.fail(
        "ListDatasetEntries", None, None, Refusal("InvalidPaginationTokenException"), None, None, None
    )
    ran = lab.plan("--detailed-exitcode")
    assert (ran.code, ran.only["counts"]["unchanged"]) == (0, 40), ran


@pytest.mark.fault(
    "listing",
    "another client changes the dataset during the listing",
    "the dataset is listed again",
)
def test_a_dataset_that_changes_while_it_is_listed_is_listed_again(lab: Lab, dataset: Dataset) -> None:
    fill(lab, dataset)
    lab.service.habits.page = 10
    state = {"lists": 0}

    def foreign(operation: str, _: dict[str, Any]) -> None:
        state["lists"] += operation == "ListDatasetEntries"
        if operation == "ListDatasetEntries" and state["lists"] == 2:
            del dataset.entries[ref(0)]
            dataset.touch()

    lab.service.before = foreign
    ran = lab.plan()
    assert ran.code == 0, ran
    assert [c["source_ref"] for c in ran.only["changes"]] == [ref(0)]


@pytest.mark.fault(
    "update",
    "AWS changes a line whenever it stores it",
    "the line is reported and quarantined, not sent again and again",
)
def test_a_line_that_the_service_rewrites_each_time_is_not_fought_for_ever(
    lab: Lab, dataset: Dataset
) -> None:
    lab.lines(roses(3))

    def rewrite(fields: dict[str, Any]) -> dict[str, Any]:
        if fields["source-ref"] == ref(1):
            fields["a0"] = random.Random(len(lab.service.calls)).randrange(2, 9)
        return fields

    lab.service.habits.rewrite = rewrite
    first = lab.apply()
    assert first.code == 7, first
    assert named(first, "quarantined") | named(first, "dropped") == {ref(1)}
    for _ in range(4):
        lab.service.calls.clear()
        last = lab.apply()
        assert last.code == 7, last
    assert lab.service.writes == []


def test_no_credentials_is_exit_8(lab: Lab) -> None:
    lab.lines(roses(2))
    lab.spec()
    lab.service.make("flowers")
    env = {k: v for k, v in lab.environment().items() if not k.startswith("AWS_ACCESS") and "SECRET" not in k}
    ran = lab.run("apply", "-o", "json", env=env)
    assert ran.code == 8, ran
    assert ran.only["verdict"] in ("unknown", "failed")
    assert lab.service.calls == []


def test_a_missing_project_or_dataset_is_exit_3(lab: Lab) -> None:
    lab.lines(roses(2))
    lab.spec()
    for ran in (lab.plan(), lab.apply()):
        assert ran.code == 3, ran
        assert "flowers" in ran.only["errors"][0]["message"]
    lab.service.make("flowers", "TEST")
    assert lab.apply().code == 3
    assert lab.service.writes == []


def test_mixed_failures_over_several_batches(lab: Lab, dataset: Dataset) -> None:
    """Every kind of trouble at once, over payloads of several megabytes."""
    filler = "x" * 80_000
    lab.lines(image_level(ref(n), "rose", note=filler) for n in range(150))
    habits = lab.service.habits
    habits.poison = frozenset({ref(70)})
    habits.drops = frozenset({ref(100)})
    habits.rejects = frozenset({ref(10)})
    habits.partial = "random"
    habits.service_errors = 1
    lab.service.fail("UpdateDatasetEntries", None, "hang up after the effect", THROTTLES[0])
    lab.service.fail("DescribeDataset", None, None, None, *TRANSIENT)
    ran = lab.apply()
    assert ran.code == 7, ran
    assert named(ran, "quarantined") == {ref(70)}
    assert named(ran, "dropped") == {ref(100)}
    assert named(ran, "rejected") == {ref(10)}
    assert set(dataset.entries) == {ref(n) for n in range(150)} - {ref(70), ref(100)}


def test_a_project_found_on_a_later_page(lab: Lab, dataset: Dataset) -> None:
    """DescribeProjects is followed to its end."""
    whole = lab.service.op_DescribeProjects
    empty: dict[str, Any] = {"ProjectDescriptions": [], "NextToken": "more"}
    lab.service.op_DescribeProjects = (  # type: ignore[method-assign]
        lambda body: whole(body) if body.get("NextToken") else empty
    )
    lab.lines(mixed(3))
    assert lab.apply().code == 0


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.fault(
    "AWS calls",
    "random combinations of bad lines, AWS faults and kills",
    "every change ends in place, except those reported",
)
def test_whatever_happens_it_ends_converged_but_for_what_is_named(
    lab: Lab, dataset: Dataset, seed: int
) -> None:
    """Culprits of every kind, faults of every call, and the process killed, all at random."""
    dice = random.Random(seed)
    lab.lines(image_level(ref(n), "rose", note="x" * dice.randrange(1, 90_000)) for n in range(90))
    everything = {ref(n) for n in range(90)}
    picked = [ref(n) for n in dice.sample(range(90), 12)]
    habits = lab.service.habits
    habits.poison = frozenset(picked[: dice.randrange(3)])
    habits.poison_pairs = (frozenset(picked[3:5]),) if dice.random() < 0.5 else ()
    habits.drops = frozenset(picked[5 : 5 + dice.randrange(3)])
    habits.rejects = frozenset(picked[8 : 8 + dice.randrange(3)])
    habits.partial = dice.choice(["nothing", "random", "all"])
    habits.polls = dice.randrange(4)
    habits.service_errors = dice.randrange(2)
    habits.busy_listing = dice.choice(["inuse", "notready", "stale"])
    habits.last_token = dice.choice([None, ""])
    habits.reorder = dice.random() < 0.5
    habits.reverse_listing = dice.random() < 0.5
    for operation in OPERATIONS:
        # An update without an answer may have arrived, and is awaited for 90 s: two of them are enough.
        calls = 2 if operation == "UpdateDatasetEntries" else 6
        lab.service.fail(operation, *[dice.choice([None, None, *TRANSIENT]) for _ in range(calls)])
    lab.service.fail("UpdateDatasetEntries", dice.choice([None, "hang up after the effect"]))
    for _ in range(dice.randrange(3)):
        lab.killed("apply", call=dice.randrange(1, 9), after=dice.uniform(0, 0.2))
    ran = lab.apply()
    missing = everything - set(dataset.entries)
    trouble = missing | (habits.rejects & set(dataset.entries))
    assert missing <= habits.poison | habits.drops.union(*habits.poison_pairs), ran
    assert named(ran, "quarantined") | named(ran, "dropped") == missing, ran
    assert named(ran, "rejected") == habits.rejects
    assert (ran.code, ran.only["verdict"]) == ((7, "partial") if trouble else (0, "converged")), ran
    plan = lab.plan()
    assert {change["source_ref"] for change in plan.only["changes"]} == missing, plan
