"""
Post the states of commits to GitHub, GitLab, and hosts with the same API, such as Gitea and Forgejo.

Sources: "Create a commit status" of GitHub's REST API; "Set commit pipeline status" of GitLab's commits API.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from reconciler.core.status.commit_states import CommitPhase, CommitState
from reconciler.errors import UsageError
from reconciler.notify.http import post
from reconciler.ports import Channel, Delivery
from reconciler.redact import redacted

_GITHUB: Final = re.compile(r"(/[^?#]*)?/repos/[^/?#]+/[^/?#]+")
_GITLAB: Final = re.compile(r"(/[^?#]*)?/projects/[^/?#]+")
# GitHub refuses longer descriptions; GitLab stores 255 characters.
_GITHUB_CHARACTERS: Final = 140
_GITLAB_CHARACTERS: Final = 255
_GITLAB_STATES: Final = {
    CommitPhase.PENDING: "pending",
    CommitPhase.SUCCESS: "success",
    CommitPhase.FAILURE: "failed",
}


def commit_status(url: str, context: str, token: Callable[[], str]) -> Channel[CommitState]:
    """
    Return the channel for the API address of a repository.

    Args:
        url: ``https://HOST/…/repos/OWNER/NAME`` of GitHub, or ``https://HOST/…/projects/ID`` of GitLab.
        context: The name under which the host shows the states.
        token: Reads the token, before every request.

    Raises:
        UsageError: It is neither, or would send the token unencrypted.
    """
    flag, parts = f"--commit-status {redacted(url)}", urlsplit(url)
    if parts.username is not None:
        raise UsageError(f"{flag}: leave user and password out: the token has a flag of its own")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    ):
        raise UsageError(f"{flag}: it must begin with https://, since the token is sent there")
    if parts.hostname and not (parts.query or parts.fragment):
        if _GITHUB.fullmatch(parts.path):
            return GitHub(url, context, token)
        if _GITLAB.fullmatch(parts.path):
            return GitLab(url, context, token)
    raise UsageError(
        f"{flag}: it must end with /repos/OWNER/NAME, such as https://api.github.com/repos/acme/labels, or with "
        "/projects/ID, such as https://gitlab.com/api/v4/projects/acme%2Flabels"
    )


class _Host:
    """A git host."""

    name = ""

    def __init__(self, url: str, context: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._context = context
        self._token = token

    def _named(self, message: CommitState) -> str:
        return f"{self._context}/{message.dataset}" if message.dataset else self._context


class GitHub(_Host):
    """`ports.Channel` of a repository with the API of GitHub."""

    name = "github"

    def send(self, message: CommitState) -> Delivery:
        return post(
            f"{self._url}/statuses/{message.revision}",
            {
                "state": message.phase.value,
                "context": self._named(message),
                "description": _cut(message.text, _GITHUB_CHARACTERS),
            },
            {"Authorization": f"Bearer {self._token()}", "Accept": "application/vnd.github+json"},
        )


class GitLab(_Host):
    """`ports.Channel` of a project of GitLab, which answers 400 if a state is set that a commit already has."""

    name = "gitlab"

    def send(self, message: CommitState) -> Delivery:
        return post(
            f"{self._url}/statuses/{message.revision}",
            {
                "state": _GITLAB_STATES[message.phase],
                "name": self._named(message),
                "description": _cut(message.text, _GITLAB_CHARACTERS),
            },
            {"PRIVATE-TOKEN": self._token()},
            lambda status, text: (
                200 <= status < 300 or (status == 400 and text.startswith("Cannot transition status"))
            ),
        )


def _cut(text: str, characters: int) -> str:
    line = " ".join(redacted(text).split())
    return line if len(line) <= characters else f"{line[: characters - 1]}…"
