"""The parts of an ARN. AWS General Reference: ``arn:partition:service:region:account:resource``."""

from __future__ import annotations

from typing import NamedTuple


class Arn(NamedTuple):
    """
    The parts of an ARN.

    Attributes:
        region: Empty for global services such as IAM.
        account: Twelve digits; empty for S3.
        resource: Everything after the fifth colon.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """
        Split an ARN into its parts.

        Raises:
            ValueError: It has fewer than six parts.
        """
        _, partition, service, region, account, resource = text.split(":", 5)
        return cls(partition, service, region, account, resource)

    @property
    def project(self) -> str:
        """The NAME in the resource of a project or dataset: ``project/NAME/…``."""
        return self.resource.split("/")[1]
