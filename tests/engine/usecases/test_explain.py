"""What an explanation says where there is no dataset, or none of the image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.core.explanation import Explanation, ExplanationVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.engine.usecases.explain import explain_image
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab


def explained(lab: Lab, name: str = "a") -> Explanation:
    (found,) = explain_image(ref(name), [lab.desired()], lambda _: lab.context)
    return found


def test_an_image_of_a_dataset_that_apply_makes_is_pending(lab: Lab):
    """Nothing was observed of it, and that is certain: there is no dataset."""
    lab.write(*named("ab"))

    found = explained(lab)

    assert (ExplanationVerdict.PENDING, Cause.SPEC_ADDED) == (found.verdict, found.cause)
    assert (None, None, True, ()) == (found.arn, found.observed, found.was_observed, found.errors)
    assert ExplanationVerdict.NOWHERE is explained(lab, "z").verdict


@pytest.mark.parametrize(("observed", "cause"), [("ab", Cause.UNATTRIBUTED), ("", Cause.SPEC_ADDED)])
def test_without_memory_a_missing_image_is_new_only_in_an_empty_dataset(
    lab: Lab, observed: str, cause: Cause
):
    """In any other it may have been there, and been removed."""
    lab.write(*named(observed or "z"), allowEmpty="true")
    lab.apply()
    if not observed:
        lab.emulator.console.remove_image(lab.arn, ref("z"))
    lab.forget_everything()
    lab.write(*named("abc"))

    assert cause is explained(lab, "c").cause


def test_an_image_that_differs_is_shown_from_both_sides(lab: Lab):
    lab.write(*named("ab"))
    lab.apply()
    lab.write(classified("a", "tulip"), *named("b"))

    found = explained(lab)

    assert (ExplanationVerdict.PENDING, Cause.SPEC_CHANGED) == (found.verdict, found.cause)
    assert {"/rose", "/tulip"} < {field.path for field in found.fields}
    assert found.desired is not None
    assert found.observed is not None
    assert (1, 1) == (found.desired["tulip"], found.observed["rose"])
    assert ExplanationVerdict.IN_PLACE is explained(lab, "b").verdict


def test_a_warning_about_an_image_is_none_of_its_places(lab: Lab):
    """An error is: the line that it is about is no entry, and has no other place."""
    lab.write(*named("ab"))
    desired = lab.desired()
    place = Origin("specs/elsewhere.yaml", 9, 4)
    both = (Severity.WARNING, Severity.ERROR)
    found = [Problem(severity, "RKD1001", "odd", place, ref("a")) for severity in both]

    def places(*problems: Problem) -> list[str]:
        noted = replace(desired, noted=list(problems))
        (one,) = explain_image(ref("a"), [noted], lambda _: lab.context)
        return [str(origin).rpartition("/")[2] for origin in one.origins]

    assert ["train.jsonl:1"] == places(found[0])
    assert ["train.jsonl:1", "elsewhere.yaml:9"] == places(*found)
    assert ["train.jsonl:1"] == places(replace(found[1], origin=None))
