"""The alert rules, judged by Prometheus itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.core.conditions import Kind, Truth
from reconciler.server.metrics import LABELS

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@promtool
@pytest.mark.parametrize("words", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")])
def test_prometheus_accepts_and_proves_the_rules(words: tuple[str, ...]):
    """Each alert fires when it should, and not before."""
    done = subprocess.run(["promtool", *words], cwd=RULES, capture_output=True, text=True)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_rules_are_about_metrics_that_exist():
    """A renamed metric must not silence an alert."""
    text = (RULES / "alerts.yaml").read_text("utf-8")

    assert set() == set(re.findall(r"reconciler_[a-z_]+", text)) - set(LABELS)
    assert set() == set(re.findall(r'type="(\w+)"', text)) - {kind.value for kind in Kind}
    assert set() == set(re.findall(r'status="(\w+)"', text)) - {truth.value for truth in Truth}
