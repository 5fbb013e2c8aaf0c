"""Records of CloudTrail in the envelope of EventBridge: each test states only what it is about."""

from __future__ import annotations

import json
from typing import Any

ARN = "arn:aws:rekognition:us-east-1:111122223333:project/flowers/dataset/train/1700000000000"
ALICE = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:alice",
    "arn": "arn:aws:sts::111122223333:assumed-role/Admin/alice",
    "accountId": "111122223333",
}


def envelope(**changes: Any) -> dict[str, Any]:
    """An event; the changes replace members of its detail."""
    detail = {
        "eventVersion": "1.11",
        "userIdentity": ALICE,
        "eventTime": "2026-03-01T12:00:00Z",
        "eventSource": "rekognition.amazonaws.com",
        "eventName": "UpdateDatasetEntries",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"datasetArn": ARN},
        "responseElements": None,
        "requestID": "request-1",
        "eventID": "event-1",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    }
    return {
        "version": "0",
        "id": "envelope-1",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.rekognition",
        "account": "111122223333",
        "time": "2026-03-01T12:00:03Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail | changes,
    }


def record(**changes: Any) -> str:
    """The same as the text of a message."""
    return json.dumps(envelope(**changes))
