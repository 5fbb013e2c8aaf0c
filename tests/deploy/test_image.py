"""The image: built from the Dockerfile, and run as a cluster would run it, read-only and as nobody."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import reconciler

pytestmark = [pytest.mark.slow, pytest.mark.image]

ROOT = Path(__file__).parent.parent.parent
NAME = f"localhost/reconciler:under-test-{os.getpid()}"  # two clones may build at a time
BUILD_SECONDS = 1200

# Above its base, git included; a tool of development that slipped in weighs more than what is left.
MAX_MEGABYTES = 260

# So that packages come from where this machine has its own. They are there while it builds, and gone after.
HOST_FILES = ["/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"]


def missing() -> str | None:
    """What this machine lacks, in words for whoever wonders why nothing ran."""
    if os.geteuid() != 0:
        return "building without a container engine needs root"
    if shutil.which("buildah") is None:
        return "buildah is not installed (Debian: apt install buildah)"
    if "IMAGE_BASE" not in os.environ:
        return "IMAGE_BASE names no image with Python and venv (`.ci/base-image NAME` makes one)"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True).returncode:
        return "this machine lets nobody make namespaces"
    return None


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    if reason := missing():
        pytest.skip(reason)


@dataclass(frozen=True)
class Image:
    """A built image, its files in sight."""

    root: Path
    user: str
    entrypoint: list[str]
    environment: list[str]
    labels: dict[str, str]
    size: int

    def run(self, *arguments: str, **mounts: Path) -> subprocess.CompletedProcess[str]:
        return self.execute([*self.entrypoint, *arguments], **mounts)

    def execute(self, command: list[str], **mounts: Path) -> subprocess.CompletedProcess[str]:
        """
        Run in namespaces of its own: on a read-only root, as the image's user, unable to gain rights.

        Args:
            mounts: What is mounted at /specs, read-only, and at /state.
        """
        script = f"""
            set -e
            mount --bind {self.root} {self.root}
            {"".join(f"mount --bind {path} {self.root}/{at};" for at, path in mounts.items())}
            mount -o remount,ro,bind {self.root}
            {"".join(f"mount -o remount,ro,bind {self.root}/{at};" for at in mounts if at == "specs")}
            mount -t tmpfs -o mode=1777 tmpfs {self.root}/tmp
            mount -t proc proc {self.root}/proc
            exec setpriv --no-new-privs chroot --userspec={self.user} --groups= {self.root} "$@"
        """  # noqa: S108
        inside = ["env", "-i", *self.environment, *command]
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", *inside],
            capture_output=True,
            text=True,
            timeout=300,
        )


def buildah(*arguments: str, seconds: int = 120) -> str:
    done = subprocess.run(["buildah", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert 0 == done.returncode, (done.stdout + done.stderr)[-4000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(able: None) -> Iterator[Image]:
    files = [f"--volume={path}:{path}:ro" for path in HOST_FILES if Path(path).exists()]
    base = os.environ["IMAGE_BASE"]
    arguments = [f"--build-arg=BASE={base}", "--build-arg=COMMIT=c0ffee", *files, f"--tag={NAME}", "."]
    buildah("build", "--isolation=chroot", *arguments, seconds=BUILD_SECONDS)
    container = buildah("from", "--pull-never", NAME)
    try:
        root = Path(buildah("mount", container))
        for place in ("specs", "state"):
            (root / place).mkdir()
        config = json.loads(buildah("inspect", "--type=image", NAME))["OCIv1"]["config"]
        sizes = {name: size(name) for name in (NAME, base)}
        yield Image(
            root,
            config["User"],
            config["Entrypoint"],
            config["Env"],
            config["Labels"],
            sizes[NAME] - sizes[base],
        )
    finally:
        buildah("rm", container)
        buildah("rmi", NAME)


def size(name: str) -> int:
    """Bytes of all layers, unpacked."""
    container = buildah("from", "--pull-never", name)
    try:
        root = buildah("mount", container)
        return int(subprocess.check_output(["du", "--summarize", "--bytes", root]).split()[0])
    finally:
        buildah("rm", container)


def test_it_starts(image: Image) -> None:
    """The entry point is the command, in the version of this tree."""
    done = image.run("--version")

    assert (0, f"reconciler {reconciler.__version__}\n") == (done.returncode, done.stdout), done.stderr


def test_it_is_an_unprivileged_user_and_can_change_nothing(image: Image) -> None:
    """By number, without capabilities, on a root that cannot be written; only /tmp can."""
    code = (
        "import json, os, re\n"
        "def writable(path):\n"
        "    try: open(path + '/x', 'w').close(); return True\n"
        "    except OSError: return False\n"
        "status = open('/proc/self/status').read()\n"
        "print(json.dumps({'ids': [os.getuid(), os.getgid(), os.getgroups()],\n"
        "  'capabilities': int(re.search(r'CapEff:\\s*(\\S+)', status)[1], 16),\n"
        "  'writable': [p for p in ('/', '/app', '/etc', '/var/tmp', '/tmp') if writable(p)]}))\n"
    )
    done = image.execute(["/app/bin/python", "-c", code])

    expected = {"ids": [65532, 65532, []], "capabilities": 0, "writable": ["/tmp"]}  # noqa: S108
    assert expected == json.loads(done.stdout or "null"), done.stderr
    assert "65532:65532" == image.user


def test_it_checks_specs_from_a_mount(image: Image) -> None:
    """`validate`, on the specs of this tree."""
    done = image.run("validate", "/specs", specs=ROOT / "specs")

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "no problems found" in done.stdout


def test_it_converges_against_the_emulator_inside(image: Image, tmp_path: Path) -> None:
    """The whole way, AWS's data files included: apply, then nothing is left to plan."""
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 65532, 65532)
    mounts = {"specs": ROOT / "specs", "state": state}

    applied = image.run("--state-dir=/state", "apply", "/specs", "--local", **mounts)
    planned = image.run("--state-dir=/state", "plan", "/specs", "--local", "--detailed-exitcode", **mounts)

    assert 0 == applied.returncode, applied.stdout + applied.stderr
    assert 0 == planned.returncode, planned.stdout + planned.stderr


