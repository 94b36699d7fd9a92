"""The reference job as Faust's own documentation would have it: typed records, an agent, a table, updates published.

Run: python idiomatic_faust.py BOOTSTRAP APP SOURCE SINK PARTITIONS DIRECTORY — until terminated. Partitions, transport and client
settings are Faust's defaults but for the buffer sizes that its documentation recommends for throughput.
"""

import sys

import faust


class Interaction(faust.Record, serializer="json"):
    """The fields that the job needs; Faust ignores the rest."""

    time: int
    queue: str
    channel: str
    handle_ms: int


def build(bootstrap: str, name: str, source: str, sink: str, partitions: str, directory: str) -> faust.App:
    """The application: one topic, one table, one agent."""
    app = faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=int(partitions),
        stream_buffer_maxsize=16_384,
        consumer_auto_offset_reset="earliest",
        datadir=directory,
        web_enabled=False,
    )
    interactions = app.topic(source, value_type=Interaction)
    trends = app.topic(sink, key_serializer="raw", value_serializer="json")
    table = app.Table("sums", default=lambda: [0, 0, 0], partitions=int(partitions))

    @app.agent(interactions)
    async def count(stream: faust.types.StreamT[Interaction]) -> None:
        async for event in stream:
            key = f"|{event.queue}|{event.channel}|{event.time // 60_000}"
            count, total, highest = table[key]
            sums = [count + 1, total + event.handle_ms, max(highest, event.handle_ms)]
            table[key] = sums
            await trends.send(key=key.encode(), value={"count": sums[0], "sum": sums[1], "max": sums[2]})

    return app


if __name__ == "__main__":
    worker = faust.Worker(build(*sys.argv[1:]), loglevel="WARN", redirect_stdouts=False)
    worker.execute_from_commandline()
