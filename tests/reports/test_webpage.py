"""What every page stands on: nothing from outside is more than text, and only what is ours is let in."""

import re
from importlib.resources import files

import jinja2
import pytest

from reconciler.reports.visible import visible
from reconciler.reports.webpage import hash_source, ours, policy, style, templates
from tests.reports.builders import HOSTILE


def rendered(source: str, **facts: object) -> str:
    return templates("reconciler.reports.plan", "page").from_string(source).render(**facts)


def test_what_comes_from_outside_is_text_that_can_be_seen():
    """It opens no element, turns no text round, and hides nothing."""
    text = rendered("{{ name }}", name=HOSTILE)

    assert "<" not in text
    assert visible(text) == text


def test_trusted_text_is_not_escaped():
    assert "<b>\u202e</b>" == rendered("{{ it }}", it=ours("<b>\u202e</b>"))


def test_an_undefined_name_in_a_template_is_an_error():
    """A slip in a template is not an empty place in a page."""
    with pytest.raises(jinja2.UndefinedError):
        rendered("{{ nmae }}", name="roses")


def test_a_policy_forbids_what_it_does_not_name():
    """The digest is the one that browsers compute: that of no text is well known."""
    assert "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='" == hash_source("")
    assert "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'" == policy("img-src data:")


STYLES = (
    ("reconciler.reports.plan", "page", "plan.css"),
    ("reconciler.reports.drift", "page", "head.css", "images.css", "lighttable.css", "print.css"),
    ("reconciler.server", "templates", "pages.css"),
)


@pytest.mark.parametrize("where", STYLES, ids=lambda where: where[0])
def test_every_colour_has_a_name_and_one_place(where):
    """A page names colours, in light and in dark, and states none: another page would have another red."""
    package, folder, *names = where
    own = "".join(files(package).joinpath(folder, name).read_text("utf-8") for name in names)
    whole = str(style(*where))

    assert [] == re.findall(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b|rgb|hsl", own)
    assert whole.endswith(own)
    used, given = (set(re.findall(found, whole)) for found in (r"var\((--[\w-]+)", r"(--[\w-]+):"))
    assert set() == used - given
