"""Composition root: builds the parts of a worker and joins them. The only module with side effects at start.

The surprise: what can be wrong with the surroundings (no broker, missing topics, transactions asked for where there are none) is
looked at before Faust starts, so that it is said in one line.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import faust
from mode import Service

from streams import pipeline, rules
from streams.core.alert import Alert
from streams.core.errors import StreamsError
from streams.core.live import Record
from streams.edge import publisher
from streams.edge.alertmanager import AlertmanagerPublisher, make_publishers
from streams.edge.clock import now_ms
from streams.edge.http import WorkerHttp
from streams.edge.kafka import client_settings, list_topics
from streams.edge.live import LivePublisher
from streams.edge.prometheus import BusinessCollector
from streams.edge.publisher import Pace, Publisher
from streams.edge.redis import LiveView
from streams.edge.telemetry import Telemetry, make_registry
from streams.edge.vitals import Pauses, VitalsCollector
from streams.engine import app as faust_app
from streams.engine import healing
from streams.engine.collection import collect_seldom
from streams.engine.options import StageOptions
from streams.engine.probe import find_broker, knows_transactions
from streams.engine.shelf import Shelf
from streams.engine.stage import Stage
from streams.engine.store import Store
from streams.engine.tail import Tail
from streams.settings import Settings, fingerprint

LOG = logging.getLogger("streams.worker")

# Publish reads this far back when partitions come to it: merge repeats every live series within refresh_seconds, so twice
# that holds each of them. Minutes are repeated by nobody; Redis keeps a day of them, an hour fills a gap that a restart left.
BACK_REFRESHES = 2
MINUTES_BACK_SECONDS = 3600
FORECASTS_BACK_SECONDS = 26 * 3600  # days further off than tomorrow are forecast once, when a day begins

# Records handed to an agent at once, where they aren't events. In a catch-up a frame of intake holds thousands of changes, which
# merge takes in within 0.02 s, and one of merge a thousand minutes, which detect steps in 0.5 s; a trend takes 15 µs to decode, a
# customer's contact 50 µs to count. More at once would hold up all else on the loop, the pulse first.
RECORDS_AT_ONCE = {"journey": 1_000, "agents": 1_000, "merge": 4, "detect": 1, "publish": 1_000}

# Each change of a frame becomes records of merge's changelog, when it comes and when it is folded: 2 MB of frames, and what they
# lead to, fit into a transaction.
KILOBYTES_UNDER_WAY = {"merge": 2_048}

# What comes in frames is paced by intake's flushes already: to wait again for a quarter of a second would only make it older.
# Under load a flush is followed by a pause of three times its length, so this costs nothing then.
FLUSH_SECONDS = {"journey": 0.1, "agents": 0.1, "merge": 0.1, "detect": 0.1}

# Packages that log every connection and service they open and close: 50 lines around the one that counts. kafka-python, used for
# administration only, also warns of a busy machine ("Task … ran for 0.3 s"); what it can't do it raises.
CHATTY = {"kafka": logging.ERROR, "faust": logging.WARNING, "mode": logging.WARNING}


def run(settings: Settings) -> None:
    """Run a worker until it is told to stop; where Kafka fails it, a new process of it goes on. StreamsError: why it can't."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name, level in CHATTY.items():
        logging.getLogger(name).setLevel(level)
    collect_seldom()
    stages: list[Stage[pipeline.Applying]] = []

    def work(transactional: bool) -> None:
        app = faust_app.make_app(settings.app.name, Path(settings.app.data_directory))
        stages.extend(Assembly(settings, app, transactional=transactional).join())
        LOG.info("worker %s starts, settings %s", worker_name(settings), fingerprint(settings))
        if not settings.privacy.customer_key:
            LOG.warning("no [privacy] customer_key: customers are hashed with a key that can be guessed; give one by environment")
        faust_app.run(app)

    healing.run(
        partial(_look_around, settings),
        work,
        has_rival=lambda: any(stage.has_rival() for stage in stages),
        seconds_max=settings.kafka.outage_seconds_max,
    )


def worker_name(settings: Settings) -> str:
    """The stable name of this worker."""
    return settings.app.worker or socket.gethostname()


