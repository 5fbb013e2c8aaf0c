"""Bad command lines, help and completion: what the program prints before it starts work."""

import os
import pkgutil
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.measure import start
from reconciler.cli import commands
from reconciler.cli.exits import Terminated
from reconciler.cli.main import main
from reconciler.cli.parser import build, every_command, parse
from reconciler.sources.dataset_names import MAX_BYTES, dataset_names
from tests.docs.pages import ROOT
from tests.preloaded import python
from tests.sources.builders import LINE, dataset, write

COMPLETE = """\
reconciler() { "$PYTHON" -m reconciler "$@"; }
eval "$(reconciler --print-completion bash)" || exit 1
COMP_WORDS=(%s) COMP_CWORD=%d
"$(complete -p reconciler | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def reconciler(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, with no AWS settings but *variables*."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [python(), "-m", "reconciler", *words],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pln", "invalid choice: 'pln' (did you mean plan?); usage"),
        ("iam", "required: LEVEL (one of read, write, rebuild"),
        ("schema", "required: KIND (one of "),
        ("init x --from coco", "argument --from: it takes two values: FORMAT IN; usage"),
        ("plan --datset x", "unknown: --datset (did you mean --dataset?); usage: reconciler plan --help"),
        ("plan --sumary=x", "did you mean --summary?"),
        ("plan --detailed", "unknown: --detailed (did you mean --detailed-exitcode?)"),
        ("plan -o yaml", "invalid choice: 'yaml'"),
        ("plan a b", "only one PATH is read: a or b; name the directory that holds both"),
        ("schema datasets", "did you mean dataset?"),
        ("export", "required: -d/--directory; usage: reconciler export --help"),
        ("", "required: COMMAND; usage: reconciler --help"),
        ("emulator --console x", "--console needs --data"),
        ("emulator --console x,y", "expected FIELD=VALUE"),
    ],
)
def test_a_bad_command_line_gets_one_line_that_helps(words, said):
    """A bad command line gets one line with the nearest known word and the help to read: exit code 64."""
    done = reconciler(*words.split())

    assert (64, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines()))
    assert said in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["apply", "--plan", ""], "--plan"),
        (["apply", "--plan="], "--plan"),
        (["plan", "--observed", ""], "--observed"),
        (["plan", "--out", ""], "--out"),
        (["plan", "--dataset", "a", "--dataset", ""], "--dataset"),
        (["plan", ""], "PATH"),
        (["--state-dir", "", "plan"], "--state-dir"),
        (["plan", "--state-dir", ""], "--state-dir"),
        (["export", "--project", "p", "--type", "TRAIN", "-d", ""], "-d/--directory"),
    ],
)
def test_an_unset_variable_is_no_value(words, named):
    """An empty value is refused: `apply --plan "$PLAN"` without PLAN would apply whatever is there now."""
    done = reconciler(*words)

    assert (64, "") == (done.returncode, done.stdout)
    assert f"argument {named}: the value is empty" in done.stderr


@pytest.mark.parametrize("name", [command.name for command in every_command()])
def test_help_teaches(name):
    """Help has a description, an example that starts with the command's name, and the exit codes."""
    text = reconciler(name, "--help").stdout

    assert f"example:\n  reconciler {name}" in text
    assert "exit codes:\n  0    done" in text


