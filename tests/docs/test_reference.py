"""The reference pages say all that the program knows, and nothing else."""

import re
import tomllib
from pathlib import Path

import pytest

from reconciler.cli.parser import every_command
from reconciler.core.spec.documents import DOCUMENTS
from tests.docs.pages import ROOT
from tests.docs.tables import PAGES, leaves, named, renewed

NAMES = [command.name for command in every_command()]


# The table of faults is counted by collecting every test, which takes half a minute.
COUNTED = "reliability.md"


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.slow if path.name == COUNTED else ()) for path in PAGES],
    ids=lambda path: path.name,
)
def test_tables_are_what_the_program_says(path):
    """
    Nobody edits a table below a marker by hand. To renew them all:

    python -m tests.docs.tables
    """
    text = path.read_text("utf-8")

    assert renewed(text) == text


def test_every_command_is_in_the_overview():
    """With its exit codes; the table is rendered from the parser."""
    assert ("commands", "") in named((ROOT / "docs" / "commands.md").read_text("utf-8"))


def test_the_readme_is_short():
    """A stranger reads it to the end."""
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 200


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_section(name):
    """With what it does, all its flags, and its exit codes."""
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")

    assert f"\n## {name}\n" in text
    assert {("flags", name), ("exits", name)} <= named(text)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_field_is_in_an_example(kind):
    """The examples that show everything show everything."""
    text = (ROOT / "docs" / "specs.md").read_text("utf-8")
    shown = set()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        shown |= set(re.findall(r"(?:^|[\s{])(\w+):", block, re.MULTILINE))

    fields = {part for path, _ in leaves(DOCUMENTS[kind]) for part in path.replace("[]", "").split(".")}
    assert set() == fields - shown


def test_links_lead_somewhere():
    """Every file that a page names is there, and every section."""
    missing = [
        f"{path.name}: {link}"
        for path in [*PAGES, ROOT / "CONTRIBUTING.md"]
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", path.read_text("utf-8"))
        if not _exists(path, *link.partition("#")[::2])
    ]

    assert [] == missing


@pytest.mark.parametrize("path", PAGES[1:], ids=lambda path: path.name)
def test_every_page_is_found_from_the_readme(path):
    """A page that nobody is led to is not read."""
    assert f"(docs/{path.name})" in (ROOT / "README.md").read_text("utf-8")


def test_the_drawing_of_the_floors_is_the_contract():
    """What the README draws is what import-linter enforces, as far as it is built."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    built = [[name for name in re.findall(r"\w+", layer) if _is_built(name)] for layer in layers]
    (drawing,) = re.findall(r"```text\n(demo\n.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    drawn = [line.split("  ")[0].strip().split(" · ") for line in drawing.splitlines()]

    assert built == drawn


def test_the_gate_runs_what_the_readme_says():
    """One command for people and for the gate."""
    assert "\npython3 dev.py test" in (ROOT / "README.md").read_text("utf-8")
    assert "\npython3 dev.py test\n" in (ROOT / ".ci" / "run").read_text("utf-8")


def _is_built(name: str) -> bool:
    package = ROOT / "reconciler" / name
    return package.with_suffix(".py").exists() or (package / "__init__.py").exists()


def _exists(page: Path, file: str, section: str) -> bool:
    target = page.parent / file if file else page
    if not target.exists():
        return False
    headings = re.findall(r"(?m)^#+ (.*)$", target.read_text("utf-8")) if section else []
    return not section or section in {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in headings}
