"""The reference job on this system's engine: sums per source partition in a table with its changelog, updates published.

Run: python -m bench.engine_job BOOTSTRAP APP WORKER SOURCE SINK — until terminated. State, outputs and offsets are one
transaction per flush, as in a worker; the table's changelog is `APP-count-changelog`.
"""

import sys
from collections.abc import AsyncIterable, Sequence
from pathlib import Path
from tempfile import gettempdir

from confluent_kafka import Message

from bench.reference import Key, add_up, decode_sums, encode_sums, key_in, key_of
from streams.edge.clock import now_ms
from streams.edge.telemetry import Telemetry, make_registry
from streams.engine.app import make_app, run
from streams.engine.batch import Batch, Output
from streams.engine.collection import collect_seldom
from streams.engine.options import StageOptions
from streams.engine.stage import Stage
from streams.engine.store import Store
from streams.settings import load


class Counts:
    """Count, sum and max per queue × channel × minute of one partition."""

    def __init__(self, partition: int, store: Store, sink: str) -> None:
        self.partition = partition
        self.store = store
        self.sink = sink
        self.live: dict[Key, list[int]] = {}
        for name, value in store.items():
            sums = decode_sums(value)
            self.live[key_in(name)] = [sums.count, sums.sum, sums.max]
        self.changed: set[Key] = set()

    def apply(self, batch: Batch) -> None:
        """Add the sums of a batch."""
        live = self.live
        for sums in batch.records:
            for key, (count, total, highest) in sums.items():
                known = live.get(key)
                if known is None:
                    live[key] = [count, total, highest]
                else:
                    known[0] += count
                    known[1] += total
                    known[2] = max(known[2], highest)
            self.changed.update(sums)

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002  # the engine's contract
        """What changed since the last flush."""
        outputs = []
        for key in self.changed:
            count, total, highest = self.live[key]
            name, value = key_of(self.partition, key), encode_sums({"count": count, "sum": total, "max": highest})
            self.store[name] = value
            outputs.append(Output(self.sink, value, name))
        self.changed.clear()
        return outputs


def prepare(_topic: str, messages: Sequence[Message], records: list[dict[Key, list[int]]]) -> None:
    """Sums of all messages of a batch: nothing else goes from the reader's thread to the agent."""
    if not records:
        records.append({})
    add_up(messages, records[0])


def main() -> None:
    """Count until terminated."""
    bootstrap, name, worker, source, sink = sys.argv[1:]
    collect_seldom()  # as a worker does
    engine, kafka = load([], {}).engine, load([], {}).kafka  # a worker's defaults
    app = make_app(name, Path(gettempdir()) / f"{name}-{worker}")
    options = StageOptions(
        app=name,
        worker=worker,
        flush_seconds=engine.flush_seconds,
        flush_seconds_max=engine.flush_seconds_max,
        drain_seconds=engine.flush_seconds,
        batch_records=engine.batch_records,
        batches_under_way=engine.batches_under_way,
        fetch_queue_kilobytes=engine.fetch_queue_kilobytes,
        kilobytes_under_way=131072,
        session_timeout_seconds=kafka.session_timeout_seconds,
        transaction_timeout_seconds=kafka.transaction_timeout_seconds,
        transactional=True,
    )
    telemetry = Telemetry(make_registry(), {"count": (source,)})
    client: dict[str, object] = {"bootstrap.servers": bootstrap}
    stage = Stage(
        app, "count", source, lambda place, store: Counts(place, store, sink), client, options, now_ms, telemetry, prepare=prepare
    )

    async def agent(batches: AsyncIterable[Batch]) -> None:
        async for batch in batches:
            keeper = stage.accept(batch)
            if keeper is not None:
                keeper.apply(batch)

    app.agent(stage.channel, name="count")(agent)
    run(app)


if __name__ == "__main__":
    main()
