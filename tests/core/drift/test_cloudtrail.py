"""What is read from a record of CloudTrail, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift.cloudtrail import MAX_BYTES, Unreadable, is_about, parse
from reconciler.core.drift.foreign_calls import AddressClass, PrincipalKind
from reconciler.core.spec.choices import DatasetType
from reconciler.core.spec.documents import Target
from tests.core.drift.records import ARN, envelope, record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
TRAIN = Target(project="flowers", type=DatasetType.TRAIN)
TEST = Target(project="flowers", type=DatasetType.TEST)

# userIdentity in the forms of the CloudTrail user guide, and what people read of them.
PRINCIPALS: list[tuple[dict[str, Any], str]] = [
    ({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ops/bob", "userName": "bob"}, "user bob"),
    (
        {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/bob"},
        "user arn:aws:iam::111122223333:user/bob",
    ),
    (
        {"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"},
        "the root user of account 111122223333",
    ),
    (
        {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Label_1234/ann@example.com",
            "sessionContext": {"sessionIssuer": {"userName": "AWSReservedSSO_Label_1234"}},
        },
        "role AWSReservedSSO_Label_1234/ann@example.com",
    ),
    ({"type": "Role", "arn": "arn:aws:iam::111122223333:role/Admin"}, "role Admin"),
    (
        {"type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/eve"},
        "federated user eve",
    ),
    (
        {"type": "AWSService", "invokedBy": "sagemaker.amazonaws.com"},
        "the AWS service sagemaker.amazonaws.com",
    ),
    ({"accountId": "111122223333", "invokedBy": "AWS Internal"}, "the AWS service AWS Internal"),
    ({"type": "AWSAccount", "accountId": "444455556666", "principalId": "AIDA"}, "account 444455556666"),
    ({"type": "IdentityCenterUser", "accountId": "111122223333"}, "federated user 111122223333"),
    ({"type": "Unknown"}, "an unknown principal"),
    ({}, "an unknown principal"),
]


@pytest.mark.parametrize(("identity", "expected"), PRINCIPALS, ids=[text for _, text in PRINCIPALS])
def test_the_principal_is_named_as_people_know_it(identity, expected):
    """Each type of userIdentity gives a name, whatever it lacks."""
    found = parse(record(userIdentity=identity))

    assert found is not None
    assert expected == found.call.caller


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", AddressClass.PUBLIC),
        ("2600:1f18::1", AddressClass.PUBLIC),
        ("10.1.2.3", AddressClass.PRIVATE),
        ("172.31.0.1", AddressClass.PRIVATE),
        ("100.64.0.9", AddressClass.PRIVATE),
        ("fd00::1", AddressClass.PRIVATE),
        ("AWS Internal", AddressClass.SERVICE),
        ("cloudformation.amazonaws.com", AddressClass.SERVICE),
        ("sagemaker.amazonaws.com.cn", AddressClass.SERVICE),
        ("evil.example", AddressClass.UNKNOWN),
        ("", AddressClass.UNKNOWN),
        (None, AddressClass.UNKNOWN),
    ],
)
def test_only_the_class_of_the_address_is_kept(address, expected):
    """Who called from inside the network, through a service, or from outside."""
    found = parse(record(sourceIPAddress=address))

    assert found is not None
    assert expected is found.call.address
    assert "198.51.100.7" not in repr(found)


def test_time_and_identity_are_those_of_the_record():
    """The event ID is CloudTrail's: one call delivered twice, by two trails, is one call."""
    found = parse(record(errorCode="AccessDenied"))

    assert found is not None
    assert ("event-1", NOON) == (found.call.id, found.call.at)
    assert ("111122223333", "us-east-1", "request-1", "AccessDenied") == (
        found.account,
        found.region,
        found.request_id,
        found.failed,
    )


def test_a_call_that_changes_no_entries_is_nothing():
    """A rule may be wider than it must be."""
    assert parse(record(eventName="DetectLabels")) is None


@pytest.mark.parametrize(
    ("operation", "changes", "datasets", "projects"),
    [
        ("UpdateDatasetEntries", {"requestParameters": {"datasetArn": ARN}}, (ARN,), ()),
        ("DeleteDataset", {"requestParameters": {"datasetArn": ARN}}, (ARN,), ()),
        (
            "DistributeDatasetEntries",
            {"requestParameters": {"datasets": [{"arn": ARN}, {"arn": ARN.replace("train", "test")}]}},
            (ARN, ARN.replace("train", "test")),
            (),
        ),
        (
            "CreateDataset",
            {
                "requestParameters": {
                    "projectArn": "arn:aws:rekognition:us-east-1:111122223333:project/flowers/1700000000000",
                    "datasetType": "TRAIN",
                },
                "responseElements": {"datasetArn": ARN},
            },
            (ARN,),
            ("flowers",),
        ),
        ("CreateProject", {"requestParameters": {"projectName": "flowers"}}, (), ("flowers",)),
        ("UpdateDatasetEntries", {"requestParameters": None, "resources": [{"ARN": ARN}]}, (ARN,), ()),
        ("UpdateDatasetEntries", {"requestParameters": {"omitted": True}}, (), ()),
        ("UpdateDatasetEntries", {"requestParameters": {"datasetArn": "arn:aws:s3:::bucket"}}, (), ()),
    ],
)
def test_datasets_and_projects_are_read_wherever_the_operation_names_them(
    operation, changes, datasets, projects
):
    """Each operation has members of its own; CloudTrail leaves out parameters that are too large."""
    found = parse(record(eventName=operation, **changes))

    assert found is not None
    assert (datasets, projects) == (found.datasets, found.projects)


