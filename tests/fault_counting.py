"""A fault on counting workers while load runs, and the invariants that must hold after it.

The surprise: load goes on through fault and recovery, so "lag 0" is never seen. Up to date means that all is committed but what
was produced in the last three seconds; when the load has ended, that all is.
"""

import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from counting import KEYS, PARTITIONS, Job
from counting_worker import digest
from fault_load import Load, Watch, counting_record
from fault_report import Report, Row
from running import eventually

PER_SECOND = 1_000
SLOW = {"pause": 0.01, "batch_records": 500, "flush": 0.4}  # some 10,000 a second, and there always is something in flight
SESSION_SECONDS = 6
LIMIT_SECONDS = 10 + SESSION_SECONDS  # "recovery within 10 s plus session timeout"
SHARED_FACTOR = 4  # a test fails only beyond so many times the limit, because others may use the machine; the table tells
STOP_SECONDS_MAX = 10
LAST_SECONDS = 3.0  # so long it has to stay up to date


@dataclass
class Episode:
    """One fault: when it struck, what was in flight, when all was well again."""

    job: Job
    load: Load
    watch: Watch
    in_flight: int = 0
    struck: float = 0.0
    origin: float = 0.0

    def strike(self, *actions: Callable[[], object]) -> None:
        """Let the fault happen; recovery is measured from here, unless `healed` says otherwise."""
        self.in_flight = max(self.in_flight, self.watch.in_flight() or 0)
        self.struck = self.origin = monotonic()
        for action in actions:
            action()

    def healed(self) -> None:
        """The fault is over by the test's doing; recovery is measured from here."""
        self.origin = monotonic()

    def recovered(self, at_least: float) -> float:
        """Wait until the group is up to date and stays so; the seconds until it was."""
        eventually(lambda: monotonic() > self.origin + at_least, at_least + 1, "time passes")

        def well() -> bool:
            since = self.watch.up_to_date_since(self.origin)
            return since is not None and monotonic() > since + LAST_SECONDS

        eventually(well, SHARED_FACTOR * LIMIT_SECONDS + 120, "the group is up to date")
        return (self.watch.up_to_date_since(self.origin) or self.origin) - self.origin


@contextmanager
def episode(
    report: Report,
    fault: str,
    broker: str,
    directory: Path,
    workers: str = "a",
    limit_seconds: float = LIMIT_SECONDS,
    at_least: float = 4.0,
    changelog: Mapping[str, str] | None = None,
) -> Iterator[Episode]:
    """Counting workers under load; the block strikes, then all invariants are checked and reported."""
    job = Job(broker, directory)
    job.create_topics(replicas=len(broker.split(",")), **(changelog or {}))
    load = Load(broker, f"{job.app}-events", PARTITIONS, PER_SECOND, counting_record(KEYS, PARTITIONS))
    watch = Watch(broker, f"{job.app}-count", load)
    try:
        for worker in workers:
            job.start(worker, **SLOW)
        load.start()
        watch.start()
        eventually(lambda: watch.up_to_date_since(0.0), 90, "the workers keep up")
        one = Episode(job, load, watch)
        yield one
        seconds = one.recovered(at_least)
        job.events = load.stop()
        job.wait_done(60)
        watch.stop()
        verdicts = {**check(job, watch), "I6": stop_all(job)}
        if seconds > limit_seconds:
            verdicts["I6"] += f"recovered in {seconds:.1f} s"
        starts = job.logs().count("starting again in")
        report.add(Row(fault, "counting", one.in_flight, seconds, limit_seconds, starts, verdicts))
        assert one.in_flight > 0, "nothing was in flight: it proves nothing"
        assert seconds <= SHARED_FACTOR * limit_seconds
        assert {name: found for name, found in verdicts.items() if found and name != "I6"} == {}
        assert seconds > limit_seconds or not verdicts["I6"], verdicts["I6"]
    except AssertionError as failure:
        failure.add_note(job.logs())
        raise
    finally:
        job.stop()


def check(job: Job, watch: Watch) -> dict[str, str]:
    """Invariants of engine.md that a counting job shows; "" where they hold. Workers must still run."""
    replayed, offsets = job.replayed(), job.offsets()
    stamps = {partition: position for partition, (position, _table) in replayed.items()}
    counted, tables, expected = job.counted(), job.tables(), job.expected()
    newest = {note[0]: note[1] for note in sorted_notes(job, "state")}
    digests = {partition: digest(table) for partition, (_position, table) in replayed.items()}
    return {
        "I1": "" if expected == counted == tables else f"{job.events} in, {counted.total()} out, {tables.total()} in tables",
        "I2": "" if stamps == offsets else f"stamps {stamps}, offsets {offsets}",
        "I3": "" if newest == digests else f"tables {newest}, changelogs {digests}",
        "I5": "; ".join([*watch.fallen, *skips(job)]),
    }


def skips(job: Job) -> list[str]:
    """Where a partition's batches don't go on from what had been reached, in the order of time over all workers."""
    reached: dict[int, int] = defaultdict(int)
    found = []
    for partition, first, next_ in sorted_notes(job, "batch"):
        if first > reached[partition]:
            found.append(f"{partition}: {first} after {reached[partition]}")
        reached[partition] = max(reached[partition], next_)
    ends = {partition: len(range(partition, job.events, PARTITIONS)) for partition in range(PARTITIONS)}
    return found if reached == ends else [*found, f"reached {dict(reached)} of {ends}"]


def sorted_notes(job: Job, fact: str) -> list[list[int]]:
    """What all workers noted of a fact, in the order of time."""
    notes = [note for worker in job.workers for note in job.timed_notes(worker, fact)]
    return [value for _at, value in sorted(notes)]


def stop_all(job: Job) -> str:
    """SIGTERM to all: each must end within its time, with 0."""
    running = [worker for worker, process in job.workers.items() if process.poll() is None]
    for worker in running:
        job.send(worker, signal.SIGTERM)
    began = monotonic()
    codes = {worker: job.end(worker) for worker in running}
    took = monotonic() - began
    bad = [f"{worker} ended with {code}" for worker, code in codes.items() if code]
    if took > STOP_SECONDS_MAX * SHARED_FACTOR:
        bad.append(f"ended after {took:.1f} s")
    return "; ".join(bad)