def test_examples_of_the_help_can_be_parsed(tmp_path, monkeypatch):
    """Every example in the help can be parsed, provided that its files exist."""
    for name in ("instances.json", "plan.json"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for command in every_command():
        words = shlex.split(command.example.replace("HEX", "0" * 32).split(" > ")[0])[1:]
        assert command.name == build(words, whole=False).parse_args(words).command


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["reconciler", "pl"], ["plan"]),
        (["reconciler", "plan", "--det"], ["--detailed-exitcode"]),
        (["reconciler", "plan", "-o", "ma"], ["markdown"]),
        (["reconciler", "iam", "re"], ["read", "rebuild"]),
        (["reconciler", "convert", "co"], ["coco"]),
        (["reconciler", "convert", "voc", "--on"], ["--one-based"]),
        (["reconciler", "plan", "--dataset", "flowers"], ["flowers-test", "flowers-train"]),
        (["reconciler", "plan", "specs/circuit-boards", "--dataset", ""], ["circuit-boards-train"]),
        (["reconciler", "suspend", "circ"], ["circuit-boards-train"]),
        (["reconciler", "suspend", "flowers-test", "circ"], ["circuit-boards-train"]),
    ],
)
def test_bash_completes(typed, offered):
    """`eval "$(reconciler --print-completion bash)"` is all it takes."""
    script = COMPLETE % (" ".join(typed), len(typed) - 1)
    environment = {**os.environ, "PYTHON": python(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True, cwd=ROOT
    )

    assert (offered, "") == (sorted(done.stdout.split()), done.stderr)


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `reconciler` is a program, as after an installation."""
    program = tmp_path / "reconciler"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m reconciler "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
def test_fish_completes_datasets_and_paths(on_path: dict[str, str]):
    """Each with its own rules: fish completes no path unless it is told to."""
    script = (
        "reconciler --print-completion fish | source\n"
        'for line in "plan --dataset flow" "suspend circ" "validate spec"\n'
        '  complete -C "reconciler $line" | string split -f1 \\t\n'
        "end"
    )
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], env=on_path, capture_output=True, text=True, cwd=ROOT
    )

    offered = ["flowers-test", "flowers-train", "circuit-boards-train", "specs/"]
    assert (offered, "") == (done.stdout.split(), done.stderr)


@pytest.mark.tools
@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_completes_datasets(on_path: dict[str, str]):
    """The names that the function offers, given the words that zsh has at that time."""
    script = (
        "function compdef { }; function _arguments { }\n"
        'eval "$(reconciler --print-completion zsh)"\n'
        'function compadd { print -l -- "${@:2}" }\n'
        "words=(plan specs/flowers --dataset '')\n"
        "_reconciler_datasets"
    )
    done = subprocess.run(["zsh", "-f", "-c", script], env=on_path, capture_output=True, text=True, cwd=ROOT)

    assert (["flowers-test", "flowers-train"], "") == (done.stdout.split(), done.stderr)


def test_names_for_completion_are_safe_to_expand(tmp_path: Path):
    """A shell may execute what it is offered: names of datasets alone, from files of moderate size."""
    good = "apiVersion: reconciler/v1\nkind: Dataset\nmetadata: {name: NAME}\n"
    (tmp_path / "good.yaml").write_text(good + "---\n" + good.replace("NAME", "tulips"))
    (tmp_path / "bad.yaml").write_text(good.replace("NAME", "$(touch owned)"))
    (tmp_path / "broken.yml").write_text(good + "\t{")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.yaml").write_text(good.replace("NAME", "hidden"))
    (tmp_path / "good.yaml").write_text(
        good.replace("NAME", "roses") + "---\n" + good.replace("NAME", "tulips")
    )
    (tmp_path / "large.yaml").write_text(good.replace("NAME", "large") + "#" * MAX_BYTES)
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")

    assert ["roses", "tulips"] == dataset_names(tmp_path)
    assert [] == dataset_names(tmp_path / "nowhere")


def test_output_that_is_not_read_is_no_failure():
    """`reconciler --help | head -n 1` ends without an error."""
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m reconciler schema plan | true; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["run", "--help"], ["pln"]], ids=" ".join)
def test_help_loads_nothing_that_only_a_run_needs(words):
    """Help, version and usage errors import no library that only a run needs."""
    code = (
        "import sys\nfrom reconciler.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print(sorted({'boto3', 'botocore', 'orjson', 'pydantic', 'structlog', 'yaml'} & set(sys.modules)))"
    )

    assert "[]" == subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1]


@pytest.mark.parametrize("words", [[name, "--help"] for name in ("plan", "apply", "propose")], ids=" ".join)
def test_help_that_names_the_kinds_of_changes_knows_no_specs(words):
    """The models of specs are pydantic's, whose import takes as long as all the rest."""
    code = (
        "import sys\nfrom reconciler.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print('pydantic' in sys.modules)"
    )

    assert "False" == subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1]


