"""One live run seen from all its ends: Prometheus, Grafana's queries, the board in Chromium and the topics tell the same.

The surprise: the tests share the run and its time. They stand in the order in which their evidence comes up; the last one stops
the worker.
"""

import signal
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from chromium import Wall, launched, quiet_wall
from deployed import answer, dashboard_queries, rules, without_numbers
from live_run import LIVE_RATE, PAST_MINUTES, LiveRun, live_run
from playwright.sync_api import Browser, Page, expect
from running import eventually

from streams.core.series import series_of
from streams.edge.clock import now_ms

pytestmark = [pytest.mark.integration, pytest.mark.alone]

STALE_SECONDS = 5  # within which the page must say so
QUEUES = ("billing", "technical", "orders", "sales", "retention")  # the simulator's
WINDOW_MS = 60_000
SCRAPE_MS = 2_000  # Prometheus scrapes each second; one scrape may be missed on a busy machine
LAG_MS_MAX = 3_000  # from a record's production to the counter: beyond it the board would say stale


@pytest.fixture(scope="module")
def run(work_directory: Path, kafka: str, redis_server: str) -> Iterator[LiveRun]:
    """The run, in a Redis database that no other test fills."""
    with live_run(work_directory / "live", kafka, f"{redis_server.removesuffix('/0')}/9") as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with launched() as one:
        yield one


@pytest.fixture
def wall(browser: Browser) -> Iterator[Wall]:
    """Pages that must not complain."""
    with quiet_wall(browser) as one:
        yield one


def text(page: Page, selector: str) -> str:
    return page.locator(selector).text_content() or ""


def number(shown: str) -> int:
    """'today 1,792' → 1792."""
    return int(shown.removeprefix("today ").replace(",", ""))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Puts a measured figure on the terminal, whether the test passes or not."""

    def line(words: str) -> None:
        with capsys.disabled():
            pytestconfig.get_terminal_writer().line(f"\n{words}")

    return line


def test_promtool_accepts_the_metrics_of_a_live_worker(run: LiveRun) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{run.system.worker_port}/metrics", timeout=10) as exposition:
        checked = subprocess.run(["promtool", "check", "metrics"], input=exposition.read(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_contact_is_on_the_board_within_seconds_of_being_produced(run: LiveRun, say: Callable[[str], None]) -> None:
    took = sorted(seconds_to_the_board(run, f"probe-{number}") for number in range(8))
    say(f"from producing to the board's stream: {', '.join(f'{one:.2f}' for one in took)} s")
    assert took[-1] < 5


def seconds_to_the_board(run: LiveRun, queue: str) -> float:
    """From just before a contact in a queue of its own is produced until the board's stream tells of that queue."""
    stream = run.stream(30)
    next(stream)  # connected
    at_ms = now_ms()
    contact = {"id": queue, "source": "probe", "type": "offered", "time": at_ms, "interaction_id": queue}
    produced_ms = run.produce({**contact, "channel": "voice", "queue": queue})
    for message in stream:
        if any(trend["key"] == series_of("queue", queue) for trend in message.data.get("trends", ())):
            return (message.arrived_ms - produced_ms) / 1000
    pytest.fail(f"the contact of queue {queue} did not come to the board within 30 s")


def test_the_tiles_change_and_show_what_the_topic_says(run: LiveRun, wall: Wall) -> None:
    page = wall.open(run.board)
    seen: dict[str, set[int]] = {"30m": set(), "today": set()}

    def watched_enough() -> bool:
        seen["30m"].add(number(text(page, "#tile-offered .value")))
        seen["today"].add(number(text(page, "#tile-offered .day")))
        return min(map(len, seen.values())) >= 5

    eventually(watched_enough, 30, "five different figures")
    for kind, shown in seen.items():
        on_topic = {trend.measures["offered"] for trend in run.trends("total", kind)}
        assert shown <= on_topic, kind


def test_the_command_says_what_the_page_says(run: LiveRun, wall: Wall) -> None:
    page = wall.open(run.board)
    before = number(text(page, "#tile-offered .day"))
    (trend,) = run.system.lines("trends", "--cut", "total", "--window", "today", "--json")
    said = trend["measures"]["offered"]
    eventually(lambda: number(text(page, "#tile-offered .day")) >= said, 5, "the page comes to what the command said")
    assert before <= said


def test_the_stream_of_the_board_equals_the_topic_revision_by_revision(run: LiveRun) -> None:
    streamed = {
        (trend["key"], trend["kind"], trend["revision"]): trend["kpis"]
        for message in run.stream(5)
        for trend in message.data.get("trends", ())
        if trend["key"] in ("total", series_of("queue", "billing")) and trend["kind"] in ("30m", "today")
    }
    published = {
        (series, kind, trend.revision): trend.kpis
        for series in ("total", series_of("queue", "billing"))
        for kind in ("30m", "today")
        for trend in run.trends(series, kind)
    }
    assert len(streamed) >= 10
    for key, kpis in streamed.items():
        assert {name: (kpi["value"], kpi["n"]) for name, kpi in kpis.items()} == {
            name: (None if (value := published[key][name].value) is None else round(value, 4), published[key][name].n)
            for name in kpis
        }, key


