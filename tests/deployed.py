"""What deploy/ gives to Grafana and Prometheus, for tests: its queries and rules, a real Prometheus with them, its answers."""

import json
import math
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from running import eventually

from streams.commands.children import free_port
from streams.edge.embedded import end_with_parent

DEPLOY = Path(__file__).parents[1] / "deploy"

# What Grafana puts in place of these when everything is chosen; its interval is at least four scrapes, in tests many more.
VARIABLES = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h", "$channel": ".*", "$queue": ".*"}


def dashboard_queries() -> list[tuple[str, str]]:
    """(panel, query) of all dashboards, template variables substituted as if everything were chosen."""
    return [
        (f"{path.stem}: {panel['title']}: {target['legendFormat']}", _substituted(target["expr"]))
        for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
    ]


def _substituted(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def rules() -> list[dict[str, Any]]:
    """All recording and alerting rules."""
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    return [rule for path in files for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


@contextmanager
def prometheus(directory: Path, scraped_port: int, interval: str) -> Iterator[str]:
    """The address of a real Prometheus with the deployed rules that scrapes a worker on loopback, once it is ready."""
    config = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [f"{DEPLOY}/prometheus/rules/*.yml"],
        "scrape_configs": [{"job_name": "streams-worker", "static_configs": [{"targets": [f"127.0.0.1:{scraped_port}"]}]}],
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    listen = f"127.0.0.1:{free_port()}"
    files = (f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data")
    process = subprocess.Popen(
        ["prometheus", *files, f"--web.listen-address={listen}"], stderr=subprocess.DEVNULL, preexec_fn=end_with_parent()
    )
    try:
        eventually(lambda: _ready(f"http://{listen}/-/ready"), 30, "Prometheus is ready")
        yield f"http://{listen}"
    finally:
        process.terminate()
        process.wait(30)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def answer(address: str, query: str, time_ms: int | None = None) -> list[dict[str, Any]]:
    """The samples of an instant query, now or as of a time."""
    asked = {"query": query} if time_ms is None else {"query": query, "time": f"{time_ms / 1000:.3f}"}
    with urllib.request.urlopen(f"{address}/api/v1/query?{urllib.parse.urlencode(asked)}", timeout=10) as response:
        return list(json.load(response)["data"]["result"])


def without_data(address: str, queries: list[tuple[str, str]]) -> list[str]:
    """Of (panel, query) those that a Prometheus has no sample for now."""
    return [f"{panel}: {query}" for panel, query in queries if not answer(address, query)]


def without_numbers(address: str, queries: list[tuple[str, str]]) -> list[str]:
    """The same, where a sample that is not a number counts as none: a panel shows nothing for it."""
    return [
        f"{panel}: {query}"
        for panel, query in queries
        if not any(math.isfinite(float(sample["value"][1])) for sample in answer(address, query))
    ]