@pytest.mark.parametrize(
    ("changes", "target", "arn", "expected"),
    [
        ({}, TRAIN, ARN, True),
        ({}, TRAIN, None, True),
        ({}, TRAIN, ARN.replace("1700000000000", "1600000000000"), True),  # created again meanwhile
        ({}, TRAIN, ARN.replace("us-east-1", "eu-west-1"), False),
        ({}, TRAIN, ARN.replace("111122223333", "444455556666"), False),
        ({}, TEST, None, False),
        ({}, Target(project="trees", type=DatasetType.TRAIN), None, False),
        ({}, Target(project="flowers", type=DatasetType.TRAIN, region="eu-west-1"), None, False),
        ({}, Target.model_validate({"datasetArn": ARN}), None, True),
        ({"requestParameters": None}, Target(project="trees", type=DatasetType.TEST), None, True),
        ({"requestParameters": None, "awsRegion": "eu-west-1"}, TRAIN, ARN, False),
        ({"requestParameters": {"projectName": "flowers"}}, TEST, None, True),
    ],
)
def test_a_call_is_about_the_datasets_it_names_or_all_of_the_region_if_it_names_none(
    changes, target, arn, expected
):
    """A hint that could be about a dataset is, and one of another account or Region is not."""
    found = parse(record(**changes))

    assert found is not None
    assert expected is is_about(found, target, arn)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "not JSON"),
        ("hello", "not JSON"),
        ("[" * 5000, "not JSON"),
        ("[]", "not a JSON object"),
        (json.dumps({"Type": "Notification", "Message": "{}"}), "detail-type"),
        (json.dumps(envelope() | {"detail": None}), "no detail"),
        (json.dumps(envelope() | {"detail-type": "Scheduled Event"}), "detail-type"),
        (record(eventSource="s3.amazonaws.com"), "eventSource"),
        (record(eventTime="yesterday"), "eventTime"),
        (record(eventTime="1970-01-01T00:00:00Z"), "not of this century"),
        (record(eventTime="1999-12-31T23:59:59Z"), "not of this century"),
        (record(eventTime="2100-01-01T00:00:00Z"), "not of this century"),
        (record(eventID=None).replace('"id": "envelope-1"', '"id": 1'), "eventID"),
        (record(recipientAccountId="<script>"), "account"),
        (record(awsRegion="a b"), "awsRegion"),
        ('"' + "x" * MAX_BYTES + '"', "larger"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_record_is_refused_with_a_reason(body, expected):
    """The reason is logged, since the rule or the queue is set up wrongly."""
    with pytest.raises(Unreadable, match=expected):
        parse(body)


@pytest.mark.parametrize("time", ["2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z"])
def test_a_time_of_this_century_is_read(time):
    found = parse(record(eventTime=time))

    assert found is not None
    assert datetime.fromisoformat(time).timestamp() == found.call.at


def test_names_are_cut_and_printable():
    """Terminals and pages show them, and any principal that may write to the queue chooses them."""
    found = parse(record(userIdentity={"type": "IAMUser", "userName": "\x1b[2Jx\n" + "y" * 5000}))

    assert found is not None
    assert found.call.principal.isprintable()
    assert 200 == len(found.call.principal)


def test_a_long_user_agent_still_has_its_end():
    """Programs put their names there, after those of the SDK."""
    found = parse(record(userAgent="Boto3/1 " * 60 + "rekognition-dataset-reconciler"))

    assert found is not None
    assert found.agent.endswith("rekognition-dataset-reconciler")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.just(ARN),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["arn", "ARN", "datasetArn", "type", "datasets", "projectName"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(envelope()["detail"])), ANYTHING), ANYTHING, st.booleans())
def test_no_record_whatever_its_members_fails_otherwise(changes, other, replaced):
    """A message gives a call, nothing, or a reason: it never stops the controller."""
    body = envelope(**changes) | ({"detail": other} if replaced else {})
    try:
        found = parse(json.dumps(body))
    except Unreadable:
        return
    if found is not None:
        assert is_about(found, TRAIN, None) in (True, False)


@pytest.mark.parametrize("kind", PrincipalKind)
def test_every_kind_of_principal_has_words(kind):
    """A report has a phrase for each."""
    found = parse(record())

    assert found is not None
    assert "UpdateDatasetEntries by " in found.call._replace(kind=kind).text
