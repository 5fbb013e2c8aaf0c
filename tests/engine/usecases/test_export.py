"""What an export reads: everything that can be desired, why the rest cannot, and nothing of a doubtful listing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import orjson
import pytest

from reconciler.core.entries.entry import sorted_line
from reconciler.core.spec.choices import DatasetType
from reconciler.emulator.behaviour.switches import Switches
from reconciler.engine.usecases.export import export
from reconciler.errors import ListingMoved, NotFound, ReconcilerError, Throttled, UnknownAnswer
from reconciler.ports import Located
from tests.builders import classified, named, ref
from tests.engine.conftest import PROJECT, Lab

BARE = b'{"source-ref":"s3://b/m.jpg"}'


class Listing:
    """A gateway whose listing is changed on the way."""

    def __init__(self, gateway: Any, change: Callable[[list[str]], list[str]]) -> None:
        self._gateway, self._change = gateway, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def pages(self, *words: Any) -> Iterator[list[str]]:
        for page in self._gateway.pages(*words):
            yield self._change(list(page))


def test_what_can_be_desired_is_kept_in_order_and_the_rest_has_its_reasons(lab: Lab):
    """What the service marks is kept all the same, if the rules of lines have nothing against it."""
    lab.emulator.settings = dataclasses.replace(lab.emulator.settings, switches=Switches(bare_line="error"))
    lab.write(*reversed(named("abc")), BARE)
    lab.apply()
    wrong = classified("b", "rose").replace(b"image-classification", b"wrongtype")
    lab.emulator.console.put(lab.arn, wrong.decode())

    with closing(export(PROJECT, DatasetType.TRAIN, lab.context, 60.0)) as found:
        kept = list(found.lines(found.kept))
        refused = list(found.lines(found.refused))

    assert (lab.arn, (ref("a"), ref("c"), ref("m")), (ref("m"),)) == (found.arn, found.kept, found.marked)
    codes = ("ERROR_NO_VALID_LABEL_ATTRIBUTES", "ERROR_UNSUPPORTED_USE_CASE_TYPE")
    assert {ref("b"): codes} == found.refused
    assert [sorted_line(orjson.loads(raw)) for raw in (*named("ac"), BARE)] == kept
    assert [sorted_line(orjson.loads(wrong))] == refused


def test_what_does_not_exist_is_named(lab: Lab):
    """The project, or its dataset of that type."""
    with pytest.raises(NotFound, match="there is no project 'flowers' in this account and Region"):
        export(PROJECT, DatasetType.TRAIN, lab.context, 60.0)

    lab.write(*named("a"))
    lab.apply()
    with pytest.raises(NotFound, match="there is no TEST dataset of project 'flowers' in this account"):
        export(PROJECT, DatasetType.TEST, lab.context, 60.0)


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (lambda page: [*page, '{"rose": 1}'], UnknownAnswer, "a listed line names no image"),
        (lambda page: [*page, '{"source-ref": 1}'], UnknownAnswer, "a listed line names no image"),
        (lambda page: [*page, page[0]], ListingMoved, f"{ref('a')} is listed twice"),
    ],
)
def test_a_listing_that_is_not_one_state_of_named_images_is_no_export(
    lab: Lab, change: Callable[[list[str]], list[str]], error: type[ReconcilerError], reason: str
):
    lab.write(*named("ab"))
    lab.apply()
    context = dataclasses.replace(lab.context, gateway=Listing(lab.context.gateway, change))

    with pytest.raises(error, match=reason):
        export(PROJECT, DatasetType.TRAIN, context, 60.0)


class Throttling:
    """A gateway that answers no call but the hundredth."""

    def __init__(self) -> None:
        self.calls = 0

    def locate(self, *_: object) -> Located:
        self.calls += 1
        if self.calls < 100:
            raise Throttled("too many calls")
        return Located(None, None)


def test_an_answer_is_awaited_for_the_time_that_is_given(lab: Lab):
    context, begun = dataclasses.replace(lab.context, gateway=Throttling()), lab.clock.now()

    with pytest.raises(Throttled):
        export(PROJECT, DatasetType.TRAIN, context, 7.0)

    assert 3.0 < lab.clock.now() - begun <= 7.0
