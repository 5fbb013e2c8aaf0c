"""Faults on demand, seen through boto3."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from reconciler.emulator.behaviour.faults import ANSWERS, Fault, Kind
from reconciler.emulator.testing import client
from tests.emulator.builders import boxed, dataset, describe, error_of, labelled, listed, refs, update


@pytest.mark.parametrize("kind", sorted(set(ANSWERS) - {Kind.EXPIRED_PAGE_TOKEN}))
def test_a_refusal_has_the_documented_code_and_status_and_no_effect(rekognition, emulator, kind):
    """Every form in which the service says no; once, unless ordered otherwise."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=kind, operations=frozenset(["UpdateDatasetEntries"])))
    code, message, status = ANSWERS[kind]

    with pytest.raises(ClientError) as error:
        update(rekognition, arn, labelled("a.jpg", "rose"))

    response = error.value.response
    names = {"user": "arn:aws:iam::111122223333:user/emulator", "operation": "UpdateDatasetEntries"}
    assert (code, message.format(**names, resource=arn), status) == (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )
    assert [] == listed(rekognition, arn)
    update(rekognition, arn, labelled("a.jpg", "rose"))


def test_a_fault_waits_its_turn_and_comes_back(rekognition, emulator):
    """After two calls, every second one, three times."""
    emulator.faults.add(
        Fault(kind=Kind.THROTTLE, operations=frozenset(["DescribeProjects"]), after=2, every=2, times=3)
    )

    def outcome() -> str:
        try:
            rekognition.describe_projects()
        except ClientError:
            return "x"
        return "."

    assert "..x.x.x..." == "".join(outcome() for _ in range(10))


def test_a_cut_before_the_effect_loses_the_call(rekognition, emulator):
    """The client cannot tell it from the next case."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=Kind.CUT_BEFORE))

    with pytest.raises(ConnectionClosedError):
        update(rekognition, arn, labelled("a.jpg", "rose"))

    assert [] == listed(rekognition, arn)


def test_a_cut_after_the_effect_loses_only_the_answer(rekognition, emulator):
    """The update was made, and the client does not know."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=Kind.CUT_AFTER))

    with pytest.raises(ConnectionClosedError):
        update(rekognition, arn, labelled("a.jpg", "rose"))

    assert ["a.jpg"] == refs(listed(rekognition, arn))


def test_an_answer_may_break_off_in_the_middle(rekognition, emulator):
    """Half a page arrives; botocore takes what it cannot parse for an empty answer, without any error."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(100)))
    emulator.faults.add(Fault(kind=Kind.CUT_INSIDE))

    assert {"ResponseMetadata"} == set(rekognition.list_dataset_entries(DatasetArn=arn))


def test_an_answer_may_be_something_else_altogether(rekognition, emulator):
    """A page of some proxy in place of JSON."""
    emulator.faults.add(Fault(kind=Kind.GARBAGE))

    answer = rekognition.describe_projects()

    assert {"ResponseMetadata"} == set(answer)


def test_latency_delays_its_own_answer_alone(rekognition_emulator, rekognition, emulator):
    """Another call passes meanwhile."""
    emulator.faults.add(Fault(kind=Kind.LATENCY, operations=frozenset(["DescribeProjects"]), seconds=0.3))
    start = time.perf_counter()
    rekognition.describe_projects()

    assert time.perf_counter() - start >= 0.3


@pytest.mark.parametrize(
    ("kind", "code"), [(Kind.FAIL_SERVICE, "SERVICE_ERROR"), (Kind.FAIL_CLIENT, "CLIENT_ERROR")]
)
def test_an_operation_may_fail_after_it_was_accepted(rekognition, emulator, kind, code):
    """The status says so, and the dataset takes the next update."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=kind, operations=frozenset(["UpdateDatasetEntries"])))
    update(rekognition, arn, labelled("a.jpg", "rose"))
    failed = describe(rekognition, arn)

    assert ("UPDATE_FAILED", code) == (failed["Status"], failed["StatusMessageCode"])
    assert [] == listed(rekognition, arn)
    update(rekognition, arn, labelled("a.jpg", "rose"))
    assert "UPDATE_COMPLETE" == describe(rekognition, arn)["Status"]


def test_a_creation_may_fail_and_then_only_be_deleted(rekognition, emulator):
    """CREATE_FAILED neither lists nor updates."""
    emulator.faults.add(Fault(kind=Kind.FAIL_CLIENT, operations=frozenset(["CreateDataset"])))
    arn = dataset(rekognition)

    assert "CREATE_FAILED" == describe(rekognition, arn)["Status"]
    assert "ResourceNotReadyException" == error_of(lambda: listed(rekognition, arn))
    assert "InvalidParameterException" == error_of(lambda: update(rekognition, arn, labelled("a", "b")))
    rekognition.delete_dataset(DatasetArn=arn)
    assert "ResourceNotFoundException" == error_of(lambda: describe(rekognition, arn))


