"""The reference job in Bytewax: keyed by queue, channel and minute, added up statefully, an update published per batch of a key.

Run: python bytewax_flow.py BOOTSTRAP SOURCE SINK — to the end of the topic. The surprise: not its windows, because those publish
nothing before they close and drop what is later than a limit, which partitions read unevenly are; and it keeps no changelog.
"""

import sys
from collections.abc import Iterable

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.run import cli_main

MINUTE_MS = 60_000
BATCH_RECORDS = 10_000  # its documentation says: larger batches for throughput


class Interaction(msgspec.Struct, gc=False):
    """The fields that the job needs."""

    time: int
    queue: str
    channel: str
    handle_ms: int


Sums = tuple[int, int, int]
decode = msgspec.json.Decoder(Interaction).decode


class Adding(StatefulBatchLogic):  # type: ignore[misc]  # bytewax isn't installed where this is checked
    """Count, sum and max of one key."""

    def __init__(self, sums: Sums | None) -> None:
        self.sums = sums or (0, 0, 0)

    def on_batch(self, values: list[int]) -> tuple[Iterable[Sums], bool]:
        """Add a batch of handle times; one update."""
        count, total, highest = self.sums
        self.sums = count + len(values), total + sum(values), max(highest, *values)
        return (self.sums,), StatefulBatchLogic.RETAIN

    def snapshot(self) -> Sums:
        """What recovery would keep."""
        return self.sums


def keyed(message: KafkaSourceMessage) -> tuple[str, int]:
    """A record's key and handle time."""
    event = decode(message.value)
    return f"|{event.queue}|{event.channel}|{event.time // MINUTE_MS}", event.handle_ms


def published(found: tuple[str, Sums]) -> KafkaSinkMessage:
    """An update as a record."""
    key, (count, total, highest) = found
    return KafkaSinkMessage(key.encode(), msgspec.json.encode({"count": count, "sum": total, "max": highest}))


def build(bootstrap: str, source: str, sink: str) -> Dataflow:
    """The dataflow."""
    flow = Dataflow("reference")
    config = {"queued.max.messages.kbytes": "65536", "fetch.queue.backoff.ms": "5"}
    records = op.input("in", flow, KafkaSource([bootstrap], [source], tail=False, batch_size=BATCH_RECORDS, add_config=config))
    sums = op.stateful_batch("sums", op.map("decode", records, keyed), Adding)
    op.output("out", op.map("encode", sums, published), KafkaSink([bootstrap], sink))
    return flow


if __name__ == "__main__":
    cli_main(build(*sys.argv[1:]))
