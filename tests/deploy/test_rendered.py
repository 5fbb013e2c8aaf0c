"""What kustomize renders names only what it renders: the name of a file is no name in a cluster."""

from __future__ import annotations

import base64
import copy
import itertools
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.parser import build
from tests.deploy.test_manifests import DEPLOY, KUBERNETES, OVERLAYS, complaints, kustomize, rendered

pytestmark = [kustomize, pytest.mark.slow]

COMPONENTS = ["lease", "notifications", "persistent-state", "pod-monitor", "status-objects"]
# persistent-state is for one pod, lease for two.
COMBINATIONS = [
    [],
    ["lease"],
    ["persistent-state"],
    ["lease", "pod-monitor"],
    ["lease", "notifications", "status-objects"],
    ["status-objects"],
    ["notifications", "persistent-state"],
    ["persistent-state", "pod-monitor"],
]
CHANNEL = "cloudevents+https://broker.example/mine\n"

# What somebody's own kustomization may do to all names.
CHANGES: list[dict[str, Any]] = [
    {},
    {"namespace": "elsewhere"},
    {"namePrefix": "acme-"},
    {"nameSuffix": "-eu"},
]

HASH = re.compile(r"-[bcdfghkmt2456789]{10}\b")  # the alphabet and the length of kustomize's
BUILT_IN = {"ServiceAccount": {"default"}}

Documents = list[dict[str, Any]]


def own(tmp_path: Path, overlay: str, components: list[str], **changes: Any) -> Documents:
    """Return what is rendered of a kustomization beside a copy of `deploy`, as its README shows."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    kustomization = {
        "resources": [f"../deploy/overlays/{overlay}"],
        "components": [f"../deploy/components/{name}" for name in components],
        **changes,
    }
    (tmp_path / "mine").mkdir()
    if "notifications" in components:  # its Secret is made as the README shows
        (text,) = re.findall(r"(?s)```text\n(secretGenerator:.*?)```", (DEPLOY / "README.md").read_text())
        kustomization |= yaml.safe_load(text)
        (tmp_path / "mine" / "channels").write_text(CHANNEL)
    (tmp_path / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return rendered(tmp_path / "mine")


def names(documents: Documents, kind: str) -> set[str]:
    return {d["metadata"]["name"] for d in documents if d["kind"] == kind} | BUILT_IN.get(kind, set())


def pods(documents: Documents) -> Iterator[dict[str, Any]]:
    for document in documents:
        if document["kind"] == "Deployment":
            yield document["spec"]["template"]["spec"]


def references(documents: Documents) -> Iterator[tuple[str, str]]:
    """Yield kind and name of whatever a document refers to in the cluster."""
    for spec in pods(documents):
        yield from _of_pod(spec)
    for document in documents:
        if document["kind"] == "RoleBinding":
            yield document["roleRef"]["kind"], document["roleRef"]["name"]
            for subject in document["subjects"]:
                yield subject["kind"], subject["name"]


def test_the_channels_are_mounted_where_they_are_read(tmp_path):
    documents = own(tmp_path, "git", ["notifications"])

    (secret,) = (document for document in documents if document["kind"] == "Secret")
    assert CHANNEL == base64.b64decode(secret["data"]["channels"]).decode()
    (pod,) = pods(documents)
    (volume,) = (volume for volume in pod["volumes"] if "secret" in volume)
    assert secret["metadata"]["name"] == volume["secret"]["secretName"]
    (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["name"] == volume["name"])
    assert f"--notify=@{mount['mountPath']}/channels" in pod["containers"][0]["args"]


# Where a pod names something, and of which kind it is.
REFERENCES = {
    "serviceAccountName": "ServiceAccount",
    "claimName": "PersistentVolumeClaim",
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMap": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "secretName": "Secret",
}


def _of_pod(part: Any) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what any part of a pod refers to; what may be absent needs not be there."""
    for inner in part if isinstance(part, list) else ():
        yield from _of_pod(inner)
    for key, inner in part.items() if isinstance(part, dict) else ():
        if key not in REFERENCES:
            yield from _of_pod(inner)
        elif isinstance(inner, str):
            yield REFERENCES[key], inner
        elif not inner.get("optional"):
            yield REFERENCES[key], inner["name"]


def namespaces(documents: Documents) -> set[str]:
    found = {d["metadata"]["namespace"] for d in documents if "namespace" in d["metadata"]}
    for document in documents:
        found |= {s["namespace"] for s in document.get("subjects", []) if "namespace" in s}
    return found | names(documents, "Namespace")


