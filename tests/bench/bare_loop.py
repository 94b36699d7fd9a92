"""The bare loop: what Python and librdkafka can do at most. Consume, decode, one dict; nothing is written and nothing is safe.

Run: python -m bench.bare_loop BOOTSTRAP SOURCE PARTITIONS EVENTS RESULT.json — measured from the first batch to the last.
"""

import sys
import time
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition

from bench.reference import MINUTE_MS, Key, decode, key_of

BATCH_RECORDS = 10_000
SETTINGS = {  # as streams/engine/options.py
    "group.id": "bare-loop",
    "enable.auto.commit": False,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 5,
    "queued.max.messages.kbytes": 65_536,
}


def apply(messages: list, live: dict[Key, list[int]]) -> int:  # type: ignore[type-arg]  # of whatever the client gives
    """Add messages up; how many they were."""
    n = 0
    for message in messages:
        if message.error() is None:
            event = decode(message.value())
            key = (event.queue, event.channel, event.time // MINUTE_MS)
            sums = live.get(key)
            handle_ms = event.handle_ms
            if sums is None:
                live[key] = [1, handle_ms, handle_ms]
            else:
                sums[0] += 1
                sums[1] += handle_ms
                if handle_ms > sums[2]:
                    sums[2] = handle_ms
            n += 1
    return n


def main() -> None:
    """Count until all is counted."""
    bootstrap, source, partitions, events, result = sys.argv[1:]
    consumer = Consumer({"bootstrap.servers": bootstrap, **SETTINGS})
    consumer.assign([TopicPartition(source, partition, 0) for partition in range(int(partitions))])
    live: dict[Key, list[int]] = {}
    first = 0
    while not first:
        first = apply(consumer.consume(BATCH_RECORDS, 1), live)
    began, cpu_began, seen = time.perf_counter(), time.process_time(), first
    while seen < int(events):
        seen += apply(consumer.consume(BATCH_RECORDS, 1), live)
    spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu_began}
    sums = {key_of("", key).decode(): value for key, value in live.items()}
    Path(f"{result}.new").write_bytes(msgspec.json.encode({"events": seen - first, **spent, "sums": sums}))
    Path(f"{result}.new").rename(result)  # there at once and whole
    sys.stdin.read()  # its memory is looked at before it ends
    consumer.close()


if __name__ == "__main__":
    main()
