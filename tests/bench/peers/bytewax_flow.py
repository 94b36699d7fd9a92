"""The reference job in Bytewax: keyed by queue and channel, folded in tumbling windows of event time, published as they close.

Run: python bytewax_flow.py BOOTSTRAP SOURCE SINK — to the end of the topic, which closes the last windows. The surprise: it keeps
no changelog, and its windows have no updates before they close; both make its job the easier one.
"""

import sys
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import msgspec
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import windowing
from bytewax.run import cli_main

MINUTE = timedelta(minutes=1)
DISORDER = timedelta(seconds=10)  # partitions read in turn are this little apart
BATCH_RECORDS = 10_000  # its documentation says: larger batches for throughput
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Interaction(msgspec.Struct, gc=False):
    """The fields that the job needs."""

    time: int
    queue: str
    channel: str
    handle_ms: int


Sums = tuple[int, int, int]
decode = msgspec.json.Decoder(Interaction).decode


def keyed(message: KafkaSourceMessage) -> tuple[str, Interaction]:
    """A record with its series."""
    event = decode(message.value)
    return f"{event.queue}|{event.channel}", event


def add(sums: Sums, event: Interaction) -> Sums:
    """One more."""
    return sums[0] + 1, sums[1] + event.handle_ms, max(sums[2], event.handle_ms)


def merge(one: Sums, other: Sums) -> Sums:
    """Both."""
    return one[0] + other[0], one[1] + other[1], max(one[2], other[2])


def published(found: tuple[str, tuple[int, Sums]]) -> KafkaSinkMessage:
    """A closed window as a record; windows are numbered from the epoch, so the number is the minute."""
    series, (minute, (count, total, highest)) = found
    value = msgspec.json.encode({"count": count, "sum": total, "max": highest})
    return KafkaSinkMessage(f"|{series}|{minute}".encode(), value)


def build(bootstrap: str, source: str, sink: str) -> Dataflow:
    """The dataflow."""
    flow = Dataflow("reference")
    config = {"queued.max.messages.kbytes": "65536", "fetch.queue.backoff.ms": "5"}
    records = op.input("in", flow, KafkaSource([bootstrap], [source], tail=False, batch_size=BATCH_RECORDS, add_config=config))
    events = op.map("decode", records, keyed)
    clock = windowing.EventClock(lambda event: EPOCH + timedelta(milliseconds=event.time), DISORDER)
    windower = windowing.TumblingWindower(length=MINUTE, align_to=EPOCH)
    windows = windowing.fold_window("sums", events, clock, windower, lambda: (0, 0, 0), add, merge)
    op.output("out", op.map("encode", windows.down, published), KafkaSink([bootstrap], sink))
    return flow


if __name__ == "__main__":
    cli_main(build(*sys.argv[1:]))
