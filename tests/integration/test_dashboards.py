"""What Grafana and Prometheus are given: every query parses, names only metrics that there are, and can return data.

That it does after a real run is shown in test_live_run.py.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from deployed import DEPLOY, answer, dashboard_queries, prometheus, rules, without_data
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from running import eventually

from streams.edge import metrics

pytestmark = pytest.mark.integration

EXPOSED = (*metrics.PIPELINE, *metrics.VITALS, *metrics.INGEST, *metrics.BUSINESS)
HISTOGRAM_TAILS = ("_bucket", "_sum", "_count")


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
    exposed = {metric.name for metric in EXPOSED}
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


@pytest.fixture
def prometheus_of_the_list(tmp_path: Path) -> Iterator[str]:
    """A real Prometheus with our rules that scrapes a sample of each metric that edge/metrics.py lists, so labelled."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    growing = [sample(metric, registry) for metric in EXPOSED]
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        with prometheus(tmp_path, server.server_port, "200ms") as address:
            eventually(lambda: answer(address, "streams_contacts_offered_total"), 30, "Prometheus scrapes")
            for grow in growing:
                grow()
            yield address
    finally:
        server.shutdown()
        thread.join()


def sample(metric: metrics.Metric, registry: CollectorRegistry) -> Callable[[], None]:
    """A metric with one sample of each label, of the type that its name says; what is returned makes it grow."""
    labels = dict.fromkeys(metric.labels, "total")
    if metric in {metrics.WAIT, metrics.HANDLE, metrics.FLUSH, metrics.FRESHNESS, metrics.PAUSES, metrics.ANSWERS}:
        histogram = Histogram(metric.name, metric.text, metric.labels, registry=registry)
        child = histogram.labels(**labels) if labels else histogram
        return lambda: child.observe(0.3)
    if metric.name.endswith("_total"):
        counter = Counter(metric.name, metric.text, metric.labels, registry=registry)
        counted = counter.labels(**labels) if labels else counter
        return lambda: counted.inc(7)
    gauge = Gauge(metric.name, metric.text, metric.labels, registry=registry)
    shown = gauge.labels(**labels) if labels else gauge
    return lambda: shown.set(7)


def test_every_query_returns_data_when_every_metric_has_a_sample(prometheus_of_the_list: str) -> None:
    queries = dashboard_queries()

    with suppress(AssertionError):  # the assertion below says which
        eventually(lambda: not without_data(prometheus_of_the_list, queries), 30, "every query returns data")
    assert without_data(prometheus_of_the_list, queries) == []
