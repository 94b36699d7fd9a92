"""Pushes signed events by HTTP as fast as they are answered, over so many connections; a process of its own.

Run: python -m bench.push PORT CONNECTIONS EVENTS SECONDS — EVENTS in each request; prints JSON. `python -m bench.push null PORT`
is a server that answers 202 to everything, to see what this one can do itself. The surprise: no HTTP client. Requests are made
before, answers are looked through for no more than their end, so that the one who pushes isn't who is measured.
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
import time
from collections import Counter
from itertools import cycle

SECRET = b"bench"
REQUESTS_MIN = 200  # made before; then they come again, and intake would drop them as duplicates
EVENTS_MADE = 20_000
AGAIN_SECONDS = 0.2  # after an answer that isn't 202; vendors wait longer
END_SECONDS = 15.0  # for the last answers
ACCEPTED = b'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"events":1}'


def event(number: int) -> bytes:
    """An event as a source of one's own would push it."""
    return json.dumps(
        {
            "id": f"e-{number:08d}",
            "source": "acd",
            "type": "queued",
            "time": int(time.time() * 1000),
            "interaction_id": f"i-{number // 4:08d}",
            "customer_id": f"c-{number * 7919 % 100_000}",
            "channel": "voice",
            "queue": "billing",
            "issue": "invoice",
            "segment": "consumer",
            "region": "north",
        }
    ).encode()


def request(first: int, events: int) -> bytes:
    """A signed push of so many events: one as it is, several as a list."""
    body = event(first) if events == 1 else b"[" + b",".join(event(first + n) for n in range(events)) + b"]"
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    head = (
        "POST /ingest/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Streams-Signature: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """What all connections share: requests by turns, answers by status, and how long they took."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = cycle(requests)
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.over = False
        self.open = 0
        self.done = asyncio.Event()
        self.took_seconds = 0.0
        self.again: set[asyncio.Task[object]] = set()

    def connect(self, port: int) -> None:
        """One more connection."""
        self.open += 1
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_connection(lambda: Connection(self, port), "127.0.0.1", port))
        self.again.add(task)
        task.add_done_callback(self.again.discard)


class Connection(asyncio.Protocol):
    """Sends the next request when the last one is answered."""

    def __init__(self, load: Load, port: int) -> None:
        self._load = load
        self._port = port
        self._began = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first one."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of it."""
        self._got += data
        if not is_whole(self._got):
            return
        load, status = self._load, self._got[9:12].decode()
        load.statuses[status] += 1
        load.seconds.append(time.perf_counter() - self._began)
        self._got = b""
        if load.over:
            self._transport.close()
        elif status == "202":
            self._send()
        else:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol's)
        """It was closed: by us when it is over, else by the service, which may where it didn't read all."""
        load = self._load
        load.open -= 1
        if not load.over:
            load.statuses["hung up"] += 1
            load.connect(self._port)
        elif not load.open:
            load.done.set()

    def _send(self) -> None:
        if self._load.over:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(next(self._load.requests))


class Null(asyncio.Protocol):
    """Answers 202 to each request, and does nothing."""

    def __init__(self) -> None:
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request, or a part of it."""
        self._got += data
        if is_whole(self._got):
            self._got = b""
            self._transport.write(ACCEPTED)


def is_whole(message: bytes) -> bool:
    """Whether head and body are there; there is never more than one under way."""
    head, end, body = message.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)


async def push(port: int, connections: int, events: int, seconds: float) -> Load:
    """Push for so long; returns when all is answered."""
    load = Load([request(n * events, events) for n in range(max(REQUESTS_MIN, EVENTS_MADE // events))])
    began = time.perf_counter()
    for _ in range(connections):
        load.connect(port)
    await asyncio.sleep(seconds)
    load.over = True
    async with asyncio.timeout(END_SECONDS):
        await load.done.wait()
    load.took_seconds = time.perf_counter() - began
    return load


async def serve_null(port: int) -> None:
    """Until the end of the process."""
    server = await asyncio.get_running_loop().create_server(Null, "127.0.0.1", port)
    await server.serve_forever()


def main(port: int, connections: int, events: int, seconds: float) -> None:
    """Push, and say what was answered."""
    processor = time.process_time()
    load = asyncio.run(push(port, connections, events, seconds))
    took = sorted(load.seconds)
    at = {
        name: took[min(len(took) - 1, round(share * len(took)))] * 1000
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1))
    }
    said = {
        "requests": len(took),
        "seconds": load.took_seconds,
        "cpu_seconds": time.process_time() - processor,
        "statuses": load.statuses,
        **{f"{name}_ms": ms for name, ms in at.items()},
    }
    sys.stdout.write(json.dumps(said) + os.linesep)


if __name__ == "__main__":
    if sys.argv[1] == "null":
        asyncio.run(serve_null(int(sys.argv[2])))
    else:
        its_port, its_connections, its_events = map(int, sys.argv[1:4])
        main(its_port, its_connections, its_events, float(sys.argv[4]))
