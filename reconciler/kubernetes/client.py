"""Create a client of the cluster that this process runs in, or that KUBECONFIG names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
        timeout: Limit of each phase of an HTTP request (connect, read, write, pool), in seconds.

    Raises:
        UsageError: lightkube is not installed, or no cluster is configured.
    """
    try:
        import httpx2
        from lightkube import Client, KubeConfig
        from lightkube.core.exceptions import ConfigError
    except ImportError as exc:
        raise UsageError(
            f"{flag} needs the extra k8s: pip install 'rekognition-dataset-reconciler[k8s]'"
        ) from exc
    try:
        return Client(KubeConfig.from_env(), timeout=httpx2.Timeout(timeout))
    except (ConfigError, OSError) as exc:
        raise UsageError(f"{flag}: no cluster is configured: {exc}") from exc


def status_code(exc: Exception) -> int | None:
    """Return the HTTP status of an error that the API server answered; None for any other error."""
    from lightkube.core.exceptions import ApiError

    return exc.response.status_code if isinstance(exc, ApiError) else None
