"""The counting job of idiomatic_faust.py on this system's engine: the same fields, the same table, updates published.

Run: python counting.py BOOTSTRAP APP SOURCE SINK — counts until terminated; the table's changelog is `APP-count-changelog`.
State, outputs and offsets are one transaction per flush, as in a worker.
"""

import sys
from collections.abc import AsyncIterable
from pathlib import Path
from tempfile import gettempdir

import msgspec

from streams.edge.clock import now_ms
from streams.edge.telemetry import Telemetry, make_registry
from streams.engine.app import make_app, run
from streams.engine.batch import Batch, Output
from streams.engine.options import StageOptions
from streams.engine.stage import Stage
from streams.engine.store import Store


class Interaction(msgspec.Struct, gc=False):
    """The fields that the job needs."""

    type: str
    time: int
    queue: str
    channel: str


DECODE = msgspec.json.Decoder(Interaction).decode


class Counts:
    """Events per queue × channel × minute of one partition."""

    def __init__(self, partition: int, store: Store, sink: str) -> None:
        self.partition = partition
        self.store = store
        self.sink = sink
        self.before = {key: int(value) for key, value in store.items()}
        self.changed: set[tuple[str, str, int]] = set()
        self.live: dict[tuple[str, str, int], int] = {}

    def apply(self, batch: Batch) -> None:
        """Count a batch."""
        live, changed, decode = self.live, self.changed, DECODE
        for record in batch.records:
            event = decode(record.value() or b"")
            key = (event.queue, event.channel, event.time // 60_000)
            live[key] = live.get(key, 0) + 1
            changed.add(key)

    def drain(self, now_ms: int, lag: int) -> list[Output]:  # noqa: ARG002  # the engine's contract
        """Counts that changed since the last flush."""
        outputs = []
        for key in self.changed:
            name = f"{self.partition}|{key[0]}|{key[1]}|{key[2]}".encode()
            value = b"%d" % (self.before.get(name, 0) + self.live[key])
            self.store[name] = value
            outputs.append(Output(self.sink, value, name))
        self.changed.clear()
        return outputs


def main() -> None:
    """Count until terminated."""
    bootstrap, name, source, sink = sys.argv[1:]
    app = make_app(name, Path(gettempdir()) / name)
    options = StageOptions(
        app=name,
        worker="bench",
        flush_seconds=0.25,
        flush_seconds_max=1.0,
        batch_records=10_000,
        batches_under_way=8,
        fetch_queue_kilobytes=65_536,
        session_timeout_seconds=6,
        transaction_timeout_seconds=10,
        transactional=True,
    )
    telemetry = Telemetry(make_registry(), {"count": (source,)})
    stage: Stage[Counts] = Stage(
        app,
        "count",
        source,
        lambda partition, store: Counts(partition, store, sink),
        {"bootstrap.servers": bootstrap},
        options,
        now_ms,
        telemetry,
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
