"""The bare loop: what Python and librdkafka can do at most. Consume, decode, one dict; nothing is written and nothing is safe.

Run: python -m bench.bare_loop BOOTSTRAP SOURCE PARTITIONS EVENTS RESULT.json — measured from the first batch to the last.
"""

import sys
import time
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from bench.reference import Key, add_up, key_of

BATCH_RECORDS = 500  # with 10,000 at a time it is a sixth slower: they leave the processor's cache
SETTINGS = {  # as streams/engine/options.py
    "group.id": "bare-loop",
    "enable.auto.commit": False,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 5,
    "queued.max.messages.kbytes": 65_536,
}


def apply(messages: list[Message], live: dict[Key, list[int]]) -> int:
    """Add messages up; how many they were."""
    if any(map(Message.error, messages)):
        messages = [message for message in messages if message.error() is None]
    add_up(messages, live)
    return len(messages)


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
