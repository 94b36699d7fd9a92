"""The reference job in Quix Streams: grouped by queue and channel (through a repartition topic), a tumbling window, `current()`.

Run: python quix.py BOOTSTRAP APP SOURCE SINK DIRECTORY — until terminated. State is in RocksDB with its changelog, as by default.
"""

import sys
from typing import Any

from quixstreams import Application
from quixstreams.dataframe.windows import Count, Max, Sum

MINUTE_MS = 60_000
# Partitions of a catch-up run apart in event time; with a short grace the slower ones would lose events.
GRACE_MS = 24 * 3600 * 1000


def series_of(event: dict[str, Any]) -> str:
    """The series that an event belongs to."""
    return f"{event['queue']}|{event['channel']}"


def published(window: dict[str, Any], series: str, _timestamp: int, _headers: object) -> dict[str, Any]:
    """A window as it is written."""
    sums = {name: window[name] for name in ("count", "sum", "max")}
    return {**sums, "series": series, "minute": window["start"] // MINUTE_MS}


def main() -> None:
    """Run until terminated."""
    bootstrap, name, source, sink, directory = sys.argv[1:]
    app = Application(
        broker_address=bootstrap,
        consumer_group=name,
        auto_offset_reset="earliest",
        state_dir=directory,
        loglevel="WARNING",
        producer_extra_config={"linger.ms": 100, "compression.type": "lz4"},
        consumer_extra_config={"fetch.queue.backoff.ms": 5},
    )
    events = app.topic(source, value_deserializer="json", timestamp_extractor=lambda value, *_rest: value["time"])
    trends = app.topic(sink, key_serializer="str", value_serializer="json")

    stream = app.dataframe(events)[["time", "queue", "channel", "handle_ms"]]
    stream = stream.group_by(series_of, name="series", key_serializer="str", key_deserializer="str")
    windows = stream.tumbling_window(MINUTE_MS, grace_ms=GRACE_MS)
    sums = windows.agg(count=Count(), sum=Sum("handle_ms"), max=Max("handle_ms")).current()
    sums.apply(published, metadata=True).to_topic(trends, key=lambda found: f"|{found['series']}|{found['minute']}")
    app.run()


if __name__ == "__main__":
    main()
