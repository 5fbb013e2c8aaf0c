"""What doctor asks of AWS. Nothing of it writes."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from reconciler.core.spec.choices import DatasetType
from reconciler.ports.gateway import Description, Located


class Identity(NamedTuple):
    """The caller, as STS reports it."""

    account: str
    arn: str


class Access(Protocol):
    """
    Whether Rekognition can be reached in one account and Region. No call of it writes.

    Every method may raise a `errors.GatewayError`; none raises anything else on purpose.
    """

    @property
    def region(self) -> str: ...

    @property
    def region_from(self) -> str:
        """Return, for people, which setting chose this Region."""
        ...

    @property
    def assumes(self) -> bool:
        """Return whether calls are made as an assumed role."""
        ...

    def caller(self) -> Identity:
        """Return whose credentials were found."""
        ...

    def caller_from(self) -> str:
        """Return, for people, where they were found; call `caller` first."""
        ...

    def identity(self) -> Identity:
        """Return who makes the calls: the role, if there is one."""
        ...

    def locate(self, project: str, dataset_type: DatasetType) -> Located: ...

    def describe(self, arn: str) -> Description: ...

    def list_one(self, arn: str) -> None:
        """List one entry, to see whether that may be done."""
        ...
