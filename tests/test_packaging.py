"""What a newcomer runs first, and what makes two installations the same."""

import fcntl
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev
import reconciler

ROOT = Path(__file__).parent.parent
LOCKS = [
    "requirements.lock.txt",
    "requirements.dev.lock.txt",
    "requirements.build.lock.txt",
    "requirements.k8s.lock.txt",
    "requirements.lanes.lock.txt",
    "requirements.mutation.lock.txt",
    "requirements.oracles.lock.txt",
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


WITH_HEARTBEAT = dev._with_heartbeat


@pytest.fixture
def environment(tmp_path):
    """An environment that looks made: a checkout with a lock, a Python, and a stamp."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n')
    (tmp_path / "requirements.dev.lock.txt").write_text("six==1.17.0 --hash=sha256:00\n")
    made = dev.Environment(tmp_path)
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    made.stamp.write_text(made.recipe())
    return made


@pytest.fixture
def steps(monkeypatch):
    """The commands that would have been run; each of them succeeds, by doing next to nothing."""
    ran = []

    def run(command, *_):
        ran.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir()
        return 0

    monkeypatch.setattr(dev, "_with_heartbeat", run)
    monkeypatch.setattr(dev, "_find_uv", lambda: None)
    return ran


def pins(name: str) -> dict[str, str]:
    """Pinned requirement → the rest of its entry, its hashes among it."""
    entries = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    return {canonicalize_name(Requirement(e.split(" --hash")[0]).name): e for e in entries if e.strip()}


def test_an_environment_is_made_once(environment, steps):
    """Nothing moved: nothing is run."""
    dev.ready(environment)

    assert [] == steps


def test_another_lock_makes_another_environment(environment):
    """What is installed is what is pinned, not what was pinned when somebody first cloned."""
    environment.lock.write_text("six==1.16.0 --hash=sha256:00\n")

    assert not environment.is_current()


def test_another_script_makes_another_environment(environment):
    """An editable install copies the names of scripts: a new one would otherwise be missing."""
    (environment.root / "pyproject.toml").write_text('[project]\nname = "x"\nscripts = {x = "x:main"}\n')

    assert not environment.is_current()


def test_settings_of_tools_do_not_make_another_environment(environment):
    """Half a minute is too much for a changed line length."""
    (environment.root / "pyproject.toml").write_text('[project]\nname = "x"\n')

    assert environment.is_current()


def test_an_environment_that_was_moved_is_replaced(environment, tmp_path_factory):
    """Scripts name the Python they belong to by its full path."""
    moved = environment.root.rename(tmp_path_factory.mktemp("elsewhere") / "checkout")

    assert not dev.Environment(moved).is_current()


def test_an_environment_whose_python_is_gone_is_replaced(environment):
    """The system's Python was upgraded away under it."""
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3")

    assert not environment.is_current()


def test_a_failed_installation_leaves_no_stamp(environment, steps, monkeypatch, capsys):
    """The next run starts over, and the reason is shown."""
    environment.lock.write_text("six==1.16.0 --hash=sha256:00\n")
    failing = {"install the packages": ["sh", "-c", "echo hashes do not match; exit 2"]}
    monkeypatch.setattr(dev, "_with_heartbeat", WITH_HEARTBEAT)
    monkeypatch.setattr(dev.Environment, "_steps", lambda *_: failing)

    with pytest.raises(SystemExit, match=r"could not be made: .* exited 2"):
        environment.make()

    assert not environment.stamp.exists()
    shown = capsys.readouterr().err
    assert "1 of 1: install the packages" in shown
    assert "hashes do not match" in shown


def test_an_interrupted_removal_leaves_no_stamp(environment, steps, monkeypatch):
    """Half an environment is not taken for a whole one when the lock is put back as it was."""

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(dev.shutil, "rmtree", interrupted)

    with pytest.raises(KeyboardInterrupt):
        environment.make()

    assert not environment.is_current()


def test_only_hashed_wheels_are_installed(environment, steps):
    """Nothing that no hash pins is fetched: no source to build, no build backend, no dependency."""
    environment.make()
    pinned, project = [step for step in steps if "install" in step]

    assert {"--require-hashes", "--only-binary", str(environment.lock)} <= set(pinned)
    assert {"--no-build-isolation", "--no-deps"} <= set(project)


def test_a_python_without_venv_gets_one_line(environment, steps, monkeypatch):
    """Debian ships it apart; the line says what to type, and what stood there is left alone."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "ensurepip" else found(n))

    with pytest.raises(SystemExit) as caught:
        environment.make()

    assert "apt install python3-venv" in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())
    assert [] == steps


def test_an_environment_in_use_is_waited_for(environment):
    """It is not taken away under a command that runs in it."""
    environment.stamp.unlink()
    user = os.open(environment.root, os.O_RDONLY)
    fcntl.flock(user, fcntl.LOCK_SH)
    code = "import dev, pathlib, sys; dev.ready(dev.Environment(pathlib.Path(sys.argv[1])))"

    with subprocess.Popen(
        [sys.executable, "-c", code, environment.root], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as other:
        said = other.stderr.readline()
        there = environment.python.is_symlink()
        other.kill()
    os.close(user)

    assert ("dev.py: waiting for another dev.py, which makes or uses .venv\n", True) == (said, there)


def test_one_environment_is_made_while_another_is_in_use(environment, monkeypatch):
    """A test, which runs in `.venv`, builds the site, which needs `.venv-docs`: it must not wait for itself."""
    other = dev.Environment(environment.root, "docs")
    other.lock.write_text("")

    def make(self):
        self.python.parent.mkdir(parents=True)
        self.python.touch()
        self.stamp.write_text(self.recipe())

    monkeypatch.setattr(dev.Environment, "make", make)
    user = os.open(dev.ready(environment).locked, os.O_RDONLY)
    fcntl.flock(user, fcntl.LOCK_SH)

    assert dev.ready(other).is_current()
    os.close(user)


@pytest.mark.parametrize("arguments", [[], ["tset"], ["run"], ["docs", "x"]])
def test_a_bad_command_line_says_where_to_look(arguments, capsys):
    """One line, on stderr, with an exit code of its own."""
    assert 64 == dev.main(arguments)
    assert "python3 dev.py --help" in capsys.readouterr().err


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes(name):
    """`pip --require-hashes` refuses the whole file for one that lacks them."""
    assert [] == [
        pin for pin, entry in pins(name).items() if "==" not in entry or "--hash=sha256:" not in entry
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_place(name):
    """A lock says what, never where from."""
    assert [] == re.findall(r"(?m)^.*(?:://|file:|--index|--find-links|\s/).*$", (ROOT / name).read_text())


def test_the_locks_hold_what_the_project_asks_for():
    """A dependency was added: `python3 dev.py lock`."""
    runtime = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    tools = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependency-groups"]["dev"]}
    backend = {canonicalize_name(Requirement(text).name) for text in PROJECT["build-system"]["requires"]}

    assert set() == runtime - pins("requirements.lock.txt").keys()
    assert set() == (runtime | tools | backend) - pins("requirements.dev.lock.txt").keys()
    extra = {
        canonicalize_name(Requirement(t).name) for t in PROJECT["project"]["optional-dependencies"]["k8s"]
    }
    assert set() == extra - pins("requirements.k8s.lock.txt").keys()
    for group in ("build", "docs", "lanes", "oracles"):
        asked = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependency-groups"][group]}
        assert set() == asked - pins(f"requirements.{group}.lock.txt").keys()


def test_the_image_is_built_with_what_was_tested():
    """The build backend is the one of the development environment."""
    assert pins("requirements.build.lock.txt").items() <= pins("requirements.dev.lock.txt").items()


def test_tests_run_on_what_is_shipped():
    """The development lock repeats every pin of the runtime locks, hashes included."""
    for name in ("requirements.lock.txt", "requirements.k8s.lock.txt"):
        assert pins(name).items() <= pins("requirements.dev.lock.txt").items()
    assert pins("requirements.lock.txt").items() <= pins("requirements.k8s.lock.txt").items()


def test_the_version_is_written_once():
    """The package says it; the build reads it there."""
    assert "version" in PROJECT["project"]["dynamic"]
    assert "version" not in PROJECT["project"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", reconciler.__version__)


def test_the_gate_can_be_run():
    """`.ci/run` is executable, and is sound shell."""
    gate = ROOT / ".ci" / "run"

    assert os.access(gate, os.X_OK)
    assert 0 == subprocess.run(["bash", "-n", gate]).returncode


@pytest.mark.slow
def test_the_wheel_works_without_tools_of_development(tmp_path):
    """Built, and installed beside the runtime lock alone: all of it imports, and it knows its version."""
    fresh = tmp_path / "fresh"
    python = fresh / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]

    subprocess.run(build, cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True)
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock.txt"], check=True)
    subprocess.run([*pip, "--no-deps", *tmp_path.glob("*.whl")], check=True)
    everything = (
        "import importlib, pkgutil, reconciler as r\n"
        "for m in pkgutil.walk_packages(r.__path__, 'reconciler.'):\n"
        "    m.name.endswith(('__main__', '.testing')) or importlib.import_module(m.name)\n"
        "print(r.__version__)"
    )
    said = [subprocess.check_output([python, "-W", "error", "-c", everything], cwd=tmp_path, text=True)]
    if (ROOT / "reconciler" / "cli").exists():
        said += [subprocess.check_output([fresh / "bin" / "reconciler", "--version"], text=True)]

    assert [reconciler.__version__] * len(said) == [line.split()[-1] for line in said]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_is_published_runs_from_an_empty_directory(kind, tmp_path):
    """Built as the release does, installed alone with its pinned dependencies, away from the checkout."""
    built, home = tmp_path / "dist", tmp_path / "empty"
    home.mkdir()
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(built)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = built.iterdir()
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", tmp_path / "venv"], check=True)
    install = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(libraries)}
    done = subprocess.run(
        [*install, "--no-build-isolation", "--ignore-installed", made],
        env=variables,
        cwd=home,
        text=True,
        stderr=-1,
    )
    assert done.returncode == 0, done.stderr
    program = tmp_path / "venv" / "bin" / "reconciler"
    for words in (
        ["--version"],
        ["init"],
        ["validate"],
        ["plan", "--local"],
        ["schema", "plan"],
        ["drift", "-o", "html", "--local"],
    ):
        ran = subprocess.run([program, *words], cwd=home, env=variables, capture_output=True, text=True)
        assert ran.returncode == 0, (words, ran.stderr)
    where = "import reconciler; print(reconciler.__file__)"
    python = tmp_path / "venv" / "bin" / "python"
    found = subprocess.run([python, "-c", where], cwd=home, env=variables, capture_output=True, text=True)
    assert str(tmp_path) in found.stdout


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_workflows_are_valid(path):
    """By the schema of GitHub's workflows that check-jsonschema carries."""
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_release_stores_no_token():
    """It is published by trusted publishing, with provenance."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()

    assert "secrets." not in text
    assert "id-token: write" in text
    assert "attest-build-provenance" in text


LABELS = {
    "title",
    "description",
    "licenses",
    "revision",
    "version",
    "created",
    "source",
    "url",
    "documentation",
    "base.name",
}


def test_the_image_says_what_it_is():
    """By the annotations that the OCI names; the release sets every argument that a label needs."""
    text = (ROOT / "Dockerfile").read_text()
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', text))
    stage = text.rpartition("\nFROM ")[2]

    assert labels.keys() == LABELS
    for name in set(re.findall(r"\$\{(\w+)\}", " ".join(labels.values()))):
        assert re.search(rf"^ARG {name}\b", stage, re.MULTILINE), name
        assert name == "BASE" or f"  {name}=$" in workflow, name


def test_the_bill_of_materials_lists_every_pin():
    """With version and hashes, the same bytes each time, in the shape of CycloneDX 1.6."""
    command = [sys.executable, "ci/sbom.py", "v0.1.0"]
    first, again = (subprocess.check_output(command, cwd=ROOT) for _ in range(2))
    found = json.loads(first)

    assert first == again
    assert ("CycloneDX", "1.6") == (found["bomFormat"], found["specVersion"])
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", found["serialNumber"])
    assert ("rekognition-dataset-reconciler", "0.1.0") == tuple(
        found["metadata"]["component"][key] for key in ("name", "version")
    )
    listed = {part["name"]: part for part in found["components"]}
    pinned = pins("requirements.k8s.lock.txt")
    assert pinned.keys() == listed.keys()
    for name, part in listed.items():
        assert part["purl"] == f"pkg:pypi/{name}@{part['version']}"
        assert part["hashes"]
        assert {"SHA-256"} == {each["alg"] for each in part["hashes"]}


def test_the_changelog_describes_this_version():
    assert f"## [{reconciler.__version__}]" in (ROOT / "CHANGELOG.md").read_text()
