"""
Wrong requests, and the whole answer to each.

The words are those of public transcripts: of Rekognition for blobs (aws/aws-sdk-js-v3 issue 2310) and types
(aws/aws-sdk-php issue 1863), of DynamoDB, IAM, Lambda and CloudFormation for the other constraints.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.emulator.api.constraints import compiled
from reconciler.emulator.behaviour.settings import Settings
from reconciler.emulator.behaviour.switches import InvalidRequest, Switches
from reconciler.emulator.testing import client
from tests.emulator.builders import Direct, post

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1"
PROJECT = "arn:aws:rekognition:us-east-1:111122223333:project/p/1"

ARABIC = "\u0661" * 4  # digits, but not of [0-9]
NULL = "Member must not be null"
NAME = r"Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+"
PROJECT_PATTERN = (
    r"Member must satisfy regular expression pattern:"
    r" (^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)"
)
DATASET_PATTERN = (
    r"Member must satisfy regular expression pattern: (^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project"
    r"\/[a-zA-Z0-9_.\-]{1,255}\/dataset\/(train|test)\/[0-9]+$)"
)
KEYS = (
    r"Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have"
    r" length greater than or equal to 1, Member must satisfy regular expression pattern:"
    r" ^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$]"
)
TAG_KEYS = KEYS.replace("Map keys", "Member")
VALUES = (
    r"Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have"
    r" length greater than or equal to 0, Member must satisfy regular expression pattern:"
    r" ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$]"
)
NAMES = (
    r"Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have"
    r" length greater than or equal to 1, Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+]"
)
LABELS = NAMES.replace(r"[a-zA-Z0-9_.\-]+]", ".{1,}]")
FEATURES = "Member must satisfy enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]"
TYPES = "Member must satisfy enum value set: [TRAIN, TEST]"


VERSION = {"ProjectArn": PROJECT, "VersionName": "v", "OutputConfig": {"S3Bucket": "out"}}
VERSION_PATTERN = PROJECT_PATTERN.replace(r"\/[0-9]", r"\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]")


def longer(limit: int) -> str:
    return f"Member must have length less than or equal to {limit}"


def shorter(limit: int) -> str:
    return f"Member must have length greater than or equal to {limit}"


def above(limit: int) -> str:
    return f"Member must have value less than or equal to {limit}"


def below(limit: int) -> str:
    return f"Member must have value greater than or equal to {limit}"


def manifest(**members: Any) -> dict[str, Any]:
    source = {"GroundTruthManifest": {"S3Object": members}}
    return {"ProjectArn": PROJECT, "DatasetType": "TRAIN", "DatasetSource": source}


def blob(size: int) -> str:
    return base64.b64encode(b"x" * size).decode()


def buffer(size: int) -> str:
    return f"'java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]' at 'changes.groundTruth'"


S3_NAME = "datasetSource.groundTruthManifest.s3Object.name"
S3_BUCKET = "datasetSource.groundTruthManifest.s3Object.bucket"
BUCKET_PATTERN = r"Member must satisfy regular expression pattern: [0-9A-Za-z\.\-_]*"
ELEVEN = ["a"] * 11
TOKEN = "t" * 1025

# Operation, parameters, and each value, place and constraint of the answer.
VIOLATIONS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    # Required members.
    ("CreateProject", {}, [("null at 'projectName'", NULL)]),
    ("CreateProject", {"ProjectName": None}, [("null at 'projectName'", NULL)]),
    ("DeleteProject", {}, [("null at 'projectArn'", NULL)]),
    ("CreateDataset", {}, [("null at 'datasetType'", NULL), ("null at 'projectArn'", NULL)]),
    ("CreateDataset", {"ProjectArn": PROJECT}, [("null at 'datasetType'", NULL)]),
    ("DescribeDataset", {}, [("null at 'datasetArn'", NULL)]),
    ("DescribeDataset", {"datasetArn": ARN}, [("null at 'datasetArn'", NULL)]),
    ("UpdateDatasetEntries", {}, [("null at 'datasetArn'", NULL), ("null at 'changes'", NULL)]),
    (
        "UpdateDatasetEntries",
        {"DatasetArn": ARN, "Changes": {}},
        [("null at 'changes.groundTruth'", NULL)],
    ),
    ("DistributeDatasetEntries", {}, [("null at 'datasets'", NULL)]),
    (
        "DistributeDatasetEntries",
        {"Datasets": [{"Arn": ARN}, {}]},
        [("null at 'datasets.2.member.arn'", NULL)],
    ),
    (
        "DistributeDatasetEntries",
        {"Datasets": [None, {"Arn": ARN}]},
        [("null at 'datasets.1.member'", NULL)],
    ),
    ("DeleteDataset", {}, [("null at 'datasetArn'", NULL)]),
    ("ListDatasetEntries", {}, [("null at 'datasetArn'", NULL)]),
    ("ListDatasetLabels", {"MaxResults": 5}, [("null at 'datasetArn'", NULL)]),
    ("TagResource", {}, [("null at 'resourceArn'", NULL), ("null at 'tags'", NULL)]),
    ("UntagResource", {"ResourceArn": ARN}, [("null at 'tagKeys'", NULL)]),
    # Lengths and patterns of strings.
    ("CreateProject", {"ProjectName": "a b"}, [("'a b' at 'projectName'", NAME)]),
    ("CreateProject", {"ProjectName": "a\n"}, [("'a\n' at 'projectName'", NAME)]),
    ("CreateProject", {"ProjectName": "rosé"}, [("'rosé' at 'projectName'", NAME)]),
    (
        "CreateProject",
        {"ProjectName": ""},
        [("'' at 'projectName'", NAME), ("'' at 'projectName'", shorter(1))],
    ),
    ("CreateProject", {"ProjectName": "a" * 256}, [(f"'{'a' * 256}' at 'projectName'", longer(255))]),
    ("DeleteProject", {"ProjectArn": ARN}, [(f"'{ARN}' at 'projectArn'", PROJECT_PATTERN)]),
    ("DescribeDataset", {"DatasetArn": PROJECT}, [(f"'{PROJECT}' at 'datasetArn'", DATASET_PATTERN)]),
    (
        "DescribeDataset",
        {"DatasetArn": "flowers"},
        [("'flowers' at 'datasetArn'", DATASET_PATTERN), ("'flowers' at 'datasetArn'", shorter(20))],
    ),
    (
        "DeleteDataset",
        {"DatasetArn": ARN.replace("1111", ARABIC)},
        [(f"'{ARN.replace('1111', ARABIC)}' at 'datasetArn'", DATASET_PATTERN)],
    ),
    (
        "DeleteDataset",
        {"DatasetArn": ARN + "1" * 2000},
        [(f"'{ARN + '1' * 2000}' at 'datasetArn'", longer(2048))],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "NextToken": TOKEN},
        [(f"'{TOKEN}' at 'nextToken'", longer(1024))],
    ),
    ("DescribeProjects", {"NextToken": TOKEN}, [(f"'{TOKEN}' at 'nextToken'", longer(1024))]),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "SourceRefContains": "  "},
        [("'  ' at 'sourceRefContains'", r"Member must satisfy regular expression pattern: .*\S.*")],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "SourceRefContains": "a" * 2049},
        [(f"'{'a' * 2049}' at 'sourceRefContains'", longer(2048))],
    ),
    ("CreateDataset", manifest(Bucket="ab", Name="m"), [(f"'ab' at '{S3_BUCKET}'", shorter(3))]),
    ("CreateDataset", manifest(Bucket="a b", Name="m"), [(f"'a b' at '{S3_BUCKET}'", BUCKET_PATTERN)]),
    ("CreateDataset", manifest(Bucket="abc", Name=""), [(f"'' at '{S3_NAME}'", shorter(1))]),
    (
        "CreateDataset",
        manifest(Bucket="abc", Name="m" * 1025),
        [(f"'{'m' * 1025}' at '{S3_NAME}'", longer(1024))],
    ),
    ("TagResource", {"ResourceArn": "short", "Tags": {}}, [("'short' at 'resourceArn'", shorter(20))]),
    (
        "CreateProjectVersion",
        {},
        [
            ("null at 'projectArn'", NULL),
            ("null at 'versionName'", NULL),
            ("null at 'outputConfig'", NULL),
        ],
    ),
    ("CreateProjectVersion", {**VERSION, "VersionName": "a b"}, [("'a b' at 'versionName'", NAME)]),
    (
        "CreateProjectVersion",
        {**VERSION, "OutputConfig": {"S3Bucket": "ab"}},
        [("'ab' at 'outputConfig.s3Bucket'", shorter(3))],
    ),
    (
        "CreateProjectVersion",
        {**VERSION, "TrainingData": {"Assets": [{"GroundTruthManifest": {"S3Object": {"Name": ""}}}]}},
        [("'' at 'trainingData.assets.1.member.groundTruthManifest.s3Object.name'", shorter(1))],
    ),
    (
        "DeleteProjectVersion",
        {"ProjectVersionArn": PROJECT},
        [(f"'{PROJECT}' at 'projectVersionArn'", VERSION_PATTERN)],
    ),
    # Enumerations.
    ("CreateDataset", {"ProjectArn": PROJECT, "DatasetType": "train"}, [("'train' at 'datasetType'", TYPES)]),
    ("CreateDataset", {"ProjectArn": PROJECT, "DatasetType": ""}, [("'' at 'datasetType'", TYPES)]),
    ("CreateProject", {"ProjectName": "a", "Feature": "X"}, [("'X' at 'feature'", FEATURES)]),
    (
        "CreateProject",
        {"ProjectName": "a", "AutoUpdate": "ON"},
        [("'ON' at 'autoUpdate'", "Member must satisfy enum value set: [ENABLED, DISABLED]")],
    ),
    (
        "DescribeProjects",
        {"Features": ["CUSTOM_LABELS", "X"]},
        [("'[CUSTOM_LABELS, X]' at 'features'", f"Member must satisfy constraint: [{FEATURES}]")],
    ),
    # Numbers.
    ("ListDatasetEntries", {"DatasetArn": ARN, "MaxResults": 101}, [("'101' at 'maxResults'", above(100))]),
    ("ListDatasetEntries", {"DatasetArn": ARN, "MaxResults": 0}, [("'0' at 'maxResults'", below(1))]),
    ("ListDatasetLabels", {"DatasetArn": ARN, "MaxResults": -1}, [("'-1' at 'maxResults'", below(1))]),
    ("DescribeProjects", {"MaxResults": 1000}, [("'1000' at 'maxResults'", above(100))]),
    (
        "DescribeProjectVersions",
        {"ProjectArn": PROJECT, "MaxResults": 101},
        [("'101' at 'maxResults'", above(100))],
    ),
    (
        "CreateProjectVersion",
        {**VERSION, "FeatureConfig": {"ContentModeration": {"ConfidenceThreshold": 101}}},
        [
            (
                "'101.0' at 'featureConfig.contentModeration.confidenceThreshold'",
                "Member must have value less than or equal to 100.0",
            )
        ],
    ),
    # Blobs.
    (
        "UpdateDatasetEntries",
        {"DatasetArn": ARN, "Changes": {"GroundTruth": ""}},
        [(buffer(0), shorter(1))],
    ),
    (
        "UpdateDatasetEntries",
        {"DatasetArn": ARN, "Changes": {"GroundTruth": blob(5_242_881)}},
        [(buffer(5_242_881), longer(5_242_880))],
    ),
    # Lists.
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": []},
        [("'[]' at 'containsLabels'", shorter(1))],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": ELEVEN},
        [(f"'[{', '.join(ELEVEN)}]' at 'containsLabels'", longer(10))],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": ["rose", ""]},
        [("'[rose, ]' at 'containsLabels'", LABELS)],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": ["a" * 256]},
        [(f"'[{'a' * 256}]' at 'containsLabels'", LABELS)],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": ["a\u2028b"]},
        [("'[a\u2028b]' at 'containsLabels'", LABELS)],
    ),
    (
        "ListDatasetEntries",
        {"DatasetArn": ARN, "ContainsLabels": [None]},
        [("'[null]' at 'containsLabels'", LABELS[:-1] + ", Member must not be null]")],
    ),
    ("DescribeProjects", {"ProjectNames": []}, [("'[]' at 'projectNames'", shorter(1))]),
    ("DescribeProjects", {"ProjectNames": ["a b", "c"]}, [("'[a b, c]' at 'projectNames'", NAMES)]),
    (
        "DescribeProjects",
        {"ProjectNames": ELEVEN},
        [(f"'[{', '.join(ELEVEN)}]' at 'projectNames'", longer(10))],
    ),
    (
        "DistributeDatasetEntries",
        {"Datasets": [{"Arn": ARN}]},
        [(f"'[DistributeDataset(Arn={ARN})]' at 'datasets'", shorter(2))],
    ),
    (
        "DistributeDatasetEntries",
        {"Datasets": [{"Arn": PROJECT}, {"Arn": ARN}]},
        [(f"'{PROJECT}' at 'datasets.1.member.arn'", DATASET_PATTERN)],
    ),
    # Maps, and tag keys by their real pattern.
    ("CreateProject", {"ProjectName": "a", "Tags": {"aws:x": "1"}}, [("'{aws:x=1}' at 'tags'", KEYS)]),
    ("CreateProject", {"ProjectName": "a", "Tags": {"": "1"}}, [("'{=1}' at 'tags'", KEYS)]),
    ("TagResource", {"ResourceArn": ARN, "Tags": {"a\tb": "1"}}, [("'{a\tb=1}' at 'tags'", KEYS)]),
    ("TagResource", {"ResourceArn": ARN, "Tags": {"k": "é!"}}, [("'{k=é!}' at 'tags'", VALUES)]),
    (
        "TagResource",
        {"ResourceArn": ARN, "Tags": {"k": "v" * 257}},
        [(f"'{{k={'v' * 257}}}' at 'tags'", VALUES)],
    ),
    (
        "TagResource",
        {"ResourceArn": ARN, "Tags": {"#": "!"}},
        [("'{#=!}' at 'tags'", KEYS), ("'{#=!}' at 'tags'", VALUES)],
    ),
    ("UntagResource", {"ResourceArn": ARN, "TagKeys": ["a", "#"]}, [("'[a, #]' at 'tagKeys'", TAG_KEYS)]),
    (
        "UntagResource",
        {"ResourceArn": ARN, "TagKeys": ["a"] * 201},
        [(f"'[{', '.join(['a'] * 201)}]' at 'tagKeys'", longer(200))],
    ),
    # Several at once, in the order of the model.
    (
        "ListDatasetEntries",
        {"DatasetArn": PROJECT, "MaxResults": 0, "ContainsLabels": []},
        [
            (f"'{PROJECT}' at 'datasetArn'", DATASET_PATTERN),
            ("'[]' at 'containsLabels'", shorter(1)),
            ("'0' at 'maxResults'", below(1)),
        ],
    ),
]


@pytest.mark.parametrize(("operation", "params", "wrong"), VIOLATIONS, ids=lambda value: str(value)[:60])
def test_each_violated_constraint_is_stated_in_the_words_of_the_service(operation, params, wrong):
    """Each value, place and constraint; a count before them; two members and no more."""
    answer = Direct().ask(operation, json.dumps(params).encode())
    count = "1 validation error" if len(wrong) == 1 else f"{len(wrong)} validation errors"
    stated = "; ".join(f"Value {value} failed to satisfy constraint: {text}" for value, text in wrong)

    assert 400 == answer.status
    assert {
        "__type": "ValidationException",
        "message": f"{count} detected: {stated}",
    } == json.loads(answer.body)


STRUCTURE = "Start of structure or map found where not expected."
LIST = "Start of list found where not expected"

WRONG_TYPES: list[tuple[str, Any, str]] = [
    ("DescribeDataset", {"DatasetArn": 7}, "class java.lang.Short can not be converted to an String"),
    ("DescribeDataset", {"DatasetArn": 70_000}, "class java.lang.Integer can not be converted to an String"),
    ("DescribeDataset", {"DatasetArn": 2**31}, "class java.lang.Long can not be converted to an String"),
    ("DescribeDataset", {"DatasetArn": 0.5}, "class java.lang.Double can not be converted to an String"),
    ("DescribeDataset", {"DatasetArn": True}, "class java.lang.Boolean can not be converted to an String"),
    ("DescribeDataset", {"DatasetArn": []}, LIST),
    ("DescribeDataset", {"DatasetArn": {}}, STRUCTURE),
    ("DescribeProjects", {"MaxResults": "5"}, "class java.lang.String can not be converted to an Integer"),
    ("DescribeProjects", {"MaxResults": True}, "class java.lang.Boolean can not be converted to an Integer"),
    ("DescribeProjects", {"ProjectNames": "flowers"}, "Expected list or null"),
    ("DescribeProjects", {"ProjectNames": {}}, STRUCTURE),
    ("DescribeProjects", {"ProjectNames": [1]}, "class java.lang.Short can not be converted to an String"),
    ("CreateProject", {"ProjectName": "a", "Tags": "x"}, "Expected map or null"),
    ("CreateProject", {"ProjectName": "a", "Tags": []}, LIST),
    ("CreateDataset", {"DatasetSource": "s3://b/k"}, "Expected null"),
    ("CreateDataset", {"DatasetSource": []}, LIST),
    ("ListDatasetEntries", {"HasErrors": "yes"}, "class java.lang.String can not be converted to an Boolean"),
    (
        "UpdateDatasetEntries",
        {"Changes": {"GroundTruth": 1}},
        "class java.lang.Short can not be converted to a Blob",
    ),
    (
        "UpdateDatasetEntries",
        {"Changes": {"GroundTruth": "abcde"}},
        (
            "'abcde' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes"
            " but found: 5"
        ),
    ),
    (
        "UpdateDatasetEntries",
        {"Changes": {"GroundTruth": "no:b"}},
        "'no:b' can not be converted to a Blob: Invalid Base64 character: ':'",
    ),
    ("DescribeProjects", [], LIST),
    ("DescribeProjects", 7, "Expected null"),
]


@pytest.mark.parametrize(("operation", "body", "message"), WRONG_TYPES, ids=lambda value: str(value)[:60])
def test_a_value_of_another_type_is_a_serialization_exception(operation, body, message):
    """Before any constraint is looked at, and with a capital letter in the name of its message."""
    answer = Direct().ask(operation, json.dumps(body).encode())

    assert 400 == answer.status
    assert {"__type": "SerializationException", "Message": message} == json.loads(answer.body)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"{'a': 1}", b'{"MaxResults": NaN}'])
def test_a_body_that_is_not_json_has_no_message(body):
    """As Firehose and DynamoDB answer it."""
    assert {"__type": "SerializationException"} == json.loads(Direct().ask("DescribeProjects", body).body)


def test_the_headers_are_those_of_the_documented_example(rekognition_emulator):
    """Content type and request id; the type of the error stands in the body alone."""
    status, headers, answer = post(rekognition_emulator.url, b"{}", "RekognitionService.DescribeDataset")

    assert (400, "application/x-amz-json-1.1") == (status, headers["Content-Type"])
    assert 36 == len(headers["x-amzn-RequestId"])
    assert "x-amzn-ErrorType" not in headers
    assert {"__type", "message"} == answer.keys()


def test_boto3_shows_code_and_message(rekognition_emulator):
    """Of a request that it was asked not to check itself."""
    unchecked = client(rekognition_emulator, parameter_validation=False)
    for params, code, message in (
        ({}, "ValidationException", "Value null at 'datasetArn' failed"),
        ({"DatasetArn": 7}, "SerializationException", "can not be converted to an String"),
    ):
        with pytest.raises(ClientError) as error:
            unchecked.describe_dataset(**params)
        assert code == error.value.response["Error"]["Code"]
        assert message in error.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("operation", "params", "_"), [*VIOLATIONS, *WRONG_TYPES], ids=lambda value: str(value)[:60]
)
def test_a_switch_keeps_the_documented_exception(operation, params, _):
    """InvalidParameterException with four members, but for page sizes beyond 100."""
    direct = Direct()
    direct.emulator.settings = Settings(switches=Switches(invalid_request=InvalidRequest.INVALID_PARAMETER))
    answer = json.loads(direct.ask(operation, json.dumps(params).encode()).body)

    if isinstance(params, dict) and type(params.get("MaxResults")) is int and params["MaxResults"] > 100:
        assert {"__type", "message"} == answer.keys()
        assert "ValidationException" == answer["__type"]
    elif isinstance(params, dict):
        assert "InvalidParameterException" == answer["__type"] == answer["Code"]
        assert "Request has invalid parameters." == answer["Message"]
        assert {"__type", "Code", "Message", "Logref"} == answer.keys()


def test_unknown_members_and_fractions_of_numbers_are_ignored():
    """2.5 results are 2, as Athena has it."""
    direct = Direct()
    for name in ("a", "b", "c"):
        direct.call("CreateProject", ProjectName=name)

    page = direct.call("DescribeProjects", MaxResults=2.5, Unknown={"x": 1})
    assert 2 == len(page["ProjectDescriptions"])


def test_unicode_categories_of_patterns_are_those_of_unicode():
    """No control characters among separators, no marks among letters, in any plane with letters."""
    everything = "".join(map(chr, range(0x110000)))
    expected = "".join(c for c in everything if unicodedata.category(c)[0] in "LZN")

    assert expected == "".join(compiled(r"[\p{L}\p{Z}\p{N}]").findall(everything))
