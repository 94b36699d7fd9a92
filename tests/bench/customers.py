"""Journey's table on disk as a worker has it, but for Kafka, and the contacts that the benchmark feeds it.

The keepers, the table, the stores and RocksDB are the system's own; a flush ends with `settle`, as after a transaction. Left
out: reading contacts from Kafka, and writing to it. The surprise: customers come in no order, because their names
are hashes, and that is what a database finds hardest.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from intake_fakes import RecordFake

from bench import interactions
from streams import pipeline
from streams.core.contact import PULSE_KEY, Contact, Pulse, encode_contact
from streams.core.customer import pseudonym
from streams.core.frame import decode_frame, shard_of
from streams.core.journey import CUSTOMER_PREFIX
from streams.core.journey_history import History, encode_history, next_due_ms, past_of
from streams.core.journey_timers import Timers
from streams.core.measure import Cell, add
from streams.core.series import DIMENSIONS, series_of
from streams.edge.telemetry import Telemetry, make_registry
from streams.engine.batch import Batch, Output
from streams.engine.disk import Disk, make_cache, open_database
from streams.engine.stamp import Mark, Stamp
from streams.engine.store import Store
from streams.engine.table import Table
from streams.rules import journey_rules, state_rules
from streams.settings import load

START_MS = 1_790_035_200_000  # 2026-09-22 00:00 UTC
KEY = b"bench"
ORIGIN = "bench"
VALUES = {**interactions.DIMENSIONS, "age_band": ("18-29", "30-44", "45-59", "60+")}
CHANGELOG = "changelog"
TOTAL = series_of("total")
ALIKE = 4096  # sets of dimensions; each takes its turn


class Told(NamedTuple):
    """A contact as intake tells it, and whose."""

    name: str
    contact: Contact

    def record(self) -> RecordFake:
        """As the topic has it."""
        return RecordFake(encode_contact(self.contact), key_=self.name.encode())


class Teller:
    """Makes contacts."""

    def __init__(self) -> None:
        choose = random.Random(1)
        self._alike = [tuple(choose.choice(VALUES[name]) for name in DIMENSIONS) for _ in range(ALIKE)]

    def tell(self, customer: int, number: int, ended_ms: int, revision: int = 8, known_ms: int | None = None) -> Told:
        """The contact of this number, of the customer of that one; a later revision is known later."""
        name = pseudonym(f"customer-{customer}", KEY)
        known_ms = ended_ms if known_ms is None else known_ms
        values = self._alike[number * 7919 % ALIKE]
        escalated = revision > 8
        contact = Contact(name, f"interaction-{number:012d}", revision, ended_ms, None, escalated, False, known_ms, *values)
        return Told(name, contact)


class Spent:
    """Seconds of the clock and of all threads' processor time since the beginning, without what was left out."""

    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """What this thread does within doesn't count; what the database does beside it does."""
        clock, processor = time.perf_counter(), time.thread_time()
        yield
        self._clock += time.perf_counter() - clock
        self._processor += time.thread_time() - processor

    def clock(self) -> float:
        """Seconds so far."""
        return time.perf_counter() - self._clock

    def processor(self) -> float:
        """Processor seconds so far."""
        return time.process_time() - self._processor


class JourneyOnDisk:
    """All partitions of journey in a directory, by the default settings."""

    def __init__(self, directory: Path) -> None:
        settings = load([], {})
        self._directory = directory
        self._zone = ZoneInfo(settings.merge.time_zone)
        self.topics = settings.topics
        self.rules = journey_rules(settings)
        telemetry = Telemetry(make_registry(), pipeline.sources(self.topics))
        keeper = partial(pipeline.JourneyKeeper, rules=self.rules, topics=self.topics, telemetry=telemetry)
        self.table = Table("journey", self.topics.contacts, CHANGELOG, "bench", keeper, state_rules(settings, "journey"))
        self._cache = make_cache(settings.engine.disk_cache_megabytes)
        self._written = dict.fromkeys(range(self.topics.contact_partitions), 0)  # records of the changelog

    def open(self) -> None:
        """What is there, or nothing."""
        for partition in self._written:
            disk = self.disk(partition)
            mark = disk.held.mark if disk.held else Mark(None, 0)
            self._written[partition] = mark.next
            self.table.open(partition, Store(disk=disk), mark.stamp or Stamp(position=0), 1)

    def disk(self, partition: int) -> Disk:
        """The database of a partition."""
        return Disk(open_database(self._directory / str(partition), self._cache), ORIGIN)

    def stock(self, contacts: list[Told]) -> None:
        """Put down first contacts of customers as journey does, and count nothing: for sizes that would take hours otherwise.

        Journey has been told the first and the last of them before, so that it knows when its timers begin and end, and is
        opened again afterwards.
        """
        for partition, opened in self.table.opened.items():
            store = opened.store
            timers = Timers(store, None, 0)
            for told in contacts:
                if shard_of(told.name, len(self._written)) == partition:
                    history = History([past_of(told.contact)])
                    due_ms = next_due_ms(history, self.rules, self._zone, told.contact.ended_ms)
                    timers.schedule(told.name, due_ms)
                    store[CUSTOMER_PREFIX + told.name.encode()] = encode_history(History(history.contacts, due_ms))
            timers.write()
            store.take_dirty()  # what a flush would write
            store.settle(Mark(opened.stamp, self._written[partition]))

    def flush(self, contacts: list[Told], watermark_ms: int) -> list[Output]:
        """Take contacts in, each in its partition, and behind them how far intake is; what would be sent."""
        records: dict[int, list[RecordFake]] = {partition: [] for partition in self._written}
        for told in contacts:
            records[shard_of(told.name, len(records))].append(told.record())
        pulses = [_pulse(source, watermark_ms) for source in range(self.topics.partitions)]
        for partition, some in records.items():
            first, read = self.table.opened[partition].position, [*some, *pulses]
            batch = Batch(self.topics.contacts, partition, first, first + len(read), read, watermark_ms, len(read), 1)
            keeper = self.table.accept(batch)
            assert keeper is not None, "the partition is open"
            keeper.apply(batch)
        work = self.table.take(watermark_ms, lambda _: 0)
        for partition, stamp in work.stamps.items():
            changed = [record for record in work.records if record.topic == CHANGELOG and record.partition == partition]
            self._written[partition] += len(changed)
            self.table.opened[partition].store.settle(Mark(stamp, self._written[partition]))
        return [record for record in work.records if record.topic != CHANGELOG]

    def close(self) -> None:
        """Let go of the databases; they stay."""
        for opened in self.table.opened.values():
            opened.store.close()


def total(sent: list[Output]) -> Cell:
    """What frames add to the series of everything, over all panes."""
    found: Cell = {}
    for record in sent:
        for change in decode_frame(record.value or b"").changes:
            if change.series == TOTAL:
                add(found, change.cell)
    return found


def _pulse(source: int, watermark_ms: int) -> RecordFake:
    return RecordFake(
        encode_contact(Pulse(source=source, watermark_ms=watermark_ms, idle=False, ended_ms=None, sent_ms=watermark_ms)),
        key_=PULSE_KEY,
    )
