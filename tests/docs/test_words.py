"""Texts that users read are in plain English: phrases that were replaced once do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

# Each is a riddle, or a word of our own where the field has one: what to write instead.
RETIRED = {
    r"look(?:s|ed|ing)? (?:at it )?again|looked at|second look|(?:complete|last) look\b": "observe, verify, check",
    r"kept back|held back|keeps? (?:it|them|the line) back": "withheld, or quarantined",
    r"nobody|whoever": "name the subject",
    r"whole story": "explain",
    r"for months": "run the controller",
    r"anew\b": "again",
    r"says? no\b": "blocked by a safety limit",
    r"too little is known": "could not be read",
    r"an open question otherwise": "override an undocumented behaviour",
    r"(?:git|AWS|which side) moved|moved outside git": "changed",
    r"what was (?:told|said)|(?:is|was|are|were) told\b": "reported",
    r"be rid of": "remove",
    r"mend(?:ed)?\b": "correct",
    r"with(?:out)? a word\b": "silently",
    r"the like\b": "similar",
    r"goes? on (?:\w+ing)": "continue to",
    r"(?<!here )(?:is|are) no (?:directory|URL|date|number|text|label|box|file|valid|JSON)": "is not a",
}
PHRASE = re.compile(r"\b(?:" + "|".join(RETIRED) + ")", re.IGNORECASE)

# Words of our own, which stay out of names, docstrings, comments and texts alike.
OWN_WORDS = re.compile(
    r"\b(whoever|nobody|told|stor(?:y|ies)|standing|troubles?|glanced?|wish(?:es)?|fates?|doomed|parked|convicted"
    r"|perpetual|contested|patien(?:ce|tly)|shelf|visiting|flaws?|looked at|kept back|held back|(?:said|says) of"
    r"|surgery|steady|anew)\b",
    re.IGNORECASE,
)
# Where such a word is part of a stored or published form that must not change.
FIXED = {
    "core/planning/quarantine.py": "kinds of quarantine, as they are stored and published",
    "core/status/summary.py": "the stored form of a summary",
    "engine/dataset/send.py": "fields of the event bisect.finished",
    "engine/dataset/verify.py": "codes of results",
    "state/damage.py": "columns and stored names of earlier versions",
    "state/schema.py": "columns; migrations never change",
    "state/tables.py": "columns",
}

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# What users deploy, and the specs that the documentation shows.
DEPLOYED = [
    path
    for folder in ("deploy", "specs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".yaml", ".sh", ".json", ".md"}
]
MODULES = sorted((ROOT / "reconciler").rglob("*.py"))
TEMPLATES = sorted((ROOT / "reconciler").rglob("*.html"))


def strings(path: Path) -> Iterator[str]:
    """Yield the texts of a module that are no docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def retired(text: str) -> list[str]:
    """Return the retired phrases of a text; a table that a test of its own keeps current is not read."""
    return [found[0] for found in PHRASE.finditer(text)]


@pytest.mark.parametrize("path", [*PAGES, *DEPLOYED], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_have_no_retired_phrase(path):
    assert [] == retired(path.read_text("utf-8"))


def test_texts_that_users_see_have_no_retired_phrase():
    """Help, messages, reports and pages."""
    texts = {path: " ".join(strings(path)) for path in MODULES}
    texts |= {path: path.read_text("utf-8") for path in TEMPLATES}

    assert {} == {
        str(path.relative_to(ROOT)): found for path, text in texts.items() if (found := retired(text))
    }


@pytest.mark.parametrize(
    "name",
    ["dev.py", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "reconciler").rglob("*.py")))],
)
def test_modules_use_the_words_of_the_field(name):
    """Names, docstrings, comments and texts do without words of our own, but for what is stored under them."""
    found = OWN_WORDS.findall((ROOT / name).read_text("utf-8").replace("_", " "))

    assert bool(found) is (name.removeprefix("reconciler/") in FIXED), found


@pytest.mark.parametrize(
    "text", ["converged; looked at again", "2 more kept back", "Nobody was told", "git moved"]
)
def test_a_retired_phrase_is_found(text):
    assert [] != retired(text)
