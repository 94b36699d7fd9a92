"""The system of a run: broker, topics, workers, a supervisor that starts again what died, and a producer of input.

The surprise: a worker that stops with an error is right to do so only where somebody else took its place meanwhile. Any other
error, of the engine or of the core, is a finding and ends the run.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

from contribution_rules import CONTRIBUTION
from forecast_rules import FORECAST
from intake_fakes import make_rules
from merge_feed import RULES as MERGE_RULES
from msgspec.structs import replace
from simulation.broker import Broker, Strictness
from simulation.clients import Kafka
from simulation.events import START_MS, ends, events
from simulation.stages import SimulatedStage
from simulation.tally import Tally
from simulation.transactions import Place
from simulation.world import Process, World
from threshold_rules import NO_THRESHOLDS

from streams import pipeline, settings
from streams.core.detect import DetectRules
from streams.core.errors import StreamsError
from streams.core.journey import JourneyRules
from streams.edge.telemetry import Telemetry
from streams.engine.errors import KafkaFailed
from streams.engine.options import StageOptions
from streams.engine.store import Store
from streams.settings import Topics

DAY_MS = 86_400_000
WALL_MS = START_MS + 30 * DAY_MS  # a replay: no wall clock comes near the events, however it jumps
SHARDS = 2
REPEAT_MS = 10 * 60_000  # shorter than a run, so that the times of first contacts come to an end in it
SESSION_SECONDS = 2.0
TRANSACTION_SECONDS = 3.0
RESTART_SECONDS_MAX = 5  # past a session now and then
SUPERVISE_MS = 200
FLUSH_RECORDS_MAX = (1, 20, 50_000)  # a partition a flush, some, or all of them
STAGES = ("intake", "journey", "merge", "detect")
Change = Callable[[SimulatedStage], None]


class Finding(AssertionError):  # noqa: N818  # a run looks for it
    """Something that must not happen."""


class Worker:
    """One process with its stages."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self.process = process
        self.stages: list[SimulatedStage] = []
        self.slept_ms: int | None = None

    def stop(self) -> None:
        """SIGTERM."""
        for stage in self.stages:
            stage.stopping = True

    @property
    def gone(self) -> bool:
        """Dead, or left."""
        return self.process.dead or all(stage.left for stage in self.stages)