def test_a_slow_operation_takes_longer_by_its_seconds(rekognition, emulator):
    """Meanwhile a second update and a deletion are refused."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=Kind.SLOW, operations=frozenset(["UpdateDatasetEntries"]), seconds=90))
    update(rekognition, arn, labelled("a.jpg", "rose"))

    emulator.clock.advance(89)
    assert "UPDATE_IN_PROGRESS" == describe(rekognition, arn)["Status"]
    assert "ResourceInUseException" == error_of(lambda: update(rekognition, arn, labelled("b", "rose")))
    assert "ResourceInUseException" == error_of(lambda: rekognition.delete_dataset(DatasetArn=arn))
    emulator.clock.advance(1)
    assert "UPDATE_COMPLETE" == describe(rekognition, arn)["Status"]


def test_a_poison_line_fails_every_update_that_carries_it(rekognition, emulator):
    """Until it is cleared; the others pass."""
    arn = dataset(rekognition)
    number = emulator.faults.add(Fault(kind=Kind.POISON, source_refs=frozenset(["s3://bucket/b.jpg"])))
    for sent in (["a", "b"], ["b"], ["a", "c"]):
        update(rekognition, arn, *(labelled(f"{ref}.jpg", "rose") for ref in sent))

    assert ["a.jpg", "c.jpg"] == refs(listed(rekognition, arn))
    emulator.faults.clear(number)
    update(rekognition, arn, labelled("b.jpg", "rose"))
    assert ["a.jpg", "c.jpg", "b.jpg"] == refs(listed(rekognition, arn))


def test_a_poison_pair_fails_only_together(rekognition, emulator):
    """Either line alone passes."""
    arn = dataset(rekognition)
    pair = frozenset(["s3://bucket/a.jpg", "s3://bucket/b.jpg"])
    emulator.faults.add(Fault(kind=Kind.POISON_TOGETHER, source_refs=pair))
    update(rekognition, arn, labelled("a.jpg", "rose"), labelled("b.jpg", "rose"))
    assert [] == listed(rekognition, arn)

    update(rekognition, arn, labelled("a.jpg", "rose"))
    update(rekognition, arn, labelled("b.jpg", "rose"))

    assert ["a.jpg", "b.jpg"] == refs(listed(rekognition, arn))


def test_a_good_line_may_vanish_in_silence(rekognition, emulator):
    """The update is complete, and the line is nowhere."""
    arn = dataset(rekognition)
    emulator.faults.add(Fault(kind=Kind.DROP, source_refs=frozenset(["s3://bucket/0.jpg"])))
    update(rekognition, arn, *(labelled(f"{i}.jpg", "rose") for i in range(6)))

    assert "UPDATE_COMPLETE" == describe(rekognition, arn)["Status"]
    assert ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"] == refs(listed(rekognition, arn))


def test_a_page_token_may_expire_between_two_pages(rekognition, emulator):
    """The first page has no token and is not hit."""
    arn = dataset(rekognition, *(labelled(f"{i}.jpg", "rose") for i in range(5)))
    emulator.faults.add(Fault(kind=Kind.EXPIRED_PAGE_TOKEN))

    assert "InvalidPaginationTokenException" == error_of(
        lambda: listed(rekognition, arn, PaginationConfig={"PageSize": 2})
    )


def test_the_console_user_acts_between_two_pages(rekognition, emulator):
    """Between the first and the second page somebody moves a box on the second."""
    arn = dataset(rekognition, *(boxed(f"{i}.jpg", ("rose", 1, 1, 20, 20)) for i in range(4)))
    action = {"do": "move_box", "dataset": arn, "source_ref": "s3://bucket/3.jpg", "dx": 7}
    emulator.faults.add(
        Fault(kind=Kind.CONSOLE_AFTER, operations=frozenset(["ListDatasetEntries"]), action=action)
    )

    lines = listed(rekognition, arn, PaginationConfig={"PageSize": 2})

    assert [1, 1, 1, 8] == [line["BB"]["annotations"][0]["left"] for line in lines]


def test_the_clock_may_jump(rekognition, emulator):
    """Back too: timestamps go on and ARNs are never given twice."""
    first = dataset(rekognition)
    before = describe(rekognition, first)["LastUpdatedTimestamp"]
    emulator.faults.add(Fault(kind=Kind.CLOCK_JUMP, seconds=-3600))
    update(rekognition, first, labelled("a.jpg", "rose"))

    assert before < describe(rekognition, first)["LastUpdatedTimestamp"]
    assert first.rpartition("/")[2] < dataset(rekognition, kind="TEST").rpartition("/")[2]


def test_five_calls_a_second_of_each_operation_account_and_region(rekognition_emulator, emulator):
    """A bucket of five that refills steadily; other operations, accounts and Regions have their own."""
    emulator.settings = replace(emulator.settings, calls_per_second=5)
    one = client(rekognition_emulator)

    def passed(c, n: int = 8) -> int:
        return sum(1 for _ in range(n) if not _throttled(c.describe_projects))

    assert 5 == passed(one)
    assert 5 == passed(client(rekognition_emulator, region="eu-west-1"))
    assert 5 == passed(client(rekognition_emulator, access_key="999988887777"))
    assert "ResourceNotFoundException" == error_of(
        lambda: describe(one, "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1")
    )
    emulator.clock.advance(0.4)
    assert 2 == passed(one)


def _throttled(call) -> bool:
    try:
        call()
    except ClientError as exc:
        return bool(exc.response["Error"]["Code"] == "ProvisionedThroughputExceededException")
    return False


@pytest.mark.parametrize("kind", [Kind.CONSOLE_BEFORE, Kind.CONSOLE_AFTER])
def test_a_console_user_who_cannot_act_is_no_failure_of_the_service(rekognition_emulator, emulator, kind):
    """SDKs try failures again, and a test would go on without the edit that it is about."""
    action = {"do": "move_box", "dataset": "flowers/train", "source_ref": "s3://bucket/none.jpg"}
    emulator.faults.add(Fault(kind=kind, action=action))
    retrying = client(rekognition_emulator, retries={"total_max_attempts": 5})

    with pytest.raises(
        ClientError, match="the console user could not act: no dataset flowers/train"
    ) as error:
        retrying.describe_projects()

    assert 400 == error.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert [call.error for call in emulator.calls] == ["ConsoleActionFailed"]
