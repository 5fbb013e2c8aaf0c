"""Every report has its formats in one place."""

import pytest
from msgspec.structs import replace

from reconciler.reports.registry import FORMATS, SUFFIXES, RenderOptions, document_type, render, renderer
from reconciler.reports.screen import PLAIN
from tests.reports.builders import dataset, plan
from tests.reports.drift import builders as drifts

RENDERERS = [(document, form) for document, forms in FORMATS.items() for form in forms]


@pytest.mark.parametrize("document", FORMATS)
def test_every_document_has_text_and_json(document):
    """Text is the default of the command line, and JSON the contract with programs."""
    assert ("text", "json") == FORMATS[document][:2]


@pytest.mark.parametrize(("document", "form"), RENDERERS)
def test_every_format_has_a_renderer(document, form):
    """The registry names modules as text, so that a command loads only the one it needs."""
    assert callable(renderer(document, form))


@pytest.mark.parametrize("document", FORMATS)
def test_every_document_has_a_type(document):
    """The JSON Schema is made from it."""
    assert f"{document.title().replace('-', '')}Doc" == document_type(document).__name__


def test_the_name_of_a_file_asks_for_any_format_of_drift():
    assert set(FORMATS["drift"]) == set(SUFFIXES.values())


def test_a_format_that_a_document_does_not_have_is_refused():
    """Also where a module of that name exists: `words` is no format."""
    with pytest.raises(KeyError, match="words"):
        render("plan", "words", plan(), RenderOptions(PLAIN))


def test_text_is_in_the_encoding_of_the_terminal():
    """What the encoding lacks is escaped, never an error."""
    options = RenderOptions(PLAIN, encoding="ascii")

    text = b"".join(render("plan", "text", plan(revision="äöü"), options))

    assert b"\\xe4\\xf6\\xfc" in text


GAP = "AWS counts 250 entries, and 249 could be seen"


@pytest.mark.parametrize("form", FORMATS["drift"])
def test_drift_of_an_incomplete_listing_says_so(form):
    """Whatever the format: what was not seen may differ."""
    whole = drifts.drift(drifts.dataset())
    gap = replace(whole, datasets=tuple(replace(one, gap=GAP) for one in whole.datasets))

    found, without = (
        b"".join(render("drift", form, one, RenderOptions(PLAIN))).decode() for one in (gap, whole)
    )

    assert GAP in found
    assert "holds no others" not in found
    assert GAP not in without


@pytest.mark.parametrize("form", FORMATS["plan"])
def test_a_plan_from_an_incomplete_listing_says_so(form):
    whole = plan(dataset())
    gap = replace(whole, datasets=tuple(replace(one, gap=GAP) for one in whole.datasets))

    found, without = (
        b"".join(render("plan", form, one, RenderOptions(PLAIN))).decode() for one in (gap, whole)
    )

    assert GAP in found
    assert GAP not in without
