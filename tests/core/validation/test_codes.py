import re
from pathlib import Path

import pytest

from reconciler.core.validation.codes import Code

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "codes.md"
PACKAGE = ROOT / "reconciler"


@pytest.mark.parametrize("code", list(Code))
def test_a_code_is_aws_own_or_four_digits(code: Code):
    """A code is one of AWS or has four digits."""
    is_ours = code.startswith("RKD") and len(code) == 7 and code[3:].isdigit()

    assert is_ours != code.startswith(("ERROR_", "WARNING_"))


def test_every_code_in_the_sources_is_explained():
    """Every code used in the sources is on the page of codes."""
    sources = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    explained = set(re.findall(r"`(RKD[0-9]{4})`", PAGE.read_text("utf-8")))

    assert set() == set(re.findall(r'"(RKD[0-9]{4})"', sources)) - explained
