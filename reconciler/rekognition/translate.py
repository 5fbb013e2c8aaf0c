"""Translate errors of AWS and of its SDK to those of `reconciler.errors`. No other module does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from types import ModuleType
from typing import Any, Final

import botocore.auth
import botocore.credentials
import botocore.exceptions as boto
import botocore.parsers
import botocore.signers
import botocore.tokens
from botocore.parsers import ResponseParserError

from reconciler import errors
from reconciler.core.spec.field_types import is_region
from reconciler.private import TemporaryFileError
from reconciler.rekognition.settings import blamed, on_the_way

# Every error code of botocore's model for these operations (a test holds them against it), and the codes
# that services send without modelling them.
ERRORS: Final[Mapping[str, type[errors.GatewayError]]] = {
    "AccessDeniedException": errors.Denied,
    "InternalServerError": errors.Unavailable,
    "InvalidPaginationTokenException": errors.ListingMoved,
    "InvalidParameterException": errors.Rejected,
    "InvalidS3ObjectException": errors.Rejected,
    "LimitExceededException": errors.DatasetBusy,
    "ProvisionedThroughputExceededException": errors.Throttled,
    "ResourceAlreadyExistsException": errors.AlreadyExists,
    "ResourceInUseException": errors.DatasetBusy,
    "ResourceNotFoundException": errors.NotFound,
    "ResourceNotReadyException": errors.DatasetBusy,
    "ThrottlingException": errors.Throttled,
    # Of S3.
    "InvalidBucketName": errors.Rejected,
    "NoSuchBucket": errors.NotFound,
    "NoSuchKey": errors.NotFound,
    "NoSuchVersion": errors.NotFound,
    "PermanentRedirect": errors.Rejected,
    # Not in the model.
    "AccessDenied": errors.Denied,
    "ExpiredToken": errors.Denied,
    "ExpiredTokenException": errors.Denied,
    "IDPRejectedClaim": errors.Denied,
    "IncompleteSignature": errors.Denied,
    "InvalidClientTokenId": errors.Denied,
    "InvalidIdentityToken": errors.Denied,
    "InvalidIdentityTokenException": errors.Denied,
    "InvalidSignatureException": errors.Denied,
    "MissingAuthenticationToken": errors.Denied,
    "MissingAuthenticationTokenException": errors.Denied,
    "NotAuthorized": errors.Denied,
    "OptInRequired": errors.Denied,
    "RegionDisabledException": errors.Denied,
    "RequestExpired": errors.Denied,
    "SignatureDoesNotMatch": errors.Denied,
    "UnrecognizedClientException": errors.Denied,
    "IDPCommunicationError": errors.Unavailable,
    "InternalFailure": errors.Unavailable,
    "RequestTimeout": errors.Unavailable,
    "RequestTimeoutException": errors.Unavailable,
    "ServiceUnavailable": errors.Unavailable,
    "ServiceUnavailableException": errors.Unavailable,
    "BandwidthLimitExceeded": errors.Throttled,
    "EC2ThrottledException": errors.Throttled,
    "PriorRequestNotComplete": errors.Throttled,
    "RequestLimitExceeded": errors.Throttled,
    "RequestThrottled": errors.Throttled,
    "RequestThrottledException": errors.Throttled,
    "SlowDown": errors.Throttled,
    "Throttling": errors.Throttled,
    "ThrottledException": errors.Throttled,
    "TooManyRequestsException": errors.Throttled,
    "TransactionInProgressException": errors.Throttled,
    "SerializationException": errors.Rejected,  # a value of the wrong JSON type
    "ValidationError": errors.Rejected,  # of STS
    "ValidationException": errors.Rejected,
    "UnknownOperationException": errors.Rejected,
}

# Where a code means something else than elsewhere. A project's name is in use, or the account is full:
# waiting does not help.
_OF_OPERATION: Final[Mapping[tuple[str, str], type[errors.GatewayError]]] = {
    ("CreateProject", "ResourceInUseException"): errors.AlreadyExists,
    ("CreateProject", "LimitExceededException"): errors.Rejected,
}

# What botocore raises before, instead of or after an answer: all of it (a test holds them against the SDK). The
# first that fits counts.
_DENIED: Final = (
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.ProfileNotFound,
    boto.SSOError,
    boto.LoginError,
    boto.NoAuthTokenError,
    boto.RefreshWithMFAUnsupportedError,
    boto.MetadataRetrievalError,
    boto.UnknownCredentialError,
    boto.UnknownTokenProviderError,
    boto.MissingDependencyException,  # of a way to get credentials that this installation has not
    boto.InvalidIMDSEndpointError,
    boto.InvalidIMDSEndpointModeError,
    boto.InvalidRegionError,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
)
_NOT_UNDERSTOOD: Final = (
    boto.ChecksumError,
    boto.FlexibleChecksumError,
    boto.PaginationError,
    ResponseParserError,
)
_UNAVAILABLE: Final = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.CapacityNotAvailableError,
)
# A call without a connection cannot have arrived; any other that was not answered may have.
_UNCONNECTED: Final = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)

_OF_CREDENTIALS: Final = (botocore.auth, botocore.credentials, botocore.signers, botocore.tokens)

_NO_CODE: Final = "a code is needed, and no terminal is there to ask for it"  # of mfa_serial

_HOST: Final = re.compile(r"//[\w-]+\.([^./]+)\.amazonaws\.com")

CONFIGURATION: Final = "configuration"
"""The name of creating a client, which makes no call except for credentials."""


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Raise our errors in place of those of botocore, which become their causes."""
    try:
        yield
    except boto.ClientError as exc:
        raise _of_answer(operation, exc.response) from exc
    except (errors.ReconcilerError, TemporaryFileError):
        raise
    except boto.NoCredentialsError as exc:
        raise errors.NoCredentials from exc
    except Exception as exc:
        raise _of_exception(operation, exc) from exc


