"""Mapping AWS errors to our own."""

from __future__ import annotations

import inspect
from typing import Any

import botocore.exceptions as boto
import botocore.session
import pytest
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from reconciler import errors
from reconciler.rekognition import gateway, rebuilding
from reconciler.rekognition.settings import blamed, unusable_header, unusable_setting
from reconciler.rekognition.translate import ERRORS, translated

OPERATIONS = sorted({*gateway.OPERATIONS, *rebuilding.OPERATIONS})


def raised(error: Exception, operation: str = "DescribeDataset") -> errors.GatewayError:
    with pytest.raises(errors.GatewayError) as caught, translated(operation):
        raise error
    assert error is caught.value.__cause__
    return caught.value


def answer(code: str, status: int, message: str = "m") -> boto.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(response, "Op")


def modelled() -> list[tuple[str, str]]:
    model = botocore.session.get_session().get_service_model("rekognition")
    return [(name, shape.name) for name in OPERATIONS for shape in model.operation_model(name).error_shapes]


@pytest.mark.parametrize(("operation", "code"), modelled())
def test_every_error_of_the_model_is_mapped(operation: str, code: str) -> None:
    """Every error that AWS documents for these operations is mapped by its code, not by its status."""
    assert code in ERRORS
    assert not isinstance(raised(answer(code, 400), operation), errors.UnknownAnswer)


@pytest.mark.parametrize(
    "code",
    sorted(
        {*ThrottledRetryableChecker._THROTTLED_ERROR_CODES, *TransientRetryableChecker._TRANSIENT_ERROR_CODES}
    ),
)
def test_what_the_sdk_tries_again_may_be_tried_again(code: str) -> None:
    assert ERRORS[code].retryable


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", errors.Denied),
        ("ExpiredTokenException", errors.Denied),
        ("InvalidIdentityToken", errors.Denied),
        ("InternalServerError", errors.Unavailable),
        ("InvalidPaginationTokenException", errors.ListingMoved),
        ("InvalidParameterException", errors.Rejected),
        ("SerializationException", errors.Rejected),
        ("LimitExceededException", errors.DatasetBusy),
        ("ResourceInUseException", errors.DatasetBusy),
        ("ResourceNotReadyException", errors.DatasetBusy),
        ("ResourceNotFoundException", errors.NotFound),
        ("ResourceAlreadyExistsException", errors.AlreadyExists),
        ("ThrottlingException", errors.Throttled),
        ("ProvisionedThroughputExceededException", errors.Throttled),
    ],
)
@pytest.mark.parametrize("status", [400, 500])
def test_the_code_decides_whatever_the_status(
    code: str, expected: type[errors.GatewayError], status: int
) -> None:
    assert expected is type(raised(answer(code, status)))


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ResourceInUseException", errors.AlreadyExists), ("LimitExceededException", errors.Rejected)],
)
def test_a_project_is_not_busy(code: str, expected: type[errors.GatewayError]) -> None:
    """A project whose name is taken, or that is over a limit, is not busy: waiting does not help."""
    assert expected is type(raised(answer(code, 400), "CreateProject"))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, errors.Unavailable),
        (503, errors.Unavailable),
        (429, errors.Throttled),
        (401, errors.Denied),
        (403, errors.Denied),
        (400, errors.UnknownAnswer),
        (404, errors.UnknownAnswer),
        (0, errors.UnknownAnswer),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(status: int, expected: type[errors.GatewayError]) -> None:
    assert expected is type(raised(answer("BrandNewException", status)))


def test_an_error_without_any_content_is_an_unknown_answer() -> None:
    assert isinstance(raised(boto.ClientError({}, "Op")), errors.UnknownAnswer)


def test_an_error_without_a_code_is_named_by_its_status() -> None:
    """The page of a proxy has no error code: the message states its status."""
    assert "Op: status 403" == str(raised(answer("", 403, ""), "Op"))


def test_redirections_in_a_circle_are_no_answer() -> None:
    """A proxy that redirects without an end is reported as such, not as unusable credentials."""
    signer: dict[str, Any] = {"__name__": "botocore.auth"}
    exec("def sign():\n    sign()", signer)  # noqa: S102 - the SDK signs each request anew

    with (
        pytest.raises(errors.UnknownAnswer, match="PutObject: redirected in a circle"),
        translated("PutObject"),
    ):
        signer["sign"]()


@pytest.mark.parametrize("body", [b"[]", b'{"Tags": 1}'])
def test_an_answer_that_the_sdk_cannot_parse_is_reported_without_its_exception(body: bytes) -> None:
    """What Python says of it, such as that None has no attribute, means nothing to the reader."""
    model = botocore.session.get_session().get_service_model("rekognition")
    parser = botocore.parsers.create_parser("json")
    came = {"status_code": 200, "headers": {}, "body": body}

    with pytest.raises(errors.UnknownAnswer, match="L: the answer is of another shape"), translated("L"):
        parser.parse(came, model.operation_model("ListTagsForResource").output_shape)


