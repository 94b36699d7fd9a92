"""The worker's exposition against the real promtool and a real Prometheus."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from time import monotonic

import msgspec
import pytest
from aiohttp import ClientError, ClientSession
from alert_made_up import made_up_alert
from prometheus_client import CollectorRegistry, generate_latest

from streams.commands.children import free_port
from streams.core.measure import HANDLE_BOUNDARIES_MS, NAMES, WAIT_BOUNDARIES_MS
from streams.core.trend import Expectation, KpiValue, Trend, Window
from streams.edge.http import WorkerHttp
from streams.edge.prometheus import BusinessCollector
from streams.edge.telemetry import Telemetry, make_registry
from streams.edge.vitals import Pauses, VitalsCollector
from streams.engine.telemetry import Vitals

pytestmark = pytest.mark.integration

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs: [{{job_name: worker, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
"""

TREND = Trend(
    cut="channel+queue",
    series={"channel": "voice", "queue": "billing"},
    window=Window("today", 0, 86_400_000, "UTC"),
    final=False,
    revision=1,
    measures=dict.fromkeys(NAMES.values(), 7),
    kpis={"contacts_in_queue": KpiValue(2.0, 2), "oldest_in_queue": KpiValue(31.5, 2)},
    waits=[1] * (len(WAIT_BOUNDARIES_MS) + 1),
    handles=[2] * (len(HANDLE_BOUNDARIES_MS) + 1),
    watermark_ms=0,
    read_ms=None,
    published_ms=0,
)
MINUTE = Expectation(
    cut="queue",
    series={"queue": "billing"},
    start_ms=0,
    end_ms=60_000,
    actual=3,
    expected=5.0,
    low=1.0,
    high=9.0,
    published_ms=0,
)
ALERT = made_up_alert()


class Worker:
    """A worker's registry, telemetry and business metrics, filled."""

    def __init__(self) -> None:
        self.registry: CollectorRegistry = make_registry()
        self.telemetry = Telemetry(self.registry, {"intake": ["interactions"], "merge": ["partials"]}, ["redis"])
        self.business = BusinessCollector(self.registry)
        self.registry.register(VitalsCollector({"intake": lambda: Vitals(2, 4_096, 1.5, 1)}, Pauses()))
        self.telemetry.build_info("0.1.0")
        self.telemetry.config_info("abcdef")
        self.telemetry.contradictions("answered_twice", 1)
        self.telemetry.lag("interactions", 0, 5)
        self.telemetry.watermark("merge", 0, 1_000)
        self.telemetry.heartbeat("merge", 1_000)
        self.telemetry.recovered("merge", 0, 0.2, 5)
        self.telemetry.freshness(0.4)
        self.business.update("trends", 0, TREND)
        self.business.update("trends", 1, msgspec.structs.replace(TREND, series={"channel": "chat", "queue": 'a "b" \\ c'}))
        self.business.update("expectations", 0, MINUTE)
        self.business.update("alerts", 0, ALERT)


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Starts a Prometheus that scrapes a port; gives its address."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus isn't installed")
    processes: list[subprocess.Popen[bytes]] = []

    def start(scraped: int) -> str:
        port = free_port()
        (tmp_path / "prometheus.yml").write_text(CONFIG.format(port=scraped))
        command = [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait(20)


async def query(session: ClientSession, address: str, text: str) -> dict[str, float]:
    """The value of each series of an instant query, by its queue label; empty while Prometheus isn't up."""
    try:
        async with session.get(f"{address}/api/v1/query", params={"query": text}) as answer:
            content = await answer.json()
    except ClientError:
        return {}
    if content.get("status") != "success":
        return {}
    return {sample["metric"].get("queue", ""): float(sample["value"][1]) for sample in content["data"]["result"]}


async def eventually(ask: Callable[[], Awaitable[dict[str, float]]], expected: dict[str, float]) -> None:
    """Wait up to 30 s until an answer is as expected."""
    deadline = monotonic() + 30
    while (actual := await ask()) != expected:
        assert monotonic() < deadline, f"{actual} instead of {expected}"
        await asyncio.sleep(0.1)


def test_promtool_accepts_the_whole_exposition() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool isn't installed")
    exposition = generate_latest(Worker().registry)
    check = subprocess.run(["promtool", "check", "metrics"], input=exposition, capture_output=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


def test_prometheus_scrapes_the_worker_and_forgets_series_that_moved(start_prometheus: Callable[[int], str]) -> None:
    async def scenario() -> None:
        worker = Worker()
        http = WorkerHttp("127.0.0.1", 0, worker.registry, lambda: worker.telemetry.health(0))
        address = start_prometheus(await http.start())
        async with ClientSession() as session:

            def asking(text: str) -> Callable[[], Awaitable[dict[str, float]]]:
                return lambda: query(session, address, text)

            await eventually(asking("streams_contacts_offered_total"), {"billing": 7, 'a "b" \\ c': 7})
            await eventually(asking("streams_oldest_wait_seconds{queue='billing'}"), {"billing": 31.5})
            await eventually(asking("streams_contacts_expected_high"), {"billing": 9})
            await eventually(asking("streams_alert_firing{kind='spike'} > 0"), {"billing": 1})
            await eventually(asking("streams_consumer_lag_records"), {"": 5})
            await eventually(asking("streams_wait_seconds_bucket{queue='billing',le='20.0'}"), {"billing": 4})

            worker.business.update("trends", 0, msgspec.structs.replace(TREND, revision=2, measures={"offered": 27}))
            await eventually(asking("increase(streams_contacts_offered_total{queue='billing'}[1h]) > bool 0"), {"billing": 1})
            await eventually(asking("streams_contacts_offered_total{queue='billing'}"), {"billing": 27})

            worker.business.drop("trends", 0)
            await eventually(asking("streams_contacts_offered_total"), {'a "b" \\ c': 7})
        await http.stop()

    asyncio.run(scenario())
