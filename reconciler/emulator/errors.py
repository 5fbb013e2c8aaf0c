"""Errors of the emulated service."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus


class ServiceError(Exception):
    """
    An error answer.

    Attributes:
        code: Error code for clients, such as ``ResourceInUseException``.
        message: Text for humans.
        status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = int(status)


def invalid_parameter() -> ServiceError:
    return ServiceError("InvalidParameterException", "Request has invalid parameters.")


def in_use() -> ServiceError:
    return ServiceError("ResourceInUseException", "Specified resource is in use.")


def not_found(arn: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"The resource {arn} was not found.")


def not_ready() -> ServiceError:
    return ServiceError("ResourceNotReadyException", "The requested resource isn't ready.")


def already_exists(what: str) -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", f"{what} already exists.")


def limit_exceeded(what: str) -> ServiceError:
    return ServiceError("LimitExceededException", what)


def bad_token() -> ServiceError:
    return ServiceError("InvalidPaginationTokenException", "Invalid Pagination Token")


def bad_s3_object() -> ServiceError:
    return ServiceError(
        "InvalidS3ObjectException",
        "Unable to get object metadata from S3. Check object key, region and/or access permissions.",
    )


def serialization(message: str) -> ServiceError:
    return ServiceError("SerializationException", message)


def validation(violations: Sequence[str]) -> ServiceError:
    """Return the error that states each violated constraint."""
    errors = "1 validation error" if len(violations) == 1 else f"{len(violations)} validation errors"
    return ServiceError("ValidationException", f"{errors} detected: {'; '.join(violations)}")
