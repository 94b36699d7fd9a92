"""Interactions as they happen: event times are now, at a steady rate.

Run: python -m bench.load BOOTSTRAP TOPIC EVENTS_PER_SECOND SECONDS — prints, as JSON, how many events it sent and how late it was
at most. The surprise: lives run twenty times faster than real ones, so that the rate is steady after half a minute.
"""

import json
import sys
import time

from confluent_kafka import Producer

from bench.interactions import Found, Plan, make
from streams.edge.clock import now_ms

HASTE = 20
EVENTS_PER_INTERACTION = 4.6
LOOK_EVENTS = 64  # the clock is looked at this often


def main() -> None:
    """Send until the time is over."""
    bootstrap, topic, events_per_second, seconds = sys.argv[1:]
    rate, length_ms = int(events_per_second), int(float(seconds) * 1000)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "compression.type": "lz4",
            "linger.ms": 5,
            "partitioner": "murmur2_random",
            "queue.buffering.max.messages": 500_000,
        }
    )
    start_ms = now_ms()
    plan = Plan(start_ms, max(1, round(rate / EVENTS_PER_INTERACTION)), HASTE)
    sent = late_ms = 0
    for made in make(1 << 60, Found(), plan):
        if sent % LOOK_EVENTS == 0 and (ahead_ms := made.time_ms - now_ms()) > 0:
            producer.poll(0)
            time.sleep(ahead_ms / 1000)
        elif sent % LOOK_EVENTS == 0:
            late_ms = max(late_ms, -ahead_ms)
            producer.poll(0)
        if made.time_ms > start_ms + length_ms:
            break
        producer.produce(topic, made.value, made.interaction)
        sent += 1
    producer.flush(30)
    sys.stdout.write(json.dumps({"events": sent, "late_ms": late_ms}))


if __name__ == "__main__":
    main()
