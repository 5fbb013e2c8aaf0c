"""
The health of an object as kstatus, Argo CD and Flux compute it.

kstatus by the rules of its source (pkg/kstatus/status in kubernetes-sigs/cli-utils); the other two by running what
`deploy` holds for them, in Lua 5.1 and CEL.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cel
import yaml
from lupa.lua51 import LuaRuntime

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPT = "resource.customizations.health.reconciler.dev_DatasetStatus"

Object = Mapping[str, Any]


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    return found


def kstatus(found: Object) -> str:
    """Return the status by kstatus, of an object that is not being deleted."""
    status = found.get("status", {})
    generation, observed = found["metadata"].get("generation"), status.get("observedGeneration")
    if None not in (generation, observed) and generation != observed:
        return "InProgress"
    conditions = status.get("conditions", [])
    for condition in conditions:  # the first of the two counts
        if condition["status"] == "True" and condition["type"] in ("Reconciling", "Stalled"):
            return "InProgress" if condition["type"] == "Reconciling" else "Failed"
    ready = [condition["status"] for condition in conditions if condition["type"] == "Ready"]
    return "Current" if ready in ([], ["True"]) else "InProgress"


def argo_cd(found: Object, script: str | None = None) -> tuple[str, str]:
    """Return health and message as Argo CD does, which opens the base, package and table libraries alone."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    for name in ("coroutine", "debug", "io", "math", "os", "string", "python"):
        lua.globals()[name] = None
    lua.globals().obj = lua.table_from(dict(found), recursive=True)
    health = lua.execute(script or document("argocd/health.yaml")["data"][SCRIPT])
    assert health["status"] in {"Healthy", "Progressing", "Degraded", "Suspended"}, health["status"]
    return health["status"], health["message"]


def flux(found: Object, expressions: Mapping[str, str] | None = None) -> str:
    """
    Return the status by `healthCheckExprs`, which Flux asks in this order: in progress, failed, current.

    An expression that names a field that is absent is an error; Flux then goes on waiting.
    """
    status = found.get("status", {})
    generation, observed = found.get("metadata", {}).get("generation"), status.get("observedGeneration")
    if isinstance(observed, int) and generation is not None and generation != observed:
        return "InProgress"
    programs = expressions or _expressions()
    for key, result in (("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")):
        try:
            if key in programs and cel.evaluate(programs[key], dict(found)) is True:
                return result
        except RuntimeError:
            return "Unknown"
    return "InProgress"


@cache
def _expressions() -> Mapping[str, str]:
    (found,) = document("flux/health.yaml")["spec"]["healthCheckExprs"]
    return {key: found[key] for key in ("inProgress", "failed", "current")}