@pytest.mark.parametrize("environ", [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/creds"}])
def test_credentials_that_a_container_gives_are_named(environ: dict[str, str]) -> None:
    """What the SDK says of an answer without a key does not say whose answer it was."""
    expected = "".join(f"{name}: " for name in environ)

    assert expected == blamed(KeyError("AccessKeyId"), environ, of_credentials=True)
    assert "" == blamed(KeyError("AccessKeyId"), environ)


def test_the_text_names_operation_code_and_message() -> None:
    assert "DescribeDataset: ResourceNotFoundException: gone" == str(
        raised(answer("ResourceNotFoundException", 400, "gone"))
    )
    assert "DescribeDataset: ResourceNotFoundException" == str(
        raised(answer("ResourceNotFoundException", 400, ""))
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (boto.NoCredentialsError(), errors.NoCredentials),
        (boto.PartialCredentialsError(provider="p", cred_var="v"), errors.Denied),
        (boto.CredentialRetrievalError(provider="p", error_msg="m"), errors.Denied),
        (boto.TokenRetrievalError(provider="p", error_msg="m"), errors.Denied),
        (boto.UnauthorizedSSOTokenError(), errors.Denied),
        (boto.ProfileNotFound(profile="p"), errors.Denied),
        (RuntimeError("Credentials were refreshed, but are still expired."), errors.Denied),
        (RuntimeError('Unable to calculate correct timezone offset for "1e18"'), errors.UnknownAnswer),
        (boto.NoRegionError(), errors.Rejected),
        (boto.InvalidRegionError(region_name="r"), errors.Denied),
        (boto.ConfigParseError(path="p"), errors.Denied),
        (boto.InvalidConfigError(error_msg="m"), errors.Denied),
        (FileNotFoundError(2, "No such file or directory", "/token"), errors.Denied),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), errors.Denied),
        (ResponseParserError("invalid XML received"), errors.UnknownAnswer),
        (boto.UndefinedModelAttributeError("m"), errors.UnknownAnswer),
        (MemoryError(), errors.UnknownAnswer),
        (boto.ParamValidationError(report="r"), errors.Rejected),
        (boto.EndpointProviderError(msg="m"), errors.Rejected),
        (boto.EndpointConnectionError(endpoint_url="u"), errors.Unavailable),
        (boto.ConnectTimeoutError(endpoint_url="u"), errors.Unavailable),
        (boto.ReadTimeoutError(endpoint_url="u"), errors.Unavailable),
        (boto.ConnectionClosedError(endpoint_url="u"), errors.Unavailable),
        (boto.SSLError(endpoint_url="u", error="e"), errors.Unavailable),
        (boto.ProxyConnectionError(proxy_url="u"), errors.Unavailable),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_errors_without_an_answer(error: Exception, expected: type[errors.GatewayError]) -> None:
    assert expected is type(raised(error))


def test_no_error_of_the_sdk_gets_through() -> None:
    """Every error of botocore is mapped, whether or not it derives from its base class."""
    for kind in vars(boto).values():
        if inspect.isclass(kind) and issubclass(kind, Exception) and not issubclass(kind, Warning):
            error = kind.__new__(kind)
            Exception.__init__(error, "m")
            if isinstance(error, boto.ClientError):
                error.response = {}
            raised(error)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("rekognition.useast1.amazonaws.com", " (useast1 is not a Region such as us-east-1)"),
        ("rekognition.eu-central-1.amazonaws.com", ""),
        ("proxy.example", ""),
    ],
)
def test_a_mistyped_region_is_named(host: str, expected: str) -> None:
    """AWS_REGION is checked by nobody, and the host that it leads to does not exist."""
    url = f"https://{host}/"
    error = boto.EndpointConnectionError(endpoint_url=url)

    assert str(raised(error)).endswith(f'endpoint URL: "{url}"{expected}')


@pytest.mark.parametrize(
    ("error", "unsent"),
    [
        (boto.EndpointConnectionError(endpoint_url="https://x", error="refused"), True),
        (boto.ConnectTimeoutError(endpoint_url="https://x", error="late"), True),
        (boto.ReadTimeoutError(endpoint_url="https://x", error="late"), False),
        (boto.ConnectionClosedError(endpoint_url="https://x"), False),
    ],
)
def test_only_a_call_without_a_connection_never_left(error: Exception, unsent: bool) -> None:
    """Only a failure to connect counts as never sent; after any other an update is not repeated at once."""
    found = raised(error)
    assert isinstance(found, errors.Unavailable)
    assert unsent is found.unsent


