"""What is applied to a cluster: sound, tight, and in agreement with the program it runs."""

import copy
import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from reconciler.cli.parser import build

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
OVERLAYS = ["git", "git-sync"]
COMPONENTS = ["persistent-state", "pod-monitor"]

# From the oldest version with native sidecars switched on for good, to one that came later.
KUBERNETES = ["1.29", "1.33"]

kustomize = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed (`.ci/run` has it from a wheel)"
)


def complaints(documents: list[dict], version: str) -> list[str]:
    found = []
    for document in documents:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as exc:
            found.append(f"{document['kind']}: {'.'.join(map(str, exc.path))}: {exc.message}")
    return found


def base() -> list[dict]:
    kustomization = yaml.safe_load((DEPLOY / "base" / "kustomization.yaml").read_text())
    return [yaml.safe_load((DEPLOY / "base" / name).read_text()) for name in kustomization["resources"]]


def rendered(directory: Path) -> list[dict]:
    done = subprocess.run(["kubectl", "kustomize", directory], capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def only(kind: str, documents: list[dict]) -> dict:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def pod(documents: list[dict]) -> dict:
    return only("Deployment", documents)["spec"]["template"]["spec"]


def loosenesses(spec: dict) -> list[str]:
    """Whatever the `restricted` standard of Kubernetes forbids, and a root that can be written."""
    wanted = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
    found = []
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        context = spec["securityContext"] | container.get("securityContext", {})
        found += [f"{container['name']}: {key}" for key, value in wanted.items() if context.get(key) != value]
        if context.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{container['name']}: capabilities")
        if not (context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0):
            found.append(f"{container['name']}: root")
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            found.append(f"{container['name']}: seccomp")
        if "memory" not in container["resources"].get("limits", {}):
            found.append(f"{container['name']}: memory without a limit")
    return found


def arguments(documents: list[dict]) -> list[str]:
    """What the controller is started with, once Kubernetes has put the configuration in."""
    settings = {key: value for d in documents if d["kind"] == "ConfigMap" for key, value in d["data"].items()}
    (container,) = pod(documents)["containers"]
    return [re.sub(r"\$\((\w+)\)", lambda m: settings[m[1]], word) for word in container["args"]]


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_base_is_sound(version):
    """Every field is one that Kubernetes knows, of the type it wants."""
    assert [] == complaints(base(), version)


def test_a_misspelt_field_is_found():
    """The check above would notice."""
    documents = base()
    pod(documents)["containers"][0]["readinesProbe"] = {}

    (complaint,) = complaints(documents, KUBERNETES[0])
    assert "readinesProbe" in complaint


def test_the_base_is_tight():
    """Not root, no capability, a root that cannot be written, bounded memory."""
    assert [] == loosenesses(pod(base()))


@pytest.mark.parametrize("field", ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities"])
def test_a_loose_container_is_found(field):
    """The check above would notice."""
    spec = copy.deepcopy(pod(base()))
    del spec["containers"][0]["securityContext"][field]

    assert [f"reconciler: {field}"] == loosenesses(spec)


def test_selectors_select_the_pod():
    """Deployment, policy and monitor mean the same pod."""
    documents = base()
    labels = only("Deployment", documents)["spec"]["template"]["metadata"]["labels"].items()
    monitor = yaml.safe_load((DEPLOY / "components" / "pod-monitor" / "podmonitor.yaml").read_text())

    assert only("Deployment", documents)["spec"]["selector"]["matchLabels"].items() <= labels
    assert only("NetworkPolicy", documents)["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels


def test_probes_metrics_and_policy_agree_on_the_port():
    """The one it listens on, by one name, reachable from outside the container."""
    documents = base()
    (container,) = pod(documents)["containers"]
    monitor = yaml.safe_load((DEPLOY / "components" / "pod-monitor" / "podmonitor.yaml").read_text())
    (port,) = container["ports"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness", "startup")}

    assert f"--listen=0.0.0.0:{port['containerPort']}" in container["args"]
    assert {"liveness": "/livez", "readiness": "/readyz", "startup": "/livez"} == {
        name: get["path"] for name, get in probes.items()
    }
    assert {port["name"]} == {get["port"] for get in probes.values()}
    assert port["name"] == monitor["spec"]["podMetricsEndpoints"][0]["port"]
    (ingress,) = only("NetworkPolicy", documents)["spec"]["ingress"]
    assert [{"port": port["name"], "protocol": "TCP"}] == ingress["ports"]


def test_what_is_written_goes_to_a_mount():
    """The root is read-only: state and /tmp are volumes, each with a bound."""
    spec = pod(base())
    (container,) = spec["containers"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    state = next(word for word in container["args"] if word.startswith("--state-dir="))

    assert {"/tmp", state.removeprefix("--state-dir=")} == mounts.keys()  # noqa: S108
    assert [] == [volume["name"] for volume in spec["volumes"] if not volume["emptyDir"].get("sizeLimit")]


def test_two_never_write():
    """An update replaces the pod; it does not start a second one beside it."""
    spec = only("Deployment", base())["spec"]

    assert (1, "Recreate") == (spec["replicas"], spec["strategy"]["type"])
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 10


@kustomize
@pytest.mark.slow
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_renders(overlay):
    """What kustomize makes of it is as sound and as tight as the base."""
    documents = rendered(DEPLOY / "overlays" / overlay)

    assert {version: [] for version in KUBERNETES} == {v: complaints(documents, v) for v in KUBERNETES}
    assert [] == loosenesses(pod(documents))


@kustomize
@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlay", "source"),
    [
        ("git", {"git": "https://git.example/acme/datasets.git", "ref": "main", "path": "specs"}),
        ("git-sync", {"git": None, "path": "/git/current/specs"}),
    ],
)
def test_the_program_understands_its_arguments(overlay, source):
    """Every flag is one that the command line has."""
    # The file of the token exists in the pod alone.
    found = arguments(rendered(DEPLOY / "overlays" / overlay))
    words = [word for word in found if not word.startswith("--token-file=")]

    parsed = vars(build(words, whole=True).parse_args(words))

    common = {"command": "run", "listen": ("0.0.0.0", 8080), "log_format": "json"}  # noqa: S104
    assert {**common, **source}.items() <= parsed.items()


@kustomize
@pytest.mark.slow
def test_git_sync_starts_first_and_goes_on_running():
    """A native sidecar, which shares its tree read-only, at the place where the controller looks."""
    spec = pod(rendered(DEPLOY / "overlays" / "git-sync"))
    _, sidecar = spec["initContainers"]
    (container,) = spec["containers"]
    (theirs,) = [mount for mount in sidecar["volumeMounts"] if mount["name"] == "specs"]
    (ours,) = [mount for mount in container["volumeMounts"] if mount["name"] == "specs"]

    assert "Always" == sidecar["restartPolicy"]
    assert {**theirs, "readOnly": True} == ours
    assert {"--root=/git", "--link=current", "--http-metrics=true"} <= set(sidecar["args"])
    bound = next(word for word in sidecar["args"] if word.startswith("--http-bind="))
    assert f"--http-bind=:{sidecar['ports'][0]['containerPort']}" == bound
    assert f"--sync-metrics=http://127.0.0.1{bound.removeprefix('--http-bind=')}/metrics" in container["args"]
    assert "startupProbe" not in sidecar


@kustomize
@pytest.mark.slow
def test_the_hook_of_git_sync_is_there_with_its_token():
    """What it runs is mounted, and may be run; the token that it sends is the one that the controller takes."""
    documents = rendered(DEPLOY / "overlays" / "git-sync")
    spec = pod(documents)
    token, sidecar = spec["initContainers"]
    (container,) = spec["containers"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    (script,) = [d for d in documents if d["kind"] == "ConfigMap" and "exechook.sh" in d["data"]]

    assert "--exechook-command=/hook/exechook.sh" in sidecar["args"]
    assert {"name": "hook", "mountPath": "/hook", "readOnly": True} in sidecar["volumeMounts"]
    assert {"name": script["metadata"]["name"], "defaultMode": 0o555} == volumes["hook"]["configMap"]
    assert "--token-file=/hook-token/token" in container["args"]
    assert "/hook-token/token" in token["args"][0]
    assert "/hook-token/token" in script["data"]["exechook.sh"]
    for one in (token, sidecar, container):
        assert "/hook-token" in [mount["mountPath"] for mount in one["volumeMounts"]]


@kustomize
@pytest.mark.slow
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_components_go_with_every_overlay(overlay, tmp_path):
    """State on a claim instead of the node, and a monitor, added as the README says."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    mine = tmp_path / "mine"
    mine.mkdir()
    kustomization = {
        "resources": [f"../deploy/overlays/{overlay}"],
        "components": [f"../deploy/components/{name}" for name in COMPONENTS],
    }
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    documents = rendered(mine)
    custom = only("PodMonitor", documents)  # of the Prometheus Operator: no schema comes with Kubernetes
    documents.remove(custom)

    (state,) = [volume for volume in pod(documents)["volumes"] if volume["name"] == "state"]
    claim = only("PersistentVolumeClaim", documents)["metadata"]["name"]
    assert {"name": "state", "persistentVolumeClaim": {"claimName": claim}} == state
    assert {"reconciler"} == {d["metadata"].get("namespace", "reconciler") for d in [*documents, custom]}
    assert [] == complaints(documents, KUBERNETES[-1])


def lease_documents() -> list[dict]:
    place = DEPLOY / "components" / "lease"
    return [
        d for name in ("role.yaml", "disruption.yaml") for d in yaml.safe_load_all((place / name).read_text())
    ]


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_right_to_leases_is_sound_and_no_more(version):
    """In its namespace, to list, create, renew and delete leases; nothing else, for no other account."""
    documents = lease_documents()

    assert [] == complaints(documents, version)
    rules = only("Role", documents)["rules"]
    assert [["list", "create", "update", "delete"]] == [rule["verbs"] for rule in rules]
    assert {("coordination.k8s.io", "leases")} == {(*rule["apiGroups"], *rule["resources"]) for rule in rules}
    (subject,) = only("RoleBinding", documents)["subjects"]
    account = only("ServiceAccount", base())
    assert ("ServiceAccount", account["metadata"]["name"]) == (subject["kind"], subject["name"])


@kustomize
@pytest.mark.slow
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_two_replicas_have_a_lease(overlay, tmp_path):
    """The component goes with every overlay: two pods, a token; all as tight as before."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "mine").mkdir()
    kustomization = {
        "resources": [f"../deploy/overlays/{overlay}"],
        "components": ["../deploy/components/lease"],
    }
    (tmp_path / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    documents = rendered(tmp_path / "mine")
    spec = only("Deployment", documents)["spec"]

    assert {version: [] for version in KUBERNETES} == {v: complaints(documents, v) for v in KUBERNETES}
    assert [] == loosenesses(pod(documents))
    assert (2, "RollingUpdate") == (spec["replicas"], spec["strategy"]["type"])
    assert pod(documents)["automountServiceAccountToken"]


@kustomize
@pytest.mark.slow
def test_the_readme_shows_how(tmp_path):
    """Its example is taken as it stands there, beside a copy of this directory."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (example,) = re.findall(r"(?s)```yaml\n(.*?)```", (DEPLOY / "README.md").read_text())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kustomization.yaml").write_text(example)

    documents = rendered(tmp_path / "mine")

    assert [] == complaints(documents, KUBERNETES[-1])
    assert "/git/current/specs" == arguments(documents)[-1]
    assert "images.example/reconciler:0.1.0" == pod(documents)["containers"][0]["image"]
