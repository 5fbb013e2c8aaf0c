"""The drawing of the house in the README is the house that stands."""

import ast
import re
import tomllib

from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BUILT = README[README.index("## How it is built") : README.index("## Budgets")]
FLOORS, SHAPES = re.findall(r"```text\n(.*?)```", BUILT, re.DOTALL)


def test_the_floors_are_those_that_imports_keep():
    """Line by line those of the contract in pyproject.toml, and each a package of ours."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    kept = [set(re.findall(r"\w+", layer)) for layer in contracts[0]["layers"]]
    drawn = [set(re.findall(r"\w+", line.partition("  ")[0])) for line in FLOORS.splitlines()]
    there = {path.stem for path in (ROOT / "reconciler").glob("[!_]*.py")}
    there |= {path.parent.name for path in (ROOT / "reconciler").glob("*/__init__.py")}

    assert drawn == [layer & there for layer in kept]
    assert there == set().union(*drawn)


def test_every_family_is_named():
    """In the sentence about its floor."""
    for floor, end in (("core", "engine"), ("engine", "sources"), ("sources", "reports")):
        text = BUILT.partition(f"`{floor}/` has")[2].partition(f"`{end}/` has")[0]
        families = {path.parent.name for path in (ROOT / "reconciler" / floor).glob("*/__init__.py")}

        assert families == set(re.findall(r"`(\w+)`", text)), floor


def test_every_shape_on_the_way_is_a_class():
    """From a spec line to the wire, and from a page to what is shown."""
    known = {
        node.name
        for floor in ("core", "engine")
        for path in (ROOT / "reconciler" / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    drawn = set(re.findall(r"\b[A-Z]\w+", SHAPES))

    assert {"Index", "Change", "PlannedChange", "Batch", "DatasetResult"} <= drawn <= known


def test_the_two_ways_through_lead_by_names_that_exist():
    """Each function and class stands in the module that the README names for it."""
    walk = re.findall(r"`(\w+)`\s+in\s+`(reconciler/[\w/]+\.py)`", BUILT)

    assert 8 <= len(walk)
    for name, file in walk:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def test_every_file_that_is_named_is_there():
    """In the README and in CONTRIBUTING."""
    named = re.findall(
        r"`((?:reconciler|specs|tests)/[\w/.-]+)`", README + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    )

    assert len(named) > 5
    assert [] == [name for name in named if not (ROOT / name).exists() and not re.search("[A-Z]{3}", name)]