def assert_loads_none(words: list[str], ours: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Run a command that succeeds, and check that it loads none of these modules of ours, nor of others."""
    code = (
        "import sys\nfrom reconciler.cli.main import main\n"
        f"print(main({words!r}))\n"
        f"print([name for name in {ours!r} if f'reconciler.{{name}}' in sys.modules])\n"
        f"print(sorted({{*{others!r}}} & {{*sys.modules}}))"
    )

    out = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert all(find_spec(f"reconciler.{name}") for name in ours)
    assert ["0", "[]", "[]"] == out.splitlines()[-3:]


def test_validate_loads_nothing_that_only_plans_or_edits_need(tmp_path):
    """It runs before each commit: verdicts, proposals and their edits of YAML would be a tenth of its start."""
    write(tmp_path, d_yaml=dataset("d", "d.jsonl"), d_jsonl=LINE)
    unneeded = (
        "cli.commands.plan",
        "cli.commands.run",
        "core.status.result",
        "core.status.conditions",
        "core.planning.plan",
        "core.planning.guard",
        "core.planning.calls",
        "core.planning.remembered",
        "core.explanation",
        "core.preflight",
        "core.proposals.patch",
        "core.proposals.report",
        "sources.shorthand_edits",
        "sources.tree_edits",
        "state.database",
        "rekognition",
        "notify",
        "kubernetes",
        "emulator",
        "convert",
        "server",
    )
    of_others = (
        *("boto3", "botocore", "deepdiff", "multiprocessing", "sqlite3", "ssl", "asyncio", "cronsim"),
        *("difflib", "traceback"),
    )

    assert_loads_none(["validate", str(tmp_path)], unneeded, of_others)


def test_a_plan_loads_nothing_that_only_an_apply_or_a_check_of_images_needs(tmp_path):
    """A plan of a pull request is read by people who wait for it."""
    write(tmp_path, d_yaml=dataset("d", "d.jsonl"), d_jsonl=LINE)
    unneeded = (
        "core.status.result",
        "engine.dataset.outcome",
        "engine.dataset.reconcile",
        "engine.dataset.send",
        "engine.dataset.verify",
        "engine.images.check",
        "cli.wiring",
    )
    of_others = ("boto3", "concurrent", "logging", "queue")

    assert_loads_none(["plan", str(tmp_path), "--observed", str(tmp_path / "d.jsonl")], unneeded, of_others)


@pytest.mark.parametrize("words", [["validate"], ["plan", "--observed", "d.jsonl"]], ids=" ".join)
def test_commands_that_people_wait_for_define_few_dataclasses(words, tmp_path, monkeypatch):
    """Python compiles the methods of each as it starts, for 0.3 ms; a Struct of msgspec has them already."""
    write(tmp_path, d_yaml=dataset("d", "d.jsonl"), d_jsonl=LINE)
    code = (
        "import dataclasses, sys\nfrom reconciler.cli.main import main\n"
        f"main([*{words!r}, '.'])\n"
        "ours = [module for name, module in sys.modules.items() if name.startswith('reconciler')]\n"
        "print(len({value for module in ours for value in vars(module).values()"
        " if isinstance(value, type) and dataclasses.is_dataclass(value)"
        " and value.__module__.startswith('reconciler')}))"
    )
    monkeypatch.chdir(tmp_path)

    out = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert int(out.splitlines()[-1]) <= 10


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--help",
        "validate --help",
        "--state-dir plan validate",
        "--state-dir plan --help validate",
        "--state-dir= validate",
        "vallidate plan",
        "validate plan apply",
        "validate --dataset",
        "validate --observed plan",
        "plan --detailed-exitcod apply",
        "--log-level none validate",
        "suspend --server",
        "check-images check_images --rate x",
        "check_images",
        "-- validate",
        "-o json validate",
        "validate -o yaml",
    ],
)
def test_a_line_is_parsed_the_same_with_few_commands_known_as_with_all(line, capsys):
    """What it means, its exit code, and what is printed: the help and the nearest word name all commands."""

    def outcome(parsing):
        try:
            found = parsing().__dict__
        except SystemExit as exc:
            found = exc.code
        return found, capsys.readouterr()

    words = line.split(" ") if line else []

    whole = outcome(lambda: build(words, whole=False).parse_args(words))
    assert whole == outcome(lambda: parse(words, whole=False, extend=lambda _: None))


def test_a_process_ends_without_a_search_for_cycles():
    """It would free what the system frees anyway, and take a seventh of the start of a command."""
    code = (
        "import atexit, gc, sys\nfrom reconciler.cli.main import main\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 0))\n"
        "sys.argv[1:] = ['--version']\nmain()"
    )

    assert "True" == subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1]


def test_a_command_is_found_by_the_name_of_its_module():
    """A new command takes one new module, whose name is the command."""
    modules = [module.name for module in pkgutil.iter_modules(commands.__path__)]
    orders = {"reconcile", "resume", "suspend"}  # one module: they are one request with another word

    names = {
        "control" if command.name in orders else command.name.replace("-", "_") for command in every_command()
    }
    assert modules == sorted(names)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["plan", "--help"]], ids=" ".join)
def test_it_starts_at_once(words, monkeypatch):
    """The start has a budget of 150 ms of CPU, of which a tenth is usual; the first run may compile."""
    monkeypatch.chdir(ROOT)
    start(*words)

    assert min(start(*words) for _ in range(3)) < 0.150


def test_no_region_is_reported_with_the_way_out(tmp_path):
    """A missing Region is reported with the ways to set it, as new users meet it first."""
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    done = reconciler("--state-dir", str(tmp_path), "plan", "--dataset", "flowers-test", **nothing)

    assert 3 == done.returncode
    assert "no Region: set AWS_REGION, or spec.target.region; --local needs none" in done.stdout


@pytest.mark.parametrize(("by", "said"), [(KeyboardInterrupt, "interrupted"), (Terminated, "terminated")])
def test_a_command_that_is_stopped_says_so_and_no_more(
    by: type[BaseException], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan sends no updates, so that nothing is said of them."""

    def stopped(_: object) -> int:
        raise by

    monkeypatch.setattr("reconciler.cli.handlers.plan.run", stopped)

    assert main(["plan"]) in {130, 143}
    assert f"reconciler: {said}; nothing more is done\n" == capsys.readouterr().err
