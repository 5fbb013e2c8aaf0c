"""The shape of the house: who may know whom, what stays pure, and how large things may grow."""

import ast
import re
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [*sorted((ROOT / "reconciler").rglob("*.py")), ROOT / "dev.py"]
GRAPH = grimp.build_graph("reconciler", include_external_packages=True, cache_dir=None)
MODULES = sorted(module for module in GRAPH.modules if module.partition(".")[0] == "reconciler")

# Packages of others, and the only modules of ours that may know them. A name stands for all below it.
KEEPERS = {
    "apprise": {"reconciler.notify"},
    "boto3": {"reconciler.rekognition", "reconciler.cli.wiring", "reconciler.emulator"},
    "botocore": {"reconciler.rekognition", "reconciler.cli.wiring", "reconciler.emulator"},
    "cronsim": {"reconciler.core.spec.field_types", "reconciler.core.spec.policy"},
    "deepdiff": {"reconciler.core.entries.equality"},
    "opentelemetry": {"reconciler.cli.telemetry"},
    "PIL": {"reconciler.reports.pictures"},
    "httpcore2": {"reconciler.kubernetes"},
    "httpx2": {"reconciler.kubernetes"},
    "lightkube": {"reconciler.kubernetes"},
    "jinja2": {
        "reconciler.reports.webpage",
        "reconciler.server.pages",
    },
    "prometheus_client": {"reconciler.server"},
    "pydantic": {
        "reconciler.core.spec.documents",
        "reconciler.core.spec.field_types",
        "reconciler.core.spec.messages",
        "reconciler.core.spec.policy",
        "reconciler.core.spec.labelling",
        "reconciler.reports.plan.saved",
        "reconciler.reports.registry",
        "reconciler.sources.documents",
    },
    "rich": {"reconciler.cli", "reconciler.demo"},
    "starlette": {"reconciler.server", "reconciler.emulator"},
    "structlog": {"reconciler.cli.telemetry", "reconciler.engine.log"},
    "urllib3": {"reconciler.notify"},
    "uvicorn": {"reconciler.server", "reconciler.emulator"},
    "xxhash": {"reconciler.core.validation.judged.columns", "reconciler.state.judged"},
    "yaml": {"reconciler.sources", "reconciler.convert.parsing.class_names"},
}

# What reaches the world, the clock, chance, or the log.
IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "sqlite3",
    "structlog",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
}

# Names under which anything can be put, so that everything is.
NAMES_OF_NOTHING = {"base", "common", "helpers", "manager", "misc", "models", "utils"}

# Words of our own for which the field has its own: see the table of words in CONTRIBUTING.md.
RETIRED = {
    "board",
    "convicted",
    "doomed",
    "draft",
    "fate",
    "fenced",
    "flaw",
    "glance",
    "nobody",
    "parked",
    "patience",
    "patiently",
    "shelf",
    "site",
    "standing",
    "steady",
    "story",
    "subject",
    "trouble",
    "visiting",
    "whoever",
    "wish",
    "world",
}

# Folders with one file a member, which may hold any number of them.
REGISTERS = {"reconciler/cli/commands", "reconciler/cli/handlers", "reconciler/convert/readers"}

MAX_LINES_OF_A_MODULE = 300
MAX_MODULES_OF_A_FOLDER = 14
MAX_LINES_OF_A_FUNCTION = 40


def imported_by(module: str) -> set[str]:
    """What *module* imports by itself, anywhere in it: ours by full name, others by package."""
    return GRAPH.find_modules_directly_imported_by(module)


def is_within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of every function, its signature and docstring included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_imports_point_down_and_never_in_circles():
    """The contracts in pyproject.toml hold."""
    linter = Path(sysconfig.get_path("scripts")) / "lint-imports"

    done = subprocess.run([linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", KEEPERS)
def test_a_package_of_others_is_known_to_its_keepers_only(package):
    """What a library is used for can be read, and replaced, in one place."""
    users = GRAPH.find_modules_that_directly_import(package) if package in GRAPH.modules else set()

    assert set() == {module for module in users if not is_within(module, KEEPERS[package])}


def test_the_core_is_pure():
    """The core decides and never looks: the same arguments give the same answer, anywhere, at any time."""
    core = [module for module in MODULES if is_within(module, {"reconciler.core"})]

    assert {} == {module: impure for module in core if (impure := imported_by(module) & IMPURE)}


def test_the_emulator_judges_for_itself():
    """Sharing our rules it would agree with their mistakes: of ours it imports itself alone."""
    emulator = [module for module in MODULES if is_within(module, {"reconciler.emulator"})]
    others = set(MODULES) - set(emulator) - {"reconciler"}  # the package itself holds the version

    assert {} == {module: foreign for module in emulator if (foreign := imported_by(module) & others)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_things_stay_small(path):
    """A module or function that outgrows its size is two."""
    assert len(path.read_text().splitlines()) <= MAX_LINES_OF_A_MODULE
    assert [] == [(name, lines) for name, lines in functions(path) if lines > MAX_LINES_OF_A_FUNCTION]


def test_no_test_waits_for_a_fixed_time():
    """It waits for a condition: a fixed time is too short on a busy machine, and too long on any other."""
    tests = sorted((ROOT / "tests").rglob("*.py"))

    fixed = re.compile(r"(?<![\w.])time\.sleep\([^)]|wait_for_timeout\(\d")

    sleeping = [path for path in tests if fixed.search(path.read_text())]

    assert [ROOT / "tests" / "waiting.py"] == sleeping


def test_exit_codes_are_named():
    """The numbers stand in `errors.Exit` alone."""
    bare = re.compile(r"\b(exit_code|error_code|sys\.exit|SystemExit)\b\s*(=|==|!=|in|is|is not|\()\s*\(?\d")

    found = {path: bare.findall(path.read_text()) for path in SOURCES if path.name != "dev.py"}

    assert {} == {str(path.relative_to(ROOT)): numbers for path, numbers in found.items() if numbers}


def test_names_say_what_is_inside():
    """No module or package is a drawer for the rest."""
    assert [] == [module for module in MODULES if NAMES_OF_NOTHING & set(module.split("."))]


def test_a_folder_is_fits_on_one_screen():
    """A folder holds at most fourteen modules, but for a register."""
    modules = [path for path in (ROOT / "reconciler").rglob("*.py") if path.name != "__init__.py"]
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in modules)

    assert {} == {
        folder: size
        for folder, size in sizes.items()
        if size > MAX_MODULES_OF_A_FOLDER and folder not in REGISTERS
    }


def words_of(path: Path) -> Iterator[str]:
    """The words of every name that a module defines: of functions, classes, arguments and variables."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case (
                ast.arg(arg=name)
                | ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                pass
            case _:
                continue
        yield from re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def test_retired_words_stay_out_of_names():
    """One word for one thing, and the word of the field; in the names of tests as well."""
    found = {path: RETIRED & set(words_of(path)) for path in SOURCES}
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = {word for name, _ in functions(path) if name.startswith("test_") for word in name.split("_")}
        found[path] = (RETIRED - {"draft", "site"}) & names  # JSON Schema's draft, and the site of the docs

    assert {} == {str(path.relative_to(ROOT)): sorted(words) for path, words in found.items() if words}
