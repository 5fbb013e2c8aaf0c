"""Create a client of the cluster that this process runs in, or that KUBECONFIG names."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from lightkube import Client

NOT_FOUND: Final = 404
CONFLICT: Final = 409


def client(flag: str, timeout: float) -> Client:
    """
    Return a client.

    Args:
        flag: The flag that needs it, for the error.
        timeout: Limit of each phase of an HTTP request (connect, write, read the answer, pool), in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """
    try:
        import httpx2
        from lightkube import Client, KubeConfig
        from lightkube.core.exceptions import ConfigError

        from reconciler.kubernetes.limited_answers import limit_client
    except ImportError as exc:
        raise UsageError(
            f"{flag} needs the extra k8s: pip install 'rekognition-dataset-reconciler[k8s]'"
        ) from exc
    try:
        made = Client(KubeConfig.from_env(), timeout=httpx2.Timeout(timeout))
    except (ConfigError, OSError) as exc:
        raise UsageError(f"{flag}: no cluster is configured: {exc}") from exc
    limit_client(made._client._client)
    return made


def status_code(exc: Exception) -> int | None:
    """Return the HTTP status of an error that the API server answered; None for any other error."""
    from lightkube.core.exceptions import ApiError

    return exc.response.status_code if isinstance(exc, ApiError) else None


class ServiceAccount(NamedTuple):
    """The service account of a token."""

    namespace: str
    name: str
    uid: str


def service_account(token: str | None) -> ServiceAccount | None:
    """
    Return the service account that a token of a pod names in its claims; None if it names none.

    The claims are those of https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/. The
    token is this process's own, so its signature is not checked.
    """
    try:
        text = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["kubernetes.io"]
        account = claims["serviceaccount"]
        return ServiceAccount(str(claims["namespace"]), str(account["name"]), str(account["uid"]))
    except (IndexError, KeyError, TypeError, ValueError):
        return None
