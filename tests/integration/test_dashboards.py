"""What Grafana and Prometheus are given: every query parses, names only metrics that there are, and returns data after a run.

The last needs a Prometheus that scrapes a running worker: the fixture `prometheus_of_a_run`, or `queries_without_data(address)`.
"""

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.edge import metrics

pytestmark = pytest.mark.integration

DEPLOY = Path(__file__).parents[2] / "deploy"

# What Grafana puts in place of these when everything is chosen; the interval is four scrapes of a second in tests.
VARIABLES = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h", "$channel": ".*", "$queue": ".*"}
HISTOGRAM_TAILS = ("_bucket", "_sum", "_count")


def substituted(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def dashboard_queries() -> list[tuple[str, str]]:
    """(panel, query) of all dashboards, template variables substituted as if everything were chosen."""
    return [
        (f"{path.stem}: {panel['title']}: {target['legendFormat']}", substituted(target["expr"]))
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
    ]


def rules() -> list[dict[str, Any]]:
    """All recording and alerting rules."""
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    return [rule for path in files for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def queries_without_data(address: str) -> list[str]:
    """Queries of the dashboards that a Prometheus ('http://127.0.0.1:9090') has no data for now.

    It must have scraped, twice at least, a worker that has seen contacts, and have deploy/prometheus/rules loaded.
    """
    return [f"{panel}: {query}" for panel, query in dashboard_queries() if not answer(address, query)]


@pytest.fixture
def prometheus_of_a_run() -> str:
    """The address of a Prometheus that scrapes a run."""
    address = os.environ.get("PROMETHEUS_OF_A_RUN")
    if not address:
        pytest.skip("set PROMETHEUS_OF_A_RUN to the address of a Prometheus that scrapes a worker")
    return address


def answer(address: str, query: str) -> list[dict[str, Any]]:
    """The samples of an instant query."""
    text = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"{address}/api/v1/query?{text}", timeout=10) as response:
        return list(json.load(response)["data"]["result"])


def names(query: str) -> set[str]:
    """Metrics and recorded series that a query names."""
    return {name for name in re.findall(r"[a-z_]+(?::[a-z0-9_]+)*", query) if name.startswith("streams_") or ":" in name}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_committed_dashboards_are_what_the_program_writes(tmp_path: Path) -> None:
    written = run(sys.executable, str(DEPLOY / "grafana" / "dashboards.py"), str(tmp_path))

    assert written.returncode == 0, written.stderr
    for path in tmp_path.iterdir():
        assert path.read_text() == (DEPLOY / "grafana" / "dashboards" / path.name).read_text(), "run `make dashboards`"


def test_every_query_of_the_dashboards_parses(tmp_path: Path) -> None:
    queries = dashboard_queries()
    recorded = [{"record": f"query:{number}", "expr": query} for number, (_, query) in enumerate(queries)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))

    checked = run("promtool", "check", "rules", str(path))

    assert len(queries) >= 40
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_queries_name_only_metrics_that_there_are() -> None:
    exposed = {metric.name for metric in (*metrics.PIPELINE, *metrics.BUSINESS)}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    known = exposed | recorded | {f"{name}{tail}" for name in exposed for tail in HISTOGRAM_TAILS}
    texts = [*dashboard_queries(), *((rule.get("alert", rule.get("record")), rule["expr"]) for rule in rules())]

    assert [(where, sorted(names(query) - known)) for where, query in texts if names(query) - known] == []


def test_prometheus_takes_its_configuration_and_rules() -> None:
    checked = run("promtool", "check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_fire_when_they_should_and_only_then() -> None:
    tested = run("promtool", "test", "rules", str(DEPLOY / "prometheus" / "rules_test.yml"))

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_is_tried_with_numbers() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "rules_test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test.get("alert_rule_test", []) if case["exp_alerts"]}

    assert {rule["alert"] for rule in rules() if "alert" in rule} == fired


def test_every_alert_has_severity_words_and_a_runbook_that_exists() -> None:
    headings = re.findall(r"^#+ (.+)$", (DEPLOY / "README.md").read_text(), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}

    for rule in rules():
        if "alert" in rule:
            annotations = rule["annotations"]
            assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
            assert annotations["summary"], rule["alert"]
            assert annotations["description"], rule["alert"]
            assert annotations["runbook_url"] == f"deploy/README.md#{rule['alert'].lower()}"
            assert rule["alert"].lower() in anchors, rule["alert"]


def test_alertmanager_takes_its_configuration() -> None:
    checked = run("amtool", "check-config", str(DEPLOY / "alertmanager" / "alertmanager.yml"))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_query_returns_data_after_a_run(prometheus_of_a_run: str) -> None:
    assert queries_without_data(prometheus_of_a_run) == []
