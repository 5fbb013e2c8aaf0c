"""Alerts that fire when they should, and graphs of what there is."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.core.status.conditions import ConditionType, Truth
from reconciler.engine.controller.leadership import KIND as LEADING

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "rules.test.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())

# Every metric of the controller, as its page promises it: `name` | type | `label`, `label` | …
ROWS = re.findall(
    r"(?m)^\| `reconciler_(\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs" / "metrics.md").read_text()
)
PROMISED = {name: set(re.findall(r"`(\w+)`", labels)) for name, _, labels in ROWS}
HISTOGRAMS = {name for name, kind, _ in ROWS if kind == "histogram"}

SERIES = re.compile(r"\breconciler_(?P<name>\w+)(?:\{(?P<matchers>[^}]*)\})?")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"([^\"]*)\"")

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt install prometheus)"
)


def alerts() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        yield variable.get("definition", "")


def selectors() -> list[tuple[str, dict[str, str]]]:
    """Every metric that is asked for, as it was named by whoever counts, and what its labels must match."""
    found = [match for text in expressions() for match in SERIES.finditer(text)]
    return [(base(match["name"]), dict(MATCHER.findall(match["matchers"] or ""))) for match in found]


def base(name: str) -> str:
    """The histogram that a bucket belongs to; any other name as it is."""
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if stem in HISTOGRAMS else name


def test_only_promised_metrics_are_used():
    """A metric that nobody writes makes an alert that never fires, and a graph that is always empty."""
    assert set() == {name for name, _ in selectors()} - PROMISED.keys()


def test_every_promised_metric_is_shown():
    """What is counted can be seen without writing a query."""
    assert set() == PROMISED.keys() - {name for name, _ in selectors()}


def test_only_labels_that_a_metric_has_are_matched():
    """A label that is not there matches nothing, silently."""
    assert [] == [(name, labels) for name, labels in selectors() if labels.keys() - PROMISED[name]]


def test_conditions_are_spelled_as_they_are_written():
    """The same for values: those of the core, of the leases of a replica, and the three answers."""
    asked = [labels for name, labels in selectors() if name == "condition" and "type" in labels]

    assert set() == {labels["type"] for labels in asked} - {kind.value for kind in ConditionType} - {LEADING}
    assert set() == {labels["status"] for labels in asked if "status" in labels} - {
        truth.value for truth in Truth
    }


def test_every_alert_says_what_to_do():
    """Who is woken up needs a severity, a headline and a next step."""
    wanting = [
        rule["alert"]
        for rule in alerts()
        if "severity" not in rule["labels"]
        or not {"summary", "description"} <= rule["annotations"].keys()
        or "for" not in rule
    ]

    assert [] == wanting


def test_every_alert_is_tested():
    """One that has never fired in a test may never fire at all."""
    tested = {
        case["alertname"]
        for test in yaml.safe_load(RULE_TESTS.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }

    assert {rule["alert"] for rule in alerts()} == tested


def test_no_panel_hides_another():
    """Panels stand beside one another, within the 24 columns that there are."""
    places = [
        {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        for p in (panel["gridPos"] for panel in DASHBOARD["panels"])
    ]

    assert [] == [pair for pair in itertools.combinations(places, 2) if pair[0] & pair[1]]
    assert max(x for place in places for x, _ in place) < 24
    assert len(places) == len({panel["id"] for panel in DASHBOARD["panels"]})


@promtool
@pytest.mark.tools
def test_alerts_fire_when_they_should():
    """Prometheus itself runs them over the stories in rules.test.yaml."""
    done = subprocess.run(["promtool", "test", "rules", RULE_TESTS], capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout + done.stderr


@promtool
@pytest.mark.tools
def test_prometheus_understands_every_query(tmp_path):
    """Those of the dashboard too, once its variables have values."""
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    filled = [text.replace("$__rate_interval", "5m").replace("$dataset", ".*") for text in queries]
    rules = [{"record": f"dashboard:{number}", "expr": text} for number, text in enumerate(filled)]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    done = subprocess.run(["promtool", "check", "rules", RULES, file], capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"{len(queries)} rules found" in done.stdout
