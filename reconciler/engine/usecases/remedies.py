"""Suggest what to do about each error that a preflight meets."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from reconciler.core.preflight import Check
from reconciler.errors import (
    DatasetBusy,
    DatasetUnusable,
    Denied,
    RebuildUnfinished,
    ReconcilerError,
    Throttled,
    Unavailable,
    UnknownAnswer,
)

OF_REKOGNITION: Final = (Check.PROJECT, Check.STATUS, Check.LISTING)

# The message of any other error says what to do.
_REMEDIES: Final[Mapping[type[ReconcilerError], str]] = {
    DatasetBusy: "wait until the other operation has ended, and try again",
    DatasetUnusable: "wait until it is gone, or delete what failed, and let apply make it anew",
    Denied: "log in again, or see AWS_PROFILE and the other AWS_ variables; --local needs no account",
    RebuildUnfinished: "finish it with rebuild --resume, or take it back with rebuild --undo",
    Throttled: "others use up the calls of this account: try again later",
    Unavailable: "see the network, a proxy, AWS_ENDPOINT_URL and the Region; then try again",
    UnknownAnswer: "see whether a newer version of this tool knows it",
}


def remedy(check: Check, error: ReconcilerError, path: str, dataset: str) -> str:
    """Return what to do about the error that *check* met; empty if its own message says it."""
    if isinstance(error, Denied):
        if check is Check.ACCOUNT:
            return "use credentials, or a roleArn, of the account that is meant"
        if check is Check.ROLE:
            return "its trust policy must name this caller, with externalId if it asks for one"
        if check in OF_REKOGNITION and "AccessDenied" in str(error):
            return policy_command("read", path, dataset)
    return _REMEDIES.get(type(error), "")


def policy_command(level: str, path: str, dataset: str) -> str:
    words = ["reconciler", "iam", level, path, "--dataset", dataset]
    return f"`{shlex.join(words)}` prints the policy it needs"


def validate_command(path: str) -> str:
    return f"`{shlex.join(['reconciler', 'validate', path])}` names them all"