def variables(documents: Documents, container: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment of a container, as far as manifests tell it."""
    known: dict[str, str] = {}
    for source in container.get("envFrom", []):
        wanted = source["configMapRef"]["name"]
        (found,) = [d for d in documents if d["kind"] == "ConfigMap" and d["metadata"]["name"] == wanted]
        known |= found["data"]
    (namespace,) = names(documents, "Namespace")
    for variable in container.get("env", []):
        path = variable.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        known[variable["name"]] = namespace if path == "metadata.namespace" else variable.get("value", "")
    return known


def arguments(documents: Documents, name: str) -> list[str]:
    """Return what a container is started with; a variable that nothing sets is a KeyError."""
    for spec in pods(documents):
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            if container["name"] == name:
                return _filled(container["args"], variables(documents, container))
    raise LookupError(name)


def _filled(words: list[str], known: Mapping[str, str]) -> list[str]:
    return [re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], word) for word in words]


def is_mounted(container: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    known = {volume["name"] for volume in spec["volumes"]}
    return {mount["name"] for mount in container["volumeMounts"]} <= known


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("components", COMBINATIONS, ids="+".join)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_name_is_that_of_something_rendered(
    overlay: str, components: list[str], changes: dict[str, Any], tmp_path: Path
):
    """Of accounts, roles, claims and configurations, all in one namespace; volumes are those of the pod."""
    documents = own(tmp_path, overlay, components, **changes)

    dangling = {(kind, name) for kind, name in references(documents) if name not in names(documents, kind)}

    assert set() == dangling
    assert {changes.get("namespace", "reconciler")} == {
        name.removeprefix("acme-").removesuffix("-eu") for name in namespaces(documents)
    }
    for spec in pods(documents):
        assert all(is_mounted(c, spec) for c in [*spec.get("initContainers", []), *spec["containers"]])


@pytest.mark.parametrize("changes", CHANGES, ids=str)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_leases_of_the_flag_are_in_the_namespace_of_the_role(
    overlay: str, changes: dict[str, Any], tmp_path: Path
):
    """Which is that of the pod; whatever a kustomization renames."""
    documents = own(tmp_path, overlay, ["lease"], **changes)
    # The parser opens the file of a token, which a volume brings in a pod.
    words = [word for word in arguments(documents, "reconciler") if not word.startswith("--token-file=")]
    namespace, _, _ = build(words, whole=True).parse_args(words).lease.partition("/")
    (role,) = [d for d in documents if d["kind"] == "Role"]

    assert namespace == role["metadata"]["namespace"]


@pytest.mark.parametrize("components", COMBINATIONS, ids="+".join)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_hash_is_in_a_right(overlay: str, components: list[str], tmp_path: Path):
    """A right to a name that changes with every configuration is a right to nothing."""
    documents = own(tmp_path, overlay, components)
    rights = [d for d in documents if d["kind"] in ("Role", "RoleBinding", "ServiceAccount")]

    assert [] == HASH.findall(yaml.safe_dump(rights))
    assert [] != HASH.findall(yaml.safe_dump(documents))  # it would be seen


def test_a_dangling_name_is_found(tmp_path: Path):
    """The checks above would notice."""
    documents = copy.deepcopy(own(tmp_path, "git-sync", ["lease"]))
    (binding,) = [d for d in documents if d["kind"] == "RoleBinding"]
    binding["subjects"][0]["name"] = "nobody"

    assert ("ServiceAccount", "nobody") in set(references(documents))
    assert "nobody" not in names(documents, "ServiceAccount")


def minima() -> dict[str, str]:
    """Return what the README says each overlay and component needs at least."""
    rows = re.findall(
        r"(?m)^\| `((?:overlays|components)/[\w-]+)` \|.*\| (\d\.\d+) \|$", (DEPLOY / "README.md").read_text()
    )
    return dict(rows)


def test_the_readme_states_the_oldest_kubernetes_of_each():
    parts = {f"overlays/{name}" for name in OVERLAYS} | {f"components/{name}" for name in COMPONENTS}

    assert parts == minima().keys()


# Since when the API has what is used here, without a feature gate; from the release notes of Kubernetes.
SINCE = {
    "apiextensions.k8s.io/v1": "1.16",
    "apps/v1": "1.9", "v1": "1.0", "networking.k8s.io/v1": "1.7", "rbac.authorization.k8s.io/v1": "1.8",
    "coordination.k8s.io": "1.14", "policy/v1": "1.21", "monitoring.coreos.com/v1": "1.16",
    "kubernetes.io/metadata.name": "1.21", "restartPolicy": "1.29", "ReadWriteOncePod": "1.27",
    "fsGroupChangePolicy": "1.20", "seccompProfile": "1.19",
}  # fmt: skip


def needed(documents: Documents) -> str:
    """Return the oldest Kubernetes that knows all that is in these documents."""
    text = yaml.safe_dump(documents)
    used = {d["apiVersion"] for d in documents}
    assert used <= SINCE.keys()
    used |= {
        word
        for word in ("coordination.k8s.io", "kubernetes.io/metadata.name", "ReadWriteOncePod")
        if word in text
    }
    used |= {word for word in ("fsGroupChangePolicy", "seccompProfile") if word in text}
    used |= {
        "restartPolicy"
        for spec in pods(documents)
        for c in spec.get("initContainers", [])
        if "restartPolicy" in c
    }
    return max((SINCE[word] for word in used), key=_number)


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize(("overlay", "component"), [*itertools.product(OVERLAYS, [None, *COMPONENTS])])
def test_no_older_kubernetes_would_do(overlay: str, component: str | None, tmp_path: Path):
    """The README's version is the newest of what is used; of a component, of what it adds to its overlay."""
    stated = minima()
    documents = own(tmp_path, overlay, [component] if component else [])
    claimed = [stated[f"overlays/{overlay}"], *([stated[f"components/{component}"]] if component else [])]

    assert needed(documents) == max(claimed, key=_number)
    if component != "pod-monitor":
        assert [] == complaints(documents, KUBERNETES[0])