def _look_around(settings: Settings) -> bool:
    """Directory, broker and topics are there; tells whether flushes are transactions."""
    _make_directory(settings.app.data_directory)
    client = client_settings(settings)
    seconds = settings.kafka.connect_timeout_seconds
    LOG.info("looking for Kafka at %s, for up to %d s", settings.kafka.bootstrap_servers, seconds)
    find_broker(client, seconds)
    if missing := [topic.name for topic in list_topics(settings) if topic.state == "missing"]:
        raise StreamsError(f"topics are missing: {', '.join(missing)}. Create them: streams topics create")
    transactional = settings.kafka.transactions != "off" and knows_transactions(client, seconds)
    if not transactional and settings.kafka.transactions == "on":
        raise StreamsError("[kafka] transactions = 'on', but this broker knows none: use Apache Kafka, or set 'auto' or 'off'")
    if not transactional and settings.kafka.transactions == "auto":
        LOG.warning("this broker knows no transactions: counts may repeat after a crash; run one worker only")
    if not transactional and settings.engine.disk_stages:
        raise StreamsError(
            "[engine] disk_stages needs transactions: use Apache Kafka and [kafka] transactions = 'auto', or set it to []"
        )
    return transactional


def _make_directory(name: str) -> None:
    """StreamsError where the data directory can't be made or written to."""
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
        problem = "" if os.access(name, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        problem = str(error.strerror)
    if problem:
        raise StreamsError(f"can't write to {name} ({problem}): set [app] data_directory or STREAMS_APP_DATA_DIRECTORY")


class Assembly:
    """The parts of one worker."""

    def __init__(self, settings: Settings, app: faust.App, *, transactional: bool) -> None:
        self.settings = settings
        self.app = app
        self.transactional = transactional
        self.client = client_settings(settings)
        self.alertmanagers = make_publishers(settings.publish.alertmanager_urls)
        self.live = self._live()
        names = [part.name for part in self.publishers()]
        self.registry = make_registry()
        self.telemetry = Telemetry(self.registry, pipeline.sources(settings.topics), names)
        self.collector = BusinessCollector(self.registry)
        self.pauses = Pauses()
        engine = settings.engine
        self.shelf = Shelf(
            Path(settings.app.data_directory),
            engine.disk_stages,
            engine.disk_cache_megabytes,
            self.client,
            warm_replicas=engine.warm_replicas == "all",
        )

    def join(self) -> list[Stage[pipeline.Applying]]:
        """Stages, publish and background services, joined to the app; the stages."""
        settings, topics, telemetry = self.settings, self.settings.topics, self.telemetry
        telemetry.build_info(version("interaction-streams"))
        telemetry.config_info(fingerprint(settings))
        keepers: dict[str, Callable[[int, Store], pipeline.Applying]] = {
            "intake": partial(pipeline.IntakeKeeper, rules=rules.intake_rules(settings), topics=topics, telemetry=telemetry),
            "journey": partial(pipeline.JourneyKeeper, rules=rules.journey_rules(settings), topics=topics, telemetry=telemetry),
            "agents": partial(pipeline.AgentsKeeper, rules=rules.agent_rules(settings), topics=topics, telemetry=telemetry),
            "merge": partial(pipeline.MergeKeeper, rules=rules.merge_rules(settings), topics=topics, telemetry=telemetry),
            "detect": partial(pipeline.DetectKeeper, rules=rules.detect_rules(settings), topics=topics, telemetry=telemetry),
        }
        options = self._options()
        stages: list[Stage[pipeline.Applying]] = []
        for name, keeper in keepers.items():
            (source,) = pipeline.sources(topics)[name]
            options = replace(
                options,
                batch_records=RECORDS_AT_ONCE.get(name, settings.engine.batch_records),
                kilobytes_under_way=min(settings.engine.kilobytes_under_way, KILOBYTES_UNDER_WAY.get(name, 1 << 30)),
                flush_seconds=FLUSH_SECONDS.get(name, settings.engine.flush_seconds),
            )
            stores = self.shelf.stores(name, options.changelog(name), now_ms)
            stage: Stage[pipeline.Applying] = Stage(
                self.app,
                name,
                source,
                keeper,
                self.client,
                options,
                now_ms,
                telemetry,
                stores,
                rules.state_rules(settings, name),
                pipeline.PREPARE.get(name),
            )
            pipeline.run_stage(self.app, stage)
            stages.append(stage)
        tail = self._tail()
        vitals = {stage.name: stage.vitals for stage in stages}
        self.registry.register(VitalsCollector({**vitals, tail.name: tail.vitals}, self.pauses))
        pipeline.run_publish(self.app, tail, pipeline.Publish(topics, [self._take]), telemetry)
        background = Background(self)
        background.listen()
        faust_app.service_of(self.app, background)
        return stages

    def publishers(self) -> list[Publisher]:
        """Whoever is handed results over a connection."""
        return [*([self.live] if self.live else []), *self.alertmanagers]

    def _live(self) -> LivePublisher | None:
        publish = self.settings.publish
        if not publish.redis_url:
            return None
        return LivePublisher(LiveView(publish.redis_url, publish.redis_expiry_seconds, worker_name(self.settings)))

    def _options(self) -> StageOptions:
        engine, kafka = self.settings.engine, self.settings.kafka
        return StageOptions(
            app=self.settings.app.name,
            worker=worker_name(self.settings),
            flush_seconds=engine.flush_seconds,
            flush_seconds_max=engine.flush_seconds_max,
            drain_seconds=engine.flush_seconds,
            batch_records=engine.batch_records,
            batches_under_way=engine.batches_under_way,
            fetch_queue_kilobytes=engine.fetch_queue_kilobytes,
            kilobytes_under_way=engine.kilobytes_under_way,
            session_timeout_seconds=kafka.session_timeout_seconds,
            transaction_timeout_seconds=kafka.transaction_timeout_seconds,
            transactional=self.transactional,
        )

    def _tail(self) -> Tail:
        topics = self.settings.topics
        back_seconds = BACK_REFRESHES * self.settings.merge.refresh_seconds
        starts = {
            topics.trends: back_seconds,
            topics.expectations: MINUTES_BACK_SECONDS,
            topics.forecasts: FORECASTS_BACK_SECONDS,
            topics.alerts: None,
        }
        options = replace(self._options(), batch_records=RECORDS_AT_ONCE["publish"])
        return Tail(self.app, "publish", starts, self.client, options, now_ms, self.telemetry, self._drop)

    def _take(self, topic: str, partition: int, record: Record) -> None:
        self.collector.update(topic, partition, record)
        if self.live is not None:
            self.live.put(topic, partition, record)
        if isinstance(record, Alert):
            for alertmanager in self.alertmanagers:
                alertmanager.put(topic, partition, record)

    def _drop(self, topic: str, partition: int) -> None:
        holders: list[BusinessCollector | LivePublisher | AlertmanagerPublisher] = [self.collector, *self.alertmanagers]
        for holder in [*holders, *([self.live] if self.live else [])]:
            holder.drop(topic, partition)


class Background(Service):
    """What runs beside the stages: the worker's HTTP, and a loop per publisher."""

    def __init__(self, assembly: Assembly) -> None:
        super().__init__()
        self._assembly = assembly
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []
        worker = assembly.settings.worker
        self._http = WorkerHttp(worker.host, worker.port, assembly.registry, lambda: assembly.telemetry.health(now_ms()))

    def listen(self) -> None:
        """Take the port, before Faust starts: a failure of a service at start is lost in its log, and the exit status is 0."""
        self._http.listen()

    async def on_start(self) -> None:
        """Answer, and begin to hand over."""
        self._assembly.pauses.watch()
        port = await self._http.start()
        LOG.info("metrics and health on http://%s:%d", self._assembly.settings.worker.host, port)
        publish = self._assembly.settings.publish
        pace = Pace(publish_seconds=publish.publish_seconds, retry_seconds_max=publish.retry_seconds_max)
        telemetry = self._assembly.telemetry
        runs = [publisher.run(part, pace, telemetry, now_ms, self._stop) for part in self._assembly.publishers()]
        self._running = [asyncio.create_task(run) for run in runs]  # not add_future: Faust would cancel their farewell

    async def on_stop(self) -> None:
        """Let the publishers say farewell; close the door."""
        self._stop.set()
        await asyncio.gather(*self._running)
        await self._http.stop()
        self._assembly.pauses.leave()
