"""plan/v1: exact, the same every time, and written piece by piece."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.entries.equality import FieldChange
from reconciler.core.planning.cause import Cause
from reconciler.core.planning.guard import Guard
from reconciler.core.planning.plan import PlanError, unplanned
from reconciler.core.validation.problem import Origin
from reconciler.errors import UsageError
from reconciler.reports.plan.saved import PlanRef, read_plan
from reconciler.reports.registry import RenderOptions, render
from reconciler.reports.screen import PLAIN
from tests.reports.builders import ARN, HOSTILE, add, dataset, orphan, plan, ref, rendered, update

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def written(it) -> bytes:
    return rendered("plan", "json", it)


def test_a_plan_has_exactly_the_shape_that_was_promised():
    """Every key, every null, and the order of the changes."""
    guard = Guard("MAX_CHANGES", "too many")
    errors = (PlanError("RKD1001", "no", Origin("specs/a.jsonl", 3, 9)), PlanError("RKD5019", "who"))
    changed = update("b", FieldChange("/x", None, 1), line=7, cause=Cause.CONFLICT)
    guard = Guard("MAX_CHANGES", "too many")
    it = plan(dataset(orphan("a"), add("c", 12), changed, unchanged=5, guards=(guard,), errors=errors))

    assert f"""\
{{"format":"plan/v1","digest":"{it.digest}","revision":null,"datasets":[
{{"name":"flowers-train","arn":"{ARN}","mode":"upsert","applyable":false,"complete":false,\
"errors":[{{"code":"RKD1001","message":"no","origin":"specs/a.jsonl:3"}},\
{{"code":"RKD5019","message":"who"}}],\
"counts":{{"desired":7,"observed":7,"add":1,"update":1,"orphan":1,"unchanged":5,"ignored":0}},"changes":[
{{"action":"orphan","source_ref":"{ref("a")}","cause":"orphan","origin":null,"fields":[]}},
{{"action":"update","source_ref":"{ref("b")}","cause":"conflict","origin":"specs/train.jsonl:7",\
"fields":[{{"path":"/x","before":null,"after":1}}]}},
{{"action":"add","source_ref":"{ref("c")}","cause":"spec_added","origin":"specs/train.jsonl:12","fields":[]}}
],"batches":[{{"entries":2,"bytes":1402}}],"guards":[{{"code":"MAX_CHANGES","message":"too many"}}],\
"observation":null,"listed_at":null,"calls":{{"made":{{}},"forecast":{{}},"forecast_seconds":0}}}}
]}}
""" == written(it).decode()


def test_a_dataset_that_could_not_be_planned_for_is_in_the_document():
    """The report is there exactly when it is needed most."""
    (found,) = json.loads(written(plan(unplanned("far", [PlanError("RKD5012", "no answer")], 3))))["datasets"]

    assert ("far", None, False, []) == (found["name"], found["arn"], found["complete"], found["changes"])
    assert [{"code": "RKD5012", "message": "no answer"}] == found["errors"]


def test_the_same_plan_gives_the_same_bytes_one_change_a_line():
    """Two plans can be compared by their lines."""
    it = plan(dataset(add("a"), add("b"), orphan("c")), dataset(name="empty"))

    lines = written(it).decode().splitlines()

    assert written(it) == written(it)
    assert 3 == sum(text.startswith('{"action":') for text in lines)


def test_a_plan_is_written_without_being_held():
    """A quarter of a million changes go out in small pieces."""
    small, large = (
        max(map(len, render("plan", "json", plan(dataset(*changes)), RenderOptions(PLAIN))))
        for changes in ([add(f"{n:06}", n + 1) for n in range(number)] for number in (10, 5_000))
    )

    assert large <= small + 10


@given(st.text(), st.text(), JSON_VALUES)
def test_strings_and_values_survive(name, path, content):
    """Whatever they are: this is data, nothing in it is shortened or made pretty."""
    it = plan(dataset(update(name, FieldChange(path, content, None))), revision=name)

    document = json.loads(written(it))

    (change,) = document["datasets"][0]["changes"]
    assert (name, ref(name)) == (document["revision"], change["source_ref"])
    assert [{"path": path, "before": content, "after": None}] == change["fields"]


def test_a_file_name_that_is_no_text_is_written_escaped():
    """Linux allows any bytes in it; JSON does not."""
    it = plan(dataset(add("a", 3, file="specs/\udcff.jsonl")))

    assert r"specs/\udcff.jsonl:3" == json.loads(written(it))["datasets"][0]["changes"][0]["origin"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_plan_that_was_kept_is_recognised(indent):
    """Also after somebody has laid it out anew."""
    it = plan(
        dataset(add("a" + HOSTILE), update("b", FieldChange("/c", {"name": 1, "before": 2}, {}))),
        dataset(name="two"),
    )

    kept = json.dumps(json.loads(written(it)), indent=indent).encode()

    assert PlanRef(it.digest, ("flowers-train", "two")) == read_plan(kept)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not whole JSON"),
        (b"\xff\xfe\x00", "not whole JSON"),
        (b"[" * 100_000, "not whole JSON"),
        (written(plan(dataset(add("a"))))[:-20], "not whole JSON"),
        (b"[]", '"format": "plan/v1"'),
        (b"{}", '"format": "plan/v1"'),
        (b'{"format":"apply/v1","datasets":[]}', 'its format is "apply/v1"'),
        (b'{"format":"plan/v1"}', "not a whole plan"),
        (b'{"format":"plan/v1","digest":"abc","datasets":[]}', "not a whole plan"),
        (b'{"format":"plan/v1","digest":"' + b"0" * 32 + b'","datasets":[{"name":1}]}', "not a whole plan"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_reason(data, reason):
    """Empty, binary, cut off, another document, another version."""
    with pytest.raises(UsageError, match=reason):
        read_plan(data)
