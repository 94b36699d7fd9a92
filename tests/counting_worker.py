"""A worker with one counting stage, run as a process of its own so that tests can kill it.

Records are JSON objects {"key": …}. The table holds a count per key; each flush sends what was added since the last one to
`<app>-counted`, so that the sum over that topic and the sum over the tables must both equal the input.

    counting_worker.py '{"broker": …, "worker": …, "app": …, "directory": …}' and what else `Plan` has
"""

import asyncio
import json
import logging
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterable, Mapping
from functools import partial
from pathlib import Path

import faust
import msgspec

from streams.core.errors import StreamsError
from streams.edge.clock import now_ms
from streams.engine import healing
from streams.engine.app import make_app, run
from streams.engine.batch import Batch, Output
from streams.engine.options import StageOptions
from streams.engine.probe import find_broker
from streams.engine.shelf import Shelf
from streams.engine.stage import Stage
from streams.engine.store import Store


class Event(msgspec.Struct):
    """The one field that is counted."""

    key: str


DECODE = msgspec.json.Decoder(Event).decode


class Counting:
    """Counts per key."""

    def __init__(self, partition: int, store: Store, counted: str, notes: "Notes") -> None:
        self.partition = partition
        self.notes = notes
        self.counted = counted
        self.store = store
        self.counts: Counter[bytes] = Counter({key: int(value) for key, value in store.items()})
        self.added: Counter[bytes] = Counter()

    def apply(self, batch: Batch) -> None:
        """Count a batch."""
        added = self.added
        for record in batch.records:
            value = record.value()
            assert value is not None
            added[DECODE(value).key.encode()] += 1

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002  # the engine's contract
        """What was added since the last flush."""
        outputs = []
        for key, n in self.added.items():
            self.counts[key] += n
            self.store[key] = b"%d" % self.counts[key]
            outputs.append(Output(self.counted, b"%d" % n, key))
        self.added = Counter()
        self.notes.note(state=[self.partition, digest(self.counts)])
        return outputs


def digest(counts: Mapping[bytes, int]) -> int:
    """A table in a number, whatever its order."""
    return zlib.crc32(json.dumps(sorted((key.decode(), n) for key, n in counts.items())).encode())


class Notes:
    """Telemetry that the tests read: one JSON line per fact worth knowing."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", buffering=1)

    def note(self, **fact: object) -> None:
        """Write a line."""
        self.file.write(json.dumps({**fact, "at": time.time()}) + "\n")

    def consumed(self, topic: str, n: int) -> None:  # noqa: ARG002  # the engine's contract
        """Records went to the agent."""
        self.note(consumed=n)

    def flushed(self, stage: str, seconds: float) -> None:  # noqa: ARG002  # the engine's contract
        """A flush is durable."""
        self.note(flushed=seconds)

    def recovered(self, stage: str, partition: int, seconds: float, entries: int) -> None:  # noqa: ARG002  # the engine's contract
        """A partition is open."""
        self.note(recovered=partition, seconds=seconds, entries=entries)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Not of interest here."""

    def entries(self, stage: str, n: int) -> None:
        """Not of interest here."""

    def assigned(self, stage: str, partitions: int) -> None:  # noqa: ARG002  # the engine's contract
        """So many partitions."""
        self.note(assigned=partitions)


class Plan(msgspec.Struct):
    """What the test wants; times in seconds."""

    broker: str
    worker: str
    app: str
    directory: str
    transactional: bool = True
    pause: float = 0.0  # after each batch; slows the worker down, so that a fault finds records in flight
    batch_records: int = 5000
    flush_records_max: int = 50_000
    flush: float = 0.1
    outage_seconds_max: float = 300.0
    skew: int = 0  # a defect: batches pretend to begin so many positions later
    disk: bool = False  # the table is in RocksDB
    warm_replicas: bool = False
    raise_at: int = 0  # a defect: the keeper fails in the middle of this batch


async def count(plan: Plan, stage: "Stage[Counting]", batches: AsyncIterable[Batch]) -> None:
    """The agent."""
    number = 0
    async for batch in batches:
        number += 1
        keeper = stage.accept(batch._replace(first=batch.first + plan.skew))
        if keeper is None:
            continue
        if number == plan.raise_at:
            keeper.apply(batch._replace(records=batch.records[: len(batch.records) // 2]))
            raise RuntimeError("half a batch")
        keeper.apply(batch)
        keeper.notes.note(batch=[batch.partition, batch.first, batch.next])
        await asyncio.sleep(plan.pause)


def build(plan: Plan) -> "tuple[faust.App, Stage[Counting]]":
    """The app and its one stage."""
    directory = Path(plan.directory)
    app = make_app(plan.app, directory / f"data-{plan.worker}")
    options = StageOptions(
        app=plan.app,
        worker=plan.worker,
        flush_seconds=plan.flush,
        flush_seconds_max=max(0.5, plan.flush),
        drain_seconds=plan.flush,
        batch_records=plan.batch_records,
        batches_under_way=8,
        fetch_queue_kilobytes=65536,
        kilobytes_under_way=131072,
        session_timeout_seconds=6,  # the shortest that a broker allows
        transaction_timeout_seconds=6,
        transactional=plan.transactional,
        flush_records_max=plan.flush_records_max,
    )
    notes = Notes(directory / f"notes-{plan.worker}")
    client: dict[str, object] = {"bootstrap.servers": plan.broker}
    keeper = partial(Counting, counted=f"{plan.app}-counted", notes=notes)
    shelf = Shelf(directory / f"data-{plan.worker}", ["count"] if plan.disk else [], 8, client, warm_replicas=plan.warm_replicas)
    stores = shelf.stores("count", options.changelog("count"), now_ms)
    stage: Stage[Counting] = Stage(app, "count", f"{plan.app}-events", keeper, client, options, now_ms, notes, stores)

    async def agent(batches: AsyncIterable[Batch]) -> None:
        await count(plan, stage, batches)

    app.agent(stage.channel, name="count")(agent)
    return app, stage


def main() -> None:
    """Run until terminated."""
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stages: list[Stage[Counting]] = []

    def work(_found: None) -> None:
        app, stage = build(plan)
        stages.append(stage)
        run(app)

    try:
        healing.run(
            lambda: find_broker({"bootstrap.servers": plan.broker}, 10),
            work,
            has_rival=lambda: any(stage.has_rival() for stage in stages),
            seconds_max=plan.outage_seconds_max,
        )
    except StreamsError as error:
        sys.exit(f"worker: {error}")


if __name__ == "__main__":
    main()
