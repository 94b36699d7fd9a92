"""What goes wrong, and when: chosen by the seed, often in the middle of a flush. Each fault counts where it really struck.

A worker may be killed or fall asleep at any step, be stopped, be joined by another, be replaced under its own name while it
sleeps; time may jump for all of them; the network may fail; changelogs are compacted. Then everything heals.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

from simulation.cluster import DAY_MS, SESSION_SECONDS, STAGES, Cluster, Worker

WORKERS_MAX = 3
HEAL_MS = 12_000  # after this nothing goes wrong any more, if all input is sent
TRIP_STEPS = 25  # a flush has about so many steps: where in it a fault strikes
SLEEP_SESSIONS = (0.2, 0.9, 1.2, 2.5)


class Faults:
    """Strikes until `healed`."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.world = cluster.world
        self.struck: Counter[str] = Counter()
        self.healed = False
        self._twins: list[Worker] = []
        weather, random = cluster.kafka.weather, self.world.random
        weather.retriable, weather.abortable, weather.lost_answer = (random.choice([0.0, 0.02, 0.1]) for _ in range(3))
        self.world.at(1_000, "fault", self._strike)
        self._choices: list[tuple[int, Callable[[], None]]] = [
            (4, partial(self._at_worker, self._kill)),
            (4, partial(self._at_worker, self._sleep)),
            (2, self._stop_one),
            (2, self._add_one),
            (2, self._compact),
            (1, self._jump),
            (1, self._stall),
            (1, self._twin),
        ]

    def heal(self) -> None:
        """Wake who sleeps, let the network be."""
        self.healed = True
        weather = self.cluster.kafka.weather
        weather.retriable = weather.abortable = weather.lost_answer = 0.0
        for worker in self.cluster.alive():
            worker.process.trip = None
            self._wake(worker)

    def _strike(self) -> None:
        random = self.world.random
        strike = random.choices([do for _weight, do in self._choices], [weight for weight, _do in self._choices])[0]
        strike()
        if self.world.now_ms >= HEAL_MS and not self.cluster.input_left():
            self.heal()
        else:
            self.world.at(self.world.now_ms + random.randrange(100, 1_500), "fault", self._strike)

    def _at_worker(self, strike: Callable[[Worker], None]) -> None:
        """At once, or at some step of the next flush."""
        random = self.world.random
        awake = [worker for worker in self.cluster.alive() if worker.process.awake]
        if not awake:
            return
        worker = random.choice(awake)
        if random.random() < 0.25:
            strike(worker)
        else:
            worker.process.trip = partial(strike, worker)
            worker.process.trip_steps = random.randrange(TRIP_STEPS)

    def _kill(self, worker: Worker) -> None:
        self.struck["killed"] += 1
        self.struck["killed in a flush"] += worker.process.in_flush > 0
        self.cluster.kill(worker)

    def _sleep(self, worker: Worker) -> None:
        random = self.world.random
        self.world.note(f"{worker.process.name} falls asleep")
        self.world.sleep_process(worker.process)
        worker.slept_ms = self.world.now_ms
        self.struck["slept"] += 1
        self.struck["slept in a flush"] += worker.process.in_flush > 0
        due_ms = self.world.now_ms + round(random.choice(SLEEP_SESSIONS) * SESSION_SECONDS * 1000)
        self.world.at(due_ms, "", partial(self._wake, worker))

    def _wake(self, worker: Worker) -> None:
        if worker.process.dead or worker.process.awake:
            return
        self.world.note(f"{worker.process.name} wakes")
        self.world.wake_process(worker.process)
        groups = [self.cluster.broker.groups[f"{self.cluster.app}-{stage}"] for stage in STAGES]
        names = [f"{worker.name}-{stage}" for stage in STAGES]
        self.struck["woke as a zombie"] += any(name not in group.instances for name, group in zip(names, groups, strict=True))

    def _stop_one(self) -> None:
        workers = self.cluster.alive()
        if len(self.cluster.wanted) > 1 and workers:
            worker = self.world.random.choice(workers)
            if worker.name in self.cluster.wanted:
                self.cluster.wanted.remove(worker.name)
                worker.stop()
                self.struck["stopped"] += 1

    def _add_one(self) -> None:
        missing = [name for name in ("a", "b", "c") if name not in self.cluster.wanted]
        if missing:
            self.cluster.wanted.append(missing[0])
            self.struck["added"] += 1

    def _twin(self) -> None:
        """Somebody takes a sleeping worker for dead and starts another of its name."""
        asleep = [worker for worker in self.cluster.alive() if not worker.process.awake]
        if asleep:
            self.cluster.start(asleep[0].name)
            self.struck["replaced while asleep"] += 1

    def _compact(self) -> None:
        random = self.world.random
        places = [place for place in self.cluster.broker.logs if place[0].endswith("-changelog")]
        log = self.cluster.broker.logs[random.choice(places)]
        self.struck["records compacted"] += log.compact(random.randrange(log.end + 1))

    def _jump(self) -> None:
        """The wall clocks are set."""
        self.cluster.skew_ms = self.world.random.randrange(-DAY_MS, DAY_MS)
        self.struck["clock set"] += 1

    def _stall(self) -> None:
        """Time passes and nobody notices: sessions and transactions run out."""
        self.world.now_ms += self.world.random.choice([1_000, 2_500, 5_000])
        self.struck["stalled"] += 1
