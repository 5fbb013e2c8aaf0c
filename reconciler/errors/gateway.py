"""Failures of calls to AWS."""

from __future__ import annotations

from typing import Final

from reconciler.errors.failures import Exit, ReconcilerError

_MOST_CHARS: Final = 2_000


class GatewayError(ReconcilerError):
    """
    AWS answered with an error, or did not answer. The botocore error is kept as the cause.

    Its text may quote an answer of any size and content: it is one printable line of at most 2,000 characters.
    """

    code = "RKD5010"
    exit_code = Exit.UNKNOWN

    def __str__(self) -> str:
        text = super().__str__()
        text = text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


class Throttled(GatewayError):
    """Too many calls, after all of the SDK's own attempts."""

    code = "RKD5011"
    retryable = True


class Unavailable(GatewayError):
    """
    No usable answer: a network fault or a server fault.

    Attributes:
        unsent: Whether the request was never sent, for lack of a connection.
        isolated: Whether other calls were answered meanwhile, so that the service is not down.
        garbled: Whether something other than the service answered, so that waiting for long is no use.
    """

    code = "RKD5012"
    retryable = True
    unsent = False
    isolated = False
    garbled = False


class DatasetBusy(GatewayError):
    """Another operation is in progress on this dataset."""

    code = "RKD5013"
    retryable = True


class ListingMoved(GatewayError):
    """The listing became invalid half-way: an expired token, or a dataset that changed meanwhile."""

    code = "RKD5014"
    retryable = True


class ListingIncomplete(GatewayError):
    """AWS counts other entries than it lists, or its listing never ends: what is not listed is not known."""

    code = "RKD5025"


class NotFound(GatewayError):
    """No such project or dataset."""

    code = "RKD5015"


class AlreadyExists(GatewayError):
    """Another client created it first."""

    code = "RKD5016"


class DatasetUnusable(GatewayError):
    """The dataset is being deleted, or its creation failed: it can be neither listed nor updated."""

    code = "RKD5017"


class Rejected(GatewayError):
    """The request itself is wrong: sending it again cannot help."""

    code = "RKD5018"


class Denied(GatewayError):
    """Credentials are missing, expired, of another account, or lack a permission."""

    code = "RKD5019"
    exit_code = Exit.DENIED


class NoCredentials(Denied):
    """The AWS SDK finds no credentials at all, so that no dataset can be observed."""

    def __init__(
        self,
        message: str = (
            "Unable to locate credentials: set AWS_PROFILE, or run `aws sso login` or `aws configure`; "
            "--local needs none"
        ),
    ) -> None:
        super().__init__(message)


class OtherRegion(Denied):
    """Another Region answered than the one that calls are signed for: a setting or the endpoint is wrong."""


class UnknownAnswer(GatewayError):
    """A code, status or shape that this version does not know. Nothing is assumed about it."""

    code = "RKD5020"