def _mistyped_region(text: str) -> str:
    """Return the problem of the Region in an address of AWS that does not answer, to end a sentence."""
    found = _HOST.search(text)
    return f" ({found[1]} is not a Region such as us-east-1)" if found and not is_region(found[1]) else ""


def _of_exception(operation: str, exc: Exception) -> errors.GatewayError:
    """Return the error for an exception that is not an answer of the service."""
    match exc:
        case boto.BotoCoreError() | ResponseParserError():
            text = f"{operation}: {' '.join(str(exc).split())}"
            if isinstance(exc, _NOT_UNDERSTOOD):
                return errors.UnknownAnswer(f"{text} (perhaps a proxy answered)")
            if not isinstance(exc, _UNAVAILABLE):
                if (
                    isinstance(exc, _DENIED)
                    or operation == CONFIGURATION
                    or _came_through(exc, *_OF_CREDENTIALS)
                ):
                    return errors.Denied(f"{operation}: {blamed(exc)}{' '.join(str(exc).split())}")
                return errors.Rejected(text)
            lost = errors.Unavailable(text + _mistyped_region(text))
            lost.unsent = isinstance(exc, _UNCONNECTED)
            return lost
        case RuntimeError() if "redentials" in str(
            exc
        ):  # of the SDK when it renews credentials, and those are expired by this clock
            return errors.Denied(f"{operation}: {exc}")
        case UnicodeError() if _came_through(exc, botocore.parsers):
            return errors.UnknownAnswer(
                f"{operation}: the answer is not UTF-8: {exc} (perhaps a proxy answered)"
            )
        case (
            OSError() | UnicodeError()
        ):  # files and programs that give credentials: those of the network are botocore's
            return errors.Denied(f"{operation}: {blamed(exc)}{exc}")
        case KeyError() | IndexError() if operation != CONFIGURATION:
            return errors.UnknownAnswer(f"{operation}: the answer lacks {exc} (perhaps a proxy answered)")
        case Exception() if (
            operation == CONFIGURATION or _came_through(exc, *_OF_CREDENTIALS)
        ) and not isinstance(exc, RecursionError):  # of redirections in a circle
            reason = _NO_CODE if isinstance(exc, EOFError) else f"cannot be used: {exc}"
            named = blamed(exc, of_credentials=_came_through(exc, botocore.credentials))
            return errors.Denied(f"{operation}: {named}{reason}")
        case _:
            return errors.UnknownAnswer(f"{operation}: {_unreadable(exc)}")


def _came_through(exc: Exception, *modules: ModuleType) -> bool:
    """Return whether an exception came through modules of the SDK, such as those that read an answer."""
    names = {module.__name__ for module in modules}
    return any(frame.f_globals.get("__name__") in names for frame, _ in walk_tb(exc.__traceback__))


def _unreadable(exc: Exception) -> str:
    """Return the problem of an answer; the text of an exception inside the SDK would not help a user."""
    if isinstance(exc, RecursionError):
        return f"redirected in a circle{on_the_way()}"
    last = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(exc.__traceback__)][-1:]
    if last and last[0].startswith("botocore."):
        return f"the answer is of another shape than the API promises{on_the_way()}"
    return f"the answer cannot be read: {exc!r}"


def _of_answer(operation: str, response: Mapping[str, Any]) -> errors.GatewayError:
    known = response.get("Error", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(known.get("Code") or f"status {status}"), str(known.get("Message", ""))
    text = f"{operation}: {code}: {message}" if message else f"{operation}: {code}"
    if (kind := _OF_OPERATION.get((operation, code)) or ERRORS.get(code)) is not None:
        return kind(text)
    # An undocumented code: the status at least tells a client error from a server error.
    if status >= 500:
        return errors.Unavailable(text)
    if status == 429:
        return errors.Throttled(text)
    if status in (401, 403):
        return errors.Denied(text)
    return errors.UnknownAnswer(f"{text} (a code that this version does not know)")
