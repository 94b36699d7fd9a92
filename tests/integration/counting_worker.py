"""A worker with one counting stage, run as a process of its own so that tests can kill it.

Records are small JSON objects {"key": …}. The table holds a count per key; each flush sends what was added since the last one to
the topic `counted`, so that the sum over that topic and the sum over the tables must both equal the input.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterable
from pathlib import Path

import msgspec

from streams.core.errors import StreamsError
from streams.engine.app import make_app, run
from streams.engine.batch import Batch, Output
from streams.engine.options import StageOptions
from streams.engine.stage import Stage
from streams.engine.store import Store


class Event(msgspec.Struct):
    """The one field that is counted."""

    key: str


DECODE = msgspec.json.Decoder(Event).decode


class Counting:
    """Counts per key."""

    def __init__(self, partition: int, store: Store) -> None:
        self.partition = partition
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

    def drain(self, now_ms: int, lag: int) -> list[Output]:
        """What was added since the last flush."""
        outputs = []
        for key, n in self.added.items():
            self.counts[key] += n
            self.store[key] = b"%d" % self.counts[key]
            outputs.append(Output("counted", b"%d" % n, key))
        self.added = Counter()
        return outputs


class Notes:
    """Telemetry that the tests read: one JSON line per fact worth knowing."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", buffering=1)

    def note(self, **fact: object) -> None:
        """Write a line."""
        self.file.write(json.dumps({**fact, "at": time.time()}) + "\n")

    def consumed(self, topic: str, n: int) -> None:
        """Records went to the agent."""
        self.note(consumed=n)

    def flushed(self, stage: str, seconds: float) -> None:
        """A flush is durable."""
        self.note(flushed=seconds)

    def recovered(self, stage: str, partition: int, seconds: float, entries: int) -> None:
        """A partition is open."""
        self.note(recovered=partition, seconds=seconds, entries=entries)

    def lag(self, topic: str, partition: int, records: int) -> None:
        """Not of interest here."""

    def entries(self, stage: str, n: int) -> None:
        """Not of interest here."""

    def assigned(self, stage: str, partitions: int) -> None:
        """So many partitions."""
        self.note(assigned=partitions)


def main() -> None:
    """Run until terminated: counting_worker.py BROKER WORKER DIRECTORY TRANSACTIONAL PAUSE_SECONDS."""
    broker, worker, directory, transactional, pause = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = make_app(f"count-{worker}", Path(directory) / f"data-{worker}")
    options = StageOptions(
        app="test",
        worker=worker,
        flush_seconds=0.1,
        flush_seconds_max=0.5,
        batch_records=5000,
        batches_under_way=8,
        fetch_queue_kilobytes=65536,
        session_timeout_seconds=6,
        transaction_timeout_seconds=6,
        transactional=transactional == "yes",
    )
    notes = Notes(Path(directory) / f"notes-{worker}")
    stage: Stage[Counting] = Stage(
        app, "count", "events", Counting, {"bootstrap.servers": broker}, options, lambda: time.time_ns() // 1_000_000, notes
    )

    async def count(batches: AsyncIterable[Batch]) -> None:
        async for batch in batches:
            keeper = stage.accept(batch)
            if keeper is not None:
                keeper.apply(batch)
            await asyncio.sleep(float(pause))  # slows the worker down, so that a fault finds records in flight

    app.agent(stage.channel, name="count")(count)
    try:
        run(app)
    except StreamsError as error:
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201  # stands in for the command line
        sys.exit(1)


if __name__ == "__main__":
    main()