@pytest.mark.parametrize("error", [KeyError("Status"), IndexError("i"), TypeError("t"), ValueError("v")])
def test_an_answer_of_another_shape_is_unknown(error: Exception) -> None:
    assert isinstance(raised(error), errors.UnknownAnswer)


@pytest.mark.parametrize("error", [errors.Interrupted("stop"), errors.ListingMoved("m"), KeyboardInterrupt()])
def test_our_own_errors_pass_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, translated("Op"):
        raise error
    assert error is caught.value


def test_no_credential_that_aws_repeats_gets_into_an_error():
    """Credentials that AWS repeats are removed from errors, as these go to logs, statuses and reports."""
    key = "AKIA" + "PLANTED1" * 2
    answer = {
        "Error": {
            "Code": "InvalidSignatureException",
            "Message": f"{key}: ?X-Amz-Signature=0ff does not match",
        }
    }

    with pytest.raises(errors.Denied) as caught, translated("DescribeDataset"):
        raise boto.ClientError(answer, "DescribeDataset")

    assert (
        "DescribeDataset: InvalidSignatureException: [redacted]: ?X-Amz-Signature=[redacted] does not match"
        == str(caught.value)
    )


# Only these may pass in time: everything else is a setting, or a malformed answer.
MAY_PASS = {
    "CapacityNotAvailableError", "ConnectTimeoutError", "ConnectionClosedError", "ConnectionError",
    "EndpointConnectionError", "HTTPClientError", "IncompleteReadError", "ProxyConnectionError",
    "ReadTimeoutError", "ResponseStreamingError", "SSLError",
}  # fmt: skip


def test_only_a_fault_of_the_network_is_tried_again() -> None:
    """Only network errors are retried; a wrong setting is not."""
    kinds = [k for k in vars(boto).values() if inspect.isclass(k) and issubclass(k, boto.BotoCoreError)]
    passing = set()
    for kind in kinds:
        error = kind.__new__(kind)
        Exception.__init__(error, "m")
        if raised(error).retryable:
            passing.add(kind.__name__)

    assert MAY_PASS == passing


@pytest.mark.parametrize(
    ("error", "environ", "expected"),
    [
        (FileNotFoundError(2, "no", "/run/t"), {"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/t"},
         "AWS_WEB_IDENTITY_TOKEN_FILE: "),
        (IsADirectoryError(21, "no", "/etc"), {"AWS_WEB_IDENTITY_TOKEN_FILE": "/etc"},
         "AWS_WEB_IDENTITY_TOKEN_FILE: "),
        (IsADirectoryError(21, "no", "/run/d"), {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/run/d"},
         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "),
        (ValueError("Unsupported host 'evil'"), {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://[evil/"},
         "AWS_CONTAINER_CREDENTIALS_FULL_URI: "),
        (ValueError("Auth token value is not legal"), {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb"},
         "AWS_CONTAINER_AUTHORIZATION_TOKEN: "),
        (ValueError("Invalid endpoint: nonsense"), {"AWS_ENDPOINT_URL": "nonsense", "AWS_REGION": "x"},
         "AWS_ENDPOINT_URL: "),
        (ValueError("invalid literal for int() with base 10: ''"),
         {"AWS_METADATA_SERVICE_TIMEOUT": "", "AWS_REGION": "x"}, "AWS_METADATA_SERVICE_TIMEOUT: "),
    ],
)  # fmt: skip
def test_the_setting_is_named(error: Exception, environ: dict[str, str], expected: str) -> None:
    """The error names the setting, as a path alone does not show where it comes from."""
    assert expected == blamed(error, environ)


@pytest.mark.parametrize("value", ["AKIA\n", "x y", "\u732b", "x\r"])
@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"]
)
def test_a_credential_that_cannot_be_one_is_found_before_a_call(name: str, value: str) -> None:
    assert name in (unusable_setting({name: value}) or "")
    assert unusable_setting({name: "usual"}) is None


@pytest.mark.parametrize(
    "host", ["\udcff\udcfe", "a" * 64, "proxy..example", " ", "a b", "[::1", "[]", "", "h:99999"]
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "AWS_ENDPOINT_URL_STS"])
def test_an_address_that_has_no_possible_host_is_found_before_a_call(name: str, host: str) -> None:
    """The SDK would repeat the call for 20 seconds, and take it for an outage."""
    assert f"{name}: " in (unusable_setting({name: f"http://{host}"}) or "")
    assert unusable_setting({name: f"http://user:{'p' * 90}@proxy.example:3128"}) is None


def test_a_credential_that_cannot_be_sent_is_found_wherever_it_comes_from() -> None:
    assert "session token" in (unusable_header({"X-Amz-Security-Token": b"x\ny"}) or "")
    assert "access key" in (unusable_header({"Authorization": "AWS4 Credential=A\n/2026"}) or "")
    assert unusable_header({"Authorization": b"AWS4 Credential=A/2026, Signature=b"}) is None