def test_the_controller_runs_in_it(image: Image, tmp_path: Path) -> None:
    """One pass over all datasets, as the manifests start it, but for the emulator."""
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 65532, 65532)
    words = ["--log-format=json", "--state-dir=/state", "run", "--once", "--local", "/specs"]

    done = image.run(*words, specs=ROOT / "specs", state=state)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert '"event":"cycle.finished"' in done.stderr.replace(": ", ":")


def test_it_has_git(image: Image) -> None:
    """What `--git` needs, for https and for ssh."""
    done = image.execute(
        ["sh", "-c", "git --version && command -v ssh && test -s /etc/ssl/certs/ca-certificates.crt"]
    )

    assert 0 == done.returncode, done.stderr


def test_it_holds_what_is_shipped_and_no_more(image: Image) -> None:
    """No tools of the build, no sources beside the installed ones, and bytecode for a root that takes none."""
    packages = {path.name.lower() for path in image.root.glob("app/lib/python3*/site-packages/*")}

    assert set() == packages & {"pip", "hatchling", "pytest", "mypy", "hypothesis", "moto"}
    assert [] == [path for path in ("build", "tools", "root/.cache") if (image.root / path).exists()]
    assert [] != list(image.root.glob("app/lib/python3*/site-packages/reconciler/core/__pycache__/*.pyc"))
    assert [] == [path for path in image.root.glob("app/**/*") if path.lstat().st_uid]
    assert image.size < MAX_MEGABYTES * 1_000_000, image.size


def test_it_says_what_it_was_made_from(image: Image) -> None:
    """The commit and the base, where registries look for them."""
    assert "c0ffee" == image.labels["org.opencontainers.image.revision"]
    assert os.environ["IMAGE_BASE"] == image.labels["org.opencontainers.image.base.name"]