def test_the_chart_draws_the_closed_minutes_of_the_topic_with_their_bands(run: LiveRun, wall: Wall) -> None:
    page = wall.open(run.board)
    page.wait_for_selector("#chart .main-svg")
    watched = PAST_MINUTES - run.settings.detect.warm_up_minutes - 1  # the first and the last may not be whole
    eventually(lambda: len(drawn_lines(page)["actual"][0]) >= watched, 30, f"{watched} minutes are drawn")
    drawn = drawn_lines(page)
    zone = ZoneInfo(run.settings.merge.time_zone)
    starts = [round(datetime.fromisoformat(x).replace(tzinfo=zone).timestamp() * 1000) for x in drawn["actual"][0]]
    minutes = run.minutes("total")
    expected = [minutes[start] for start in starts]
    assert starts == list(range(starts[0], starts[-1] + 1, 60_000)), "a minute is missing"
    assert drawn["actual"][1] == [minute.actual for minute in expected]
    assert drawn["expected"][1] == [minute.expected for minute in expected]
    assert drawn["low"][1] == [minute.low for minute in expected]
    assert drawn["band"][1] == [minute.high for minute in expected]
    assert all(minute.low <= minute.expected <= minute.high for minute in expected)


def drawn_lines(page: Page) -> dict[str, Any]:
    """Name → x and y of each line of the chart."""
    lines = "document.getElementById('chart').data.map((trace) => [trace.name, [trace.x, trace.y]])"
    found: dict[str, Any] = page.evaluate(f"Object.fromEntries({lines})")
    return found


def test_prometheus_returns_the_simulated_rate_by_queue(run: LiveRun, say: Callable[[str], None]) -> None:
    # The first such minute: the simulator's own incidents begin two minutes after its start.
    end_ms = run.live_ms + LAG_MS_MAX + SCRAPE_MS + WINDOW_MS
    eventually(lambda: now_ms() > end_ms, 90, "a minute of live contacts has passed")
    query = f"sum by (queue) (increase(streams_contacts_offered_total[{WINDOW_MS // 1000}s]))"
    rates = {one["metric"]["queue"]: float(one["value"][1]) for one in answer(run.prometheus, query, end_ms)}
    arrivals = run.arrivals()

    def count(from_ms: int, to_ms: int) -> Counter[str]:
        return Counter(arrival.queue for arrival in arrivals if from_ms <= arrival.produced_ms < to_ms)

    # A sample counts all that was produced until LAG_MS_MAX before it, and nothing after it. The first sample is up to SCRAPE_MS
    # after the window's start, the last so much before its end; Prometheus scales what lies between to the whole window.
    start_ms = end_ms - WINDOW_MS
    fewest = count(start_ms + SCRAPE_MS, end_ms - SCRAPE_MS - LAG_MS_MAX)
    most = count(start_ms - LAG_MS_MAX, end_ms)
    scale = WINDOW_MS / (WINDOW_MS - 2 * SCRAPE_MS)
    counted = count(start_ms, end_ms)
    said = ", ".join(f"{queue} {rates[queue]:.1f} (topic {counted[queue]})" for queue in QUEUES)
    say(f"contacts per minute by Prometheus: {said}")
    for queue in QUEUES:
        assert fewest[queue] <= rates[queue] <= scale * most[queue], queue
    # Four standard deviations of a Poisson number.
    assert abs(counted.total() - LIVE_RATE) < 4 * LIVE_RATE**0.5


def test_every_query_of_the_dashboards_returns_numbers(run: LiveRun) -> None:
    # Of what is to come nobody knows anything within the first days; test_prometheus.py has its figures.
    now = [(panel, query) for panel, query in dashboard_queries() if "forecast" not in query]
    assert without_numbers(run.prometheus, now) == []


def test_every_recording_rule_returns_numbers_and_no_alert_on_the_pipeline_fires(run: LiveRun) -> None:
    recorded = [("rule", rule["record"]) for rule in rules() if "record" in rule]
    assert without_numbers(run.prometheus, recorded) == []
    fires = answer(run.prometheus, 'ALERTS{alertstate="firing", alertname=~"Streams.*"}')
    assert [alert["metric"]["alertname"] for alert in fires] == []


def test_the_spike_fires_on_the_page_as_on_the_topic(run: LiveRun, wall: Wall) -> None:
    page = wall.open(run.board)
    card = page.locator("#alerts .alert", has_text="▲ Spike – all contacts")
    expect(card).to_be_visible(timeout=180_000)
    shown = text(page, "#alerts .alert:has-text('Spike – all contacts') .amount")
    said = [one for one in run.system.lines("alerts", "--json") if (one["kind"], one["cut"]) == ("spike", "total")][-1]
    versions = [alert for alert in run.alerts() if alert.alert_id == said["alert_id"] and alert.state == "firing"]
    # The page rounds a half up, Python's format to the even number.
    assert any(f" {alert.observed:,} contacts instead of {int(alert.expected + 0.5):,} " in shown for alert in versions), shown
    assert said["state"] == "firing"
    spikes = 'sum(streams_alert_firing{kind="spike", queue="", channel=""})'
    eventually(lambda: number_of(answer(run.prometheus, spikes)) == 1, 10, "Prometheus has it, too")


def number_of(samples: list[dict[str, Any]]) -> float:
    """The one sample of an answer."""
    (sample,) = samples
    return float(sample["value"][1])


def test_the_page_says_stale_within_5_seconds_of_the_last_pulse_of_a_stopped_worker(
    run: LiveRun, wall: Wall, say: Callable[[str], None]
) -> None:
    page = wall.open(run.board)
    expect(page.locator("#freshness .words")).to_have_text("live")
    run.worker.process.send_signal(signal.SIGTERM)
    eventually(lambda: text(page, "#freshness .words") == "STALE", 30, "the page says stale")
    stale_ms = now_ms()
    last_ms = {pulse.shard: min(pulse.published_ms, pulse.heard_ms or 0) for pulse in run.pulses()}
    took = (stale_ms - min(last_ms.values())) / 1000
    say(f"from the last pulse to 'stale' on the page: {took:.1f} s")
    assert took < STALE_SECONDS
    expect(page.locator("#banner")).to_contain_text("✕ STALE – The pipeline's pulse has stopped")
    assert run.worker.process.wait(10) == 0
