"""What an explanation says of differences that the policy ignores."""

from __future__ import annotations

import orjson
import pytest

from reconciler.core.entries.equality import Equality, IgnoreRule
from reconciler.core.entries.pattern import pointer
from reconciler.core.explanation import differences
from tests.builders import line


class ByName(IgnoreRule, frozen=True):
    """A rule of a kind that no spec has: it ignores a field without naming its path."""

    def places(self, fields):
        yield ("x",), "ignore.mine"


PATH = IgnoreRule((pointer("/x"),))
OTHER = IgnoreRule((pointer("/x"),), "s3://other/**")


@pytest.mark.parametrize(
    ("equality", "rules"),
    [
        pytest.param(Equality(ignore=(PATH,)), ["/x"], id="path"),
        pytest.param(Equality(ignore=(ByName(()),)), ["ignore.mine"], id="rule-of-another-kind"),
        pytest.param(Equality(labels_only=True), ["compare: labels"], id="labels"),
        pytest.param(Equality(ignore=(OTHER,)), [], id="rule-for-other-images"),
    ],
)
def test_an_ignored_difference_names_the_rule_that_ignores_it(equality: Equality, rules: list[str]):
    """A difference is named ``compare: labels`` only if no ignore rule is about it."""
    counting, ignored = differences(orjson.loads(line("a", x=1)), orjson.loads(line("a", x=2)), equality)

    assert rules == [one.rule for one in ignored]
    assert bool(rules) is not bool(counting)
