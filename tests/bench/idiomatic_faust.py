"""The counting job as Faust's own documentation would have it: typed records, an agent, a table, updates published.

Run: python idiomatic_faust.py BOOTSTRAP SOURCE SINK EVENTS RESULT.json — counts EVENTS events per queue × channel × minute,
writes its rate (first event to last) and the sum over its table, and stops. Partitions, transport and client settings are
Faust's defaults but for the buffer sizes that its documentation recommends for throughput.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import faust


class Interaction(faust.Record, serializer="json"):
    """The fields that the job needs; Faust ignores the rest."""

    type: str
    time: int
    queue: str
    channel: str


def build(bootstrap: str, source: str, sink: str, events: int, result: Path) -> faust.App:
    """The application: one topic, one table, one agent."""
    app = faust.App(
        f"idiomatic-{os.getpid()}",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=4,
        stream_buffer_maxsize=16_384,
        consumer_auto_offset_reset="earliest",
        datadir=str(result.parent / "faust"),
        web_enabled=False,
    )
    interactions = app.topic(source, value_type=Interaction)
    trends = app.topic(sink, value_serializer="json")
    counts = app.Table("counts", default=int, partitions=4)
    seen = [0, 0.0]

    @app.agent(interactions)
    async def count(stream: faust.types.StreamT[Interaction]) -> None:
        async for event in stream:
            if not seen[0]:
                seen[1] = time.perf_counter()
            key = f"{event.queue}|{event.channel}|{event.time // 60_000}"
            counts[key] += 1
            await trends.send(key=key, value={"series": key, "count": counts[key]})
            seen[0] += 1
            if seen[0] == events:
                seconds = time.perf_counter() - seen[1]
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                found = {"seconds": seconds, "counted": sum(counts.values()), "peak_mebibytes": peak}
                result.write_text(json.dumps(found))
                os.kill(os.getpid(), signal.SIGTERM)

    return app


if __name__ == "__main__":
    bootstrap, source, sink, events, result = sys.argv[1:]
    worker = faust.Worker(build(bootstrap, source, sink, int(events), Path(result)), loglevel="WARN", redirect_stdouts=False)
    worker.execute_from_commandline()
