"""One real, live run for tests: worker, board, simulated feed and a Prometheus that scrapes; and what its topics say.

The feed plays an hour of the past first, so that every minute has an expectation; then it goes on live, with four times as many
contacts as before: a spike. The surprise: the time zone is chosen so that it is about noon there; no day ends during the run.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from confluent_kafka import Producer
from deployed import prometheus
from running import System, ask, eventually, make_system

from streams import settings
from streams.core.alert import Alert
from streams.core.live import record_series
from streams.core.trend import CLOCK_KEY, Clock, Expectation, Trend
from streams.edge.clock import now_ms
from streams.edge.reader import read
from streams.settings import Settings

# Contacts per minute of the past, and of what is live: enough that a minute of each queue can be compared with Prometheus.
PAST_RATE, FACTOR = 60, 4
LIVE_RATE = PAST_RATE * FACTOR
# An hour for the service level of half an hour, ten minutes for series that are watched from their second half hour on.
PAST_MINUTES = 70


class Arrival(NamedTuple):
    """A contact as the topic has it: the queue that it is counted in, and when the record that tells the queue was produced."""

    queue: str
    produced_ms: int


class Message(NamedTuple):
    """One server-sent event, and when it arrived."""

    name: str
    data: dict[str, Any]
    arrived_ms: int


class LiveRun:
    """A run that is live; `prometheus` and `board` are addresses."""

    def __init__(self, system: System, prometheus_address: str) -> None:
        self.system = system
        self.prometheus = prometheus_address
        self.board = f"http://127.0.0.1:{system.board_port}"
        self.settings: Settings = settings.load([], system.environment)
        self.worker = system.start_worker()
        system.start_board()
        self.started_ms = now_ms()
        incident = f"spike:+0m:30m:x{FACTOR}"
        past = ("--rate", str(PAST_RATE), "--minutes", str(PAST_MINUTES))
        self.feed = system.children.start("feed", "simulate", "--demo", *past, "--incident", incident)
        eventually(self._is_live, 60, "the past is played and the board shows a live feed")
        self.live_ms = now_ms()

    def _is_live(self) -> bool:
        assert self.feed.process.poll() is None, f"the feed has ended: {self.feed.last_words()}"
        health = ask(f"{self.board}/api/v1/health")
        return health is not None and (health["status"], health["feed"]) == ("ok", "live")

    def arrivals(self) -> list[Arrival]:
        """Simulated contacts on the topic `interactions`: an independent count, by each contact's first known queue."""
        offered: set[str] = set()
        queued: dict[str, Arrival] = {}
        for message in read(self.settings, self.settings.topics.interactions):
            event = json.loads(message.value() or b"")
            if event["source"] != "simulator" or event["type"] == "heartbeat":
                continue
            if event["type"] == "offered":
                offered.add(event["interaction_id"])
            if "queue" in event:
                queued.setdefault(event["interaction_id"], Arrival(event["queue"], message.timestamp()[1]))
        return [arrival for contact, arrival in queued.items() if contact in offered]

    def trends(self, series: str, kind: str) -> list[Trend]:
        """Every record of a series and kind of window that is still on the topic `trends`, in their order."""
        messages = read(self.settings, self.settings.topics.trends)
        found = [msgspec.json.decode(message.value() or b"", type=Trend) for message in messages if message.key() != CLOCK_KEY]
        return [trend for trend in found if record_series(trend) == series and trend.window.kind == kind]

    def pulses(self) -> list[Clock]:
        """Every pulse on the topic `trends`."""
        messages = read(self.settings, self.settings.topics.trends)
        return [msgspec.json.decode(message.value() or b"", type=Clock) for message in messages if message.key() == CLOCK_KEY]

    def minutes(self, series: str) -> dict[int, Expectation]:
        """start_ms → the latest record of a closed minute of a series."""
        messages = read(self.settings, self.settings.topics.expectations)
        found = (msgspec.json.decode(message.value() or b"", type=Expectation) for message in messages)
        return {minute.start_ms: minute for minute in found if record_series(minute) == series}

    def alerts(self) -> list[Alert]:
        """Every version of every alert on the topic `alerts`."""
        messages = read(self.settings, self.settings.topics.alerts)
        return [msgspec.json.decode(message.value() or b"", type=Alert) for message in messages]

    def produce(self, event: dict[str, Any]) -> int:
        """Send one event as any producer would; the moment (ms) just before."""
        producer = Producer({"bootstrap.servers": self.settings.kafka.bootstrap_servers, "linger.ms": 0})
        producer.list_topics(timeout=10)  # connected before the clock runs
        before_ms = now_ms()
        producer.produce(self.settings.topics.interactions, msgspec.json.encode(event), str(event["interaction_id"]))
        producer.flush(10)
        return before_ms

    def stream(self, seconds: float) -> Iterator[Message]:
        """The board's server-sent events, for so long."""
        ends = time.monotonic() + seconds
        with closing(urllib.request.urlopen(f"{self.board}/stream", timeout=10)) as answer:
            name = ""
            for line in answer:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                if field == "data":
                    yield Message(name, json.loads(value), now_ms())
                if time.monotonic() > ends:
                    return


def noon_zone(at_ms: int) -> str:
    """A time zone in which it is between 12 and 13 o'clock: 02:11 UTC → 'Etc/GMT-10', which is ten hours ahead of UTC."""
    hour = at_ms // 3_600_000 % 24
    return f"Etc/GMT{hour - 12:+d}"


@contextmanager
def live_run(directory: Path, bootstrap: str, redis_url: str) -> Iterator[LiveRun]:
    """A live run; ends all its processes."""
    directory.mkdir()
    graces = {
        f"STREAMS_MERGE_GRACE_{kind}_SECONDS": seconds
        for kind, seconds in (("1M", "10"), ("15M", "60"), ("1H", "60"), ("1D", "60"))
    }
    extra = {**graces, "STREAMS_PUBLISH_REDIS_URL": redis_url, "STREAMS_MERGE_TIME_ZONE": noon_zone(now_ms())}
    system = make_system(directory, bootstrap, extra)
    try:
        with prometheus(directory / "prometheus", system.worker_port, "1s") as address:
            yield LiveRun(system, address)
    finally:
        system.children.stop()
