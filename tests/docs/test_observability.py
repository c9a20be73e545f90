"""Alert rules and dashboard in `docs/observability/`: they fire, they stay quiet, and they name metrics that exist."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from bot.telemetry import metrics
from tests.support.metric_values import label_names
from tests.support.paths import ROOT

FOLDER = ROOT / "docs" / "observability"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alert-rules.yaml").read_text("utf-8"))["groups"][0]["rules"]
TESTS: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alert-tests.yaml").read_text("utf-8"))["tests"]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
OF_PROMETHEUS = {"instance", "job"}
"Labels that Prometheus adds to every series."
_METRIC = re.compile(r"\b((?:agent|deskhand|rq|process)_[a-z0-9_]+)(?:\{([^}]*)\})?")
_FAILED = re.compile(r"^ +name: (\w+) (fires|stays quiet),\n +alertname: \1,", re.MULTILINE)
"A history that promtool says has failed: it bears the name of its alert."


@pytest.fixture(scope="session")
def promtool() -> str:
    """Return Prometheus's own tool for rules; outside of CI it may be missing."""
    found = shutil.which("promtool")
    if found is None:
        assert not os.environ.get("CI"), "promtool is missing: .ci/run installs it with the package prometheus"
        pytest.skip("no promtool on PATH; Debian has it in the package prometheus")
    return found


def run(*command: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    return subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard that show something."""
    return [one for one in DASHBOARD["panels"] if one["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield every expression of the rules and of the dashboard."""
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def with_expression(folder: Path, expr: str) -> str:
    """Write the rules with one expression for every alert, and the tests beside them; return the tests' file."""
    changed = [rule | {"expr": expr} for rule in RULES]
    (folder / "alert-rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "deskhand", "rules": changed}]}))
    shutil.copy(FOLDER / "alert-tests.yaml", folder)
    return str(folder / "alert-tests.yaml")


def test_rules_and_configuration_are_valid(promtool: str) -> None:
    """Prometheus itself reads them."""
    checked = run(promtool, "check", "config", str(FOLDER / "prometheus.yaml"))
    assert (checked.returncode, checked.stderr) == (0, b""), checked.stdout
    assert f"{len(RULES)} rules found".encode() in checked.stdout


def test_each_alert_fires_and_stays_quiet(promtool: str) -> None:
    """In the histories of alert-tests.yaml, played by Prometheus's own tool."""
    played = run(promtool, "test", "rules", str(FOLDER / "alert-tests.yaml"))
    assert played.returncode == 0, played.stdout + played.stderr


def test_each_alert_has_a_history_of_both_kinds() -> None:
    """Promtool says SUCCESS for a name that no rule has: the names are compared here."""
    defined = [rule["alert"] for rule in RULES]
    assert len(defined) == len(set(defined)) > 15
    tested = [(one["alertname"], bool(one["exp_alerts"])) for test in TESTS for one in test["alert_rule_test"]]
    assert sorted(tested) == sorted((name, fires) for name in defined for fires in (True, False))


@pytest.mark.parametrize(("expr", "seen_by"), [("vector(0) > 1", "fires"), ("vector(1)", "stays quiet")])
def test_a_rule_that_no_longer_works_fails_its_history(promtool: str, expr: str, seen_by: str, tmp_path: Path) -> None:
    """One that never fires is seen, and so is one that always does; promtool names each history that fails."""
    played = run(promtool, "test", "rules", with_expression(tmp_path, expr))
    failed = set(_FAILED.findall(played.stdout.decode() + played.stderr.decode()))
    assert {rule["alert"] for rule in RULES} - {alert for alert, history in failed if history == seen_by} == set()


def test_each_alert_says_what_to_do() -> None:
    """In whole sentences, and how soon somebody has to look."""
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert all(rule["annotations"][part].endswith((".", "?")) for part in ("summary", "do")), rule["alert"]


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    """By name and by label; a renamed one would leave a panel empty and an alert silent for ever."""
    metrics.know_tools(["look_up_my_account"])
    known, used = label_names(), set[str]()
    for expr in expressions():
        for name, selector in _METRIC.findall(expr):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert name in known, (name, expr)
            assert labels <= known[name] | OF_PROMETHEUS, (name, labels, expr)
            used.add(re.sub(r"_(bucket|sum|count)$", "", name))
    registered = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known if not name.startswith("process_")}
    assert registered - used == set()


def test_what_a_process_tells_is_clean(promtool: str) -> None:
    """Promtool has nothing to say against the text of a scrape: names, help and units."""
    checked = run(promtool, "check", "metrics", given=generate_latest(metrics.REGISTRY))
    assert (checked.returncode, checked.stderr) == (0, b""), checked.stderr


def test_each_expression_of_the_dashboard_can_be_read(promtool: str, tmp_path: Path) -> None:
    """Prometheus parses each of them, with Grafana's variable in place."""
    exprs = [target["expr"].replace("$__rate_interval", "5m") for panel in panels() for target in panel["targets"]]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = run(promtool, "check", "rules", str(tmp_path / "panels.yaml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dashboard_is_whole() -> None:
    """Each panel has an id, a title, a description and a place of its own, and asks the chosen Prometheus."""
    ids = [one["id"] for one in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource"]
    for panel in panels():
        assert panel["title"], panel["id"]
        assert panel["description"].endswith("."), panel["title"]
        asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(one == {"type": "prometheus", "uid": "${datasource}"} for one in asked), panel["title"]
    places = [(one["title"], one["gridPos"]) for one in DASHBOARD["panels"]]
    overlaps = [(a, b) for (a, one), (b, other) in combinations(places, 2) if overlap(one, other)]
    assert overlaps == []
    assert all(place["x"] + place["w"] <= 24 for _, place in places)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Return whether two panels stand on the same place."""
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
