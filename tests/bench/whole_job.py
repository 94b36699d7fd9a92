"""The whole default job by a worker, as users run it: every event followed through its interaction, duplicates, ten cuts, windows
of six kinds, detection, Prometheus, Redis; all stages in one process, transactions on.

Timed from intake's first commit until every day in the topic `trends` is complete. The result counts only if the contacts of
every series of every cut are those that the maker of the events kept.
"""

import time
import urllib.request
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from confluent_kafka import Consumer, KafkaException, TopicPartition
from redis_process import RedisProcess
from running import NO_COORDINATOR, System, eventually, make_system

from bench.interactions import DIMENSIONS
from bench.measure import Usage, reader
from bench.race import SECONDS_MAX, Result
from bench.topic import Topic, delete_topics
from streams.core.live import decode_trend
from streams.core.series import cut_dimensions
from streams.core.trend import CLOCK_KEY, Trend
from streams.edge.clock import now_ms

LABEL = "streams worker, the whole default job, ten cuts"
CUTS = "total,channel,queue,issue,segment,region,channel+queue,channel+issue,channel+segment,issue+region"
SHARDS = 2
LOOK_SECONDS = 0.25
SCRAPE_LOOKS = 20  # Prometheus asks every five seconds
TRENDS_SECONDS_MAX = 60

Series = tuple[str, tuple[tuple[str, str], ...]]  # a cut and its values


class Progress:
    """How far the group of a stage has committed."""

    def __init__(self, bootstrap: str, group: str, topic: Topic) -> None:
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
        self._places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]

    def done(self) -> int:
        """Records that are done."""
        try:
            return sum(max(0, place.offset) for place in self._consumer.committed(self._places, timeout=10))
        except KafkaException as error:
            if error.args[0].code() in NO_COORDINATOR:
                return 0
            raise

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()


def turn(bootstrap: str, topic: Topic, directory: Path) -> Result:
    """Run once; AssertionError when it fails, is late or miscounts."""
    here = Path(mkdtemp(prefix="worker-", dir=directory))
    redis = RedisProcess(here)
    redis.start()
    extra = {
        "STREAMS_TOPICS_INTERACTIONS": topic.name,
        "STREAMS_TOPICS_PARTITIONS": str(topic.partitions),
        "STREAMS_TOPICS_SHARDS": str(SHARDS),
        "STREAMS_INTAKE_CUTS": CUTS,
        "STREAMS_PUBLISH_REDIS_URL": redis.url,
    }
    system = make_system(here, bootstrap, extra)
    try:
        return _measure(system, topic)
    finally:
        system.children.stop()
        redis.stop()
        delete_topics(bootstrap, lambda name: name.startswith(system.environment["STREAMS_APP_NAME"]))


def _measure(system: System, topic: Topic) -> Result:
    bootstrap, name = system.environment["STREAMS_KAFKA_BOOTSTRAP_SERVERS"], system.environment["STREAMS_APP_NAME"]
    progress, usage = Progress(bootstrap, f"{name}-intake", topic), Usage()
    worker = system.children.start("worker", "worker")
    deadline, began_ms, first, looks = time.monotonic() + SECONDS_MAX, 0, 0, 0
    while (done := progress.done()) < topic.events:
        if done and not first:
            first, began_ms = done, now_ms()
        usage.look([worker.process.pid], done)
        looks += 1
        if done and looks % SCRAPE_LOOKS == 0:
            urllib.request.urlopen(f"http://127.0.0.1:{system.worker_port}/metrics", timeout=10).read()
        assert worker.process.poll() is None, f"the worker has ended: {worker.last_words()}"
        assert time.monotonic() < deadline, f"not within {SECONDS_MAX} s: {done:,} of {topic.events:,}"
        time.sleep(LOOK_SECONDS)
    ended_ms = _await_trends(bootstrap, f"{name}.trends", topic)
    usage.look([worker.process.pid], topic.events)
    progress.close()
    seconds = (ended_ms - began_ms) / 1000
    events_per_second = (topic.events - first) / seconds
    return Result(events_per_second, topic.events, seconds, usage.cpu_us_per_event, usage.peak_mebibytes)


def _await_trends(bootstrap: str, name: str, topic: Topic) -> int:
    """When (ms) the last of the trends was published that has all contacts of its day."""
    expected = offered_by_series(topic)
    days: dict[Series, Trend] = {}
    consumer = reader(bootstrap, name, SHARDS)

    def complete() -> bool:
        for message in consumer.consume(50_000, LOOK_SECONDS):
            if message.error() is None and message.key() != CLOCK_KEY and message.value():
                trend = decode_trend(message.value() or b"")
                if trend.window.kind == "1d":
                    days[(trend.cut, tuple(trend.series.items()))] = trend
        return {series: day.measures.get("offered", 0) for series, day in days.items()} == expected

    def state() -> str:
        found = sum(day.measures.get("offered", 0) for (cut, _), day in days.items() if cut == "total")
        return f"every contact in its trends, none twice; {found:,} of {expected[('total', ())]:,} in the total"

    try:
        eventually(complete, TRENDS_SECONDS_MAX, "trends are complete")
    except AssertionError as error:
        raise AssertionError(state()) from error
    finally:
        consumer.close()
    return max(day.published_ms for day in days.values())


def offered_by_series(topic: Topic) -> dict[Series, int]:
    """Contacts by series of all cuts, from what the maker of the events kept."""
    names, counts = list(DIMENSIONS), Counter[Series]()
    for values, n in topic.contacts.items():
        for cut in CUTS.split(","):
            series = tuple((name, values[names.index(name)]) for name in cut_dimensions(cut))
            counts[(cut, series)] += n
    return dict(counts)