class Cluster:
    """All of it. `change` makes a defect of each stage as it is built."""

    def __init__(self, world: World, strictness: Strictness, change: Change, *, partitions: int, contacts: int) -> None:
        self.world = world
        self.tally = Tally()
        self.change = change
        self.topics = _topics(partitions)
        self.app = "sim"
        self.broker = Broker(world, self._partitions(), strictness)
        self.kafka = Kafka(self.broker)
        for stage in STAGES:
            (source,) = pipeline.sources(self.topics)[stage]
            self.broker.add_group(f"{self.app}-{stage}", source, round(SESSION_SECONDS * 1000))
        self.workers: list[Worker] = []
        self.wanted: list[str] = []
        self.findings: list[BaseException] = []
        self.skew_ms = 0
        self.deaths = 0
        self.lives = 0
        self.flush_records_max = world.random.choice(FLUSH_RECORDS_MAX)
        minutes = world.random.choice([6, 12, 20])
        self.logs = [events(world.random, partition, contacts, minutes) + ends(partition) for partition in range(partitions)]
        self._unsent = [list(log) for log in self.logs]
        world.at(0, "input", self._send)
        self._restart_ms: dict[str, int] = {}
        world.every(SUPERVISE_MS, self._start_missing)

    def start(self, name: str) -> Worker:
        """A process begins to run."""
        self.lives += 1
        worker = Worker(name, Process(f"{name}.{self.lives}"))
        self.workers.append(worker)
        options = StageOptions(
            app=self.app,
            worker=name,
            flush_seconds=0.4,
            flush_seconds_max=1.0,
            drain_seconds=0.4,
            batch_records=20,
            batches_under_way=4,
            kilobytes_under_way=16,
            fetch_queue_kilobytes=1024,
            session_timeout_seconds=SESSION_SECONDS,
            transaction_timeout_seconds=TRANSACTION_SECONDS,
            transactional=True,
            flush_records_max=self.flush_records_max,
        )
        for stage in STAGES:
            self._start_stage(worker, stage, options)
        return worker

    def kill(self, worker: Worker) -> None:
        """kill -9; what it had handed to the network may still arrive."""
        self.world.note(f"{worker.process.name} is killed")
        self.world.kill(worker.process)
        self.deaths += 1
        for process, producer in self.kafka.producers:
            if process is worker.process:
                due_ms = self.world.now_ms + self.world.random.randrange(1, 4_000)
                self.world.at(due_ms, "a late packet", producer.orphan)

    def input_left(self) -> int:
        """Records not yet sent."""
        return sum(map(len, self._unsent))

    def alive(self) -> list[Worker]:
        """Workers that are neither dead nor gone; some may be asleep."""
        for worker in self.workers:
            if worker.gone and not worker.process.dead:  # its process ends
                self.world.kill(worker.process)
        self.workers = [worker for worker in self.workers if not worker.gone]
        return self.workers

    def idle(self) -> bool:
        """Whether no flush and no transaction is under way anywhere."""
        decisions = self.broker.coordinator
        return not (decisions.open or decisions.deciding or any(worker.process.in_flush for worker in self.alive()))

    def ends(self, stage: str) -> dict[Place, int]:
        """Where the records end that a stage has to read now."""
        (topic,) = pipeline.sources(self.topics)[stage]
        places = [(topic, partition) for partition in range(self.broker.partitions[topic])]
        records = {place: self.broker.logs[place].committed() for place in places}
        return {place: found[-1].offset + 1 for place, found in records.items() if found}

    def has_committed(self, stage: str, ends: dict[Place, int]) -> bool:
        """Whether all is sent and a stage has come so far."""
        committed = self.broker.groups[f"{self.app}-{stage}"].committed
        return self.input_left() == 0 and all(
            place in committed and committed[place].offset >= end for place, end in ends.items()
        )

    def _start_stage(self, worker: Worker, name: str, options: StageOptions) -> None:
        (source,) = pipeline.sources(self.topics)[name]
        now_ms = lambda: WALL_MS + self.skew_ms + self.world.now_ms  # noqa: E731  # a clock in one line
        stage = SimulatedStage(
            self.kafka,
            worker.process,
            name,
            source,
            self._keeper(name),
            options,
            now_ms,
            self.tally.take if name == "intake" else lambda: None,
        )
        self.change(stage)
        worker.stages.append(stage)
        for what, work in (("source", stage.run_source), ("agent", stage.run_agent), ("flush", stage.run_flushes)):
            self.world.spawn(worker.process, f"{name} {what}", partial(self._guard, worker, work))

    def _guard(self, worker: Worker, work: Callable[[], None]) -> None:
        """An error ends the process; it is a finding unless somebody took its place."""
        try:
            work()
        except StreamsError as error:
            self.world.note(f"{worker.process.name} stops: {error}")
            if not isinstance(error, KafkaFailed):
                self.findings.append(error)
            self.kill(worker)
        except AssertionError as error:
            self.findings.append(error)
            self.kill(worker)

    def _keeper(self, name: str) -> Callable[[int, Store], pipeline.Applying]:
        topics, telemetry = self.topics, cast(Telemetry, self.tally)
        rules = make_rules(shards=SHARDS, cuts=("total", "queue"), idle_ms=100 * DAY_MS)
        if name == "journey":
            journey_rules = JourneyRules(counting=rules, sources=topics.partitions, repeat_ms=REPEAT_MS)
            return lambda partition, store: pipeline.JourneyKeeper(partition, store, journey_rules, topics, telemetry)
        if name == "intake":
            return lambda partition, store: pipeline.IntakeKeeper(partition, store, rules, topics, telemetry)
        if name == "merge":
            sources = topics.partitions + topics.contact_partitions
            watched = {"watch_cuts": frozenset({"total", "queue"}), "contribution_cuts": frozenset({"queue"})}
            merge_rules = replace(MERGE_RULES, shards=SHARDS, sources=sources, **watched)
            return lambda shard, store: pipeline.MergeKeeper(shard, store, merge_rules, topics, telemetry)
        return lambda partition, store: pipeline.DetectKeeper(partition, store, DETECT_RULES, topics, telemetry)

    def _send(self) -> None:
        """Some records of a partition; the rest waits a while."""
        random = self.world.random
        partition = random.choice([number for number, unsent in enumerate(self._unsent) if unsent])
        unsent = self._unsent[partition]
        for value in unsent[: random.choice([1, 5, 20])]:
            self.broker.logs[self.topics.interactions, partition].append(b"key", value, [])
            unsent.pop(0)
        if self.input_left():
            self.world.at(self.world.now_ms + random.randrange(600), "input", self._send)

    def _start_missing(self) -> None:
        running = {worker.name for worker in self.alive()}
        for name in self.wanted:
            if name not in running and self._restart_ms.get(name, -1) <= self.world.now_ms:
                self.start(name)
                self._restart_ms[name] = self.world.now_ms + self.world.random.randrange(RESTART_SECONDS_MAX * 1000)

    def _partitions(self) -> dict[str, int]:
        topics = self.topics
        partitions = {
            topics.interactions: topics.partitions,
            topics.rejected: topics.partitions,
            topics.late: topics.partitions,
            topics.contacts: topics.contact_partitions,
            topics.agents: topics.agent_partitions,
            topics.partials: SHARDS,
            topics.minutes: 1,
            topics.trends: SHARDS,
            topics.expectations: SHARDS,
            topics.alerts: SHARDS,
            topics.forecasts: SHARDS,
        }
        changelogs = {f"{self.app}-{stage}-changelog": partitions[pipeline.sources(topics)[stage][0]] for stage in STAGES}
        return {**partitions, **changelogs}


DETECT_RULES = DetectRules(
    cuts=("total", "queue"),
    false_alarms_per_day=50.0,
    memory_minutes=5,
    warm_up_minutes=3,
    contacts_min=3,
    ratio_min=1.1,
    cool_down_minutes=2,
    resolve_minutes=2,
    runbook="",
    forecast=replace(FORECAST, cuts=("total", "queue"), slot_minutes=5, days_ahead=1),
    contribution=replace(CONTRIBUTION, cuts=("queue",)),
    thresholds=NO_THRESHOLDS,
)


def _topics(partitions: int) -> Topics:
    """By their names in config/default.toml."""
    return replace(settings.load([], {}).topics, partitions=partitions, contact_partitions=2, shards=SHARDS)
