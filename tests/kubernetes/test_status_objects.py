"""Who owns the objects that are written: read from the token, without a call."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from reconciler.kubernetes.client import ServiceAccount, service_account


def token(claims: Any) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{middle}.c2lnbmF0dXJl"


def test_a_token_names_its_service_account():
    """As TokenRequest writes it."""
    claims = {"kubernetes.io": {"namespace": "n", "serviceaccount": {"name": "reconciler", "uid": "u-1"}}}

    assert ServiceAccount("n", "reconciler", "u-1") == service_account(token(claims))


@pytest.mark.parametrize(
    "text",
    [None, "", "opaque", "a.b.c", "a.ÿ.c", token([]), token({}), token({"kubernetes.io": None}),
     token({"kubernetes.io": {"namespace": "n"}}),
     token({"kubernetes.io": {"namespace": "n", "serviceaccount": {"name": "reconciler"}}})],
)  # fmt: skip
def test_any_other_token_names_none(text: str | None):
    """Not that of a person, and not an opaque one."""
    assert service_account(text) is None
