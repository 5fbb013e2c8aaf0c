"""What an explanation says where there is no dataset, or none of the image."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from reconciler.core.explanation import Explanation, ExplanationVerdict
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.quarantine import Quarantined, QuarantineReason
from reconciler.core.validation.problem import Origin, Problem, Severity
from reconciler.engine.usecases.explain import explain_image
from tests.builders import classified, named, ref
from tests.engine.conftest import Lab
from tests.engine.usecases.test_export import Throttling


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
    assert ["train.jsonl:1"] == places(structs.replace(found[1], origin=None))


def test_all_that_is_known_of_an_image_is_told(lab: Lab):
    """What was applied, in which updates, why it is not sent, and what differs; ignored fields apart."""
    lab.write(*named("ab"))
    spec = lab.specs / "train.yaml"
    spec.write_text(spec.read_text() + '  ignore: [{paths: ["/*-metadata/creation-date"]}]\n')
    lab.apply()
    lab.context.memory.record("train", {"at": "2030-01-01T00:00:00Z"})
    now = lab.clock.now()
    held = Quarantined(ref("a"), b"digest", QuarantineReason.ISOLATED, "why", 1, now, now + 9e9)
    lab.context.memory.quarantine.put("train", [held], [])
    changed = classified("a", "tulip").replace(b"2026-03-01", b"2030-01-01")
    lab.emulator.console.put(lab.arn, changed.decode())

    found = explained(lab)

    assert (ExplanationVerdict.DRIFTED, Cause.DRIFT_MODIFIED) == (found.verdict, found.cause)
    assert (lab.arn, True, True, ()) == (found.arn, found.was_observed, found.remembers, found.errors)
    assert (held, 1) == (found.quarantined, len(found.past))
    assert found.applied == lab.context.memory.applied("train", lab.arn, [ref("a")]).entries[ref("a")]
    assert "2030-01-01T00:00:00Z" == found.applied_at
    assert found.view is not None
    assert (("rose",), ("tulip",)) == (found.view.desired.labels, found.view.observed.labels)
    other = explained(lab, "b")
    assert (ExplanationVerdict.IN_PLACE, None, None) == (other.verdict, other.quarantined, other.cause)


def test_an_image_that_only_aws_holds_is_unmanaged_and_one_that_it_lost_has_drifted(lab: Lab):
    lab.write(*named("ab"))
    lab.apply()
    lab.emulator.console.put(
        lab.arn, classified("new", "x").replace(b"image-classification", b"odd").decode()
    )
    lab.emulator.console.remove_image(lab.arn, ref("b"))

    new, lost = explained(lab, "new"), explained(lab, "b")

    assert (ExplanationVerdict.UNMANAGED, Cause.ORPHAN, None) == (new.verdict, new.cause, new.desired)
    assert "ERROR_UNSUPPORTED_USE_CASE_TYPE" in new.codes
    assert (ExplanationVerdict.DRIFTED, Cause.DRIFT_REMOVED, None) == (
        lost.verdict,
        lost.cause,
        lost.observed,
    )
    assert ((), None, 0) == (lost.codes, lost.view, len(lost.fields))
    assert (ExplanationVerdict.NOWHERE, 0) == ((none := explained(lab, "z")).verdict, len(none.past))


def test_an_image_of_unusable_lines_is_shown_as_aws_holds_it(lab: Lab):
    """Which of two lines is meant is not known; of a file without entries nothing is, and AWS is not asked."""
    lab.write(*named("ab"))
    lab.apply()
    lab.write(*named("aab"))

    found = explained(lab)

    assert (ExplanationVerdict.UNUSABLE, 5, True) == (found.verdict, found.error_code, found.was_observed)
    assert found.observed is not None
    assert ["train.jsonl:1", "train.jsonl:2"] == [str(one).rpartition("/")[2] for one in found.origins]
    assert (ExplanationVerdict.IN_PLACE, 0) == ((other := explained(lab, "b")).verdict, other.error_code)
    lab.write()
    lab.emulator.calls.clear()
    nothing = explained(lab, "b")
    assert (ExplanationVerdict.UNKNOWN, 5, False) == (
        nothing.verdict,
        nothing.error_code,
        nothing.was_observed,
    )
    assert [] == lab.emulator.calls.names()


def test_an_explanation_awaits_an_answer_for_twenty_seconds(lab: Lab):
    lab.write(*named("a"))
    context, begun = replace(lab.context, gateway=Throttling()), lab.clock.now()

    (found,) = explain_image(ref("a"), [lab.desired()], lambda _: context)

    assert ["too many calls"] == [error.message for error in found.errors]
    assert 10.0 < lab.clock.now() - begun <= 20.0
