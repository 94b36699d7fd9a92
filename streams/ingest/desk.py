"""Where a push is dealt with: is it short enough, who sent it, what is in it, has Kafka got it; each gives an answer of its own.

A payload is taken (202) when Kafka has acknowledged it, not before. What is refused (400) is kept on `interactions.rejected`. The
surprise: what comes without a valid signature isn't kept, or anybody could fill the topic.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from fastapi import Request
from starlette.requests import ClientDisconnect

from streams.core.aside import payload_headers
from streams.core.errors import StreamsError
from streams.core.event import Reason, Rejection
from streams.edge.outlet import NotWrittenError, Outgoing
from streams.ingest.signatures import Pushed, verified
from streams.ingest.taking import Taken, take
from streams.ingest.telemetry import Telemetry
from streams.rules import intake_rules
from streams.settings import Ingest, Settings
from streams.sources.formats import PAYLOADS

KILOBYTE = 1024
BODY_SECONDS = 10.0  # for a body to come; a vendor sends it in milliseconds


class Writer(Protocol):
    """Where records go: edge.outlet.Outlet, or a fake in tests."""

    well: bool

    async def write(self, records: Sequence[Outgoing]) -> None: ...
    def close(self) -> None: ...


class Answer(NamedTuple):
    """What whoever pushed hears. again: they may try again after a while."""

    status: int
    body: dict[str, object]
    again: bool = False


class Desk:
    """Takes pushes, so many at once; everything that came in and isn't answered counts as under way."""

    def __init__(self, settings: Settings, writer: Writer, telemetry: Telemetry, now_ms: Callable[[], int]) -> None:
        self._ingest = settings.ingest
        self._topics = settings.topics
        self._rules = intake_rules(settings)
        self._names = settings.names
        self._writer = writer
        self._telemetry = telemetry
        self._now_ms = now_ms
        self._secrets = secrets_of(settings.ingest)
        self.under_way = 0

    async def take(self, source: str, request: Request) -> Answer:
        """Deal with one request."""
        if source not in self._secrets:
            return Answer(404, {"detail": "no such source here: see [ingest] secrets"})
        if self.under_way >= self._ingest.requests_under_way:
            return Answer(429, {"detail": "too many at once: Kafka is slow"}, again=True)
        self._count(1)
        try:
            body = await self._body(request)
            return body if isinstance(body, Answer) else await self._take(source, request, body)
        finally:
            self._count(-1)

    def _count(self, n: int) -> None:
        self.under_way += n
        self._telemetry.under_way(self.under_way)

    async def _body(self, request: Request) -> bytes | Answer:
        """The body; an answer where it is too long, or doesn't come. No more of it is kept than may come."""
        bytes_max = self._ingest.body_kilobytes_max * KILOBYTE
        too_long = Answer(413, {"reason": Reason.TOO_LARGE, "detail": f"payload: expected at most {bytes_max:,} bytes"})
        stated = request.headers.get("content-length", "")
        if stated.isdecimal() and int(stated) > bytes_max:
            return too_long
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in request.stream():
                    body += piece
                    if len(body) > bytes_max:
                        return too_long
        except (TimeoutError, ClientDisconnect):
            return Answer(408, {"detail": "the body did not come"})
        return bytes(body)

    async def _take(self, source: str, request: Request, body: bytes) -> Answer:
        secrets = self._secrets[source]
        headers = {name.lower(): value for name, value in request.headers.items()}
        if secrets and not verified(source, Pushed(self._address(request), headers, body), secrets):
            return Answer(401, {"detail": "no valid signature"})
        taken = take(source, body, self._rules, self._names, self._now_ms())
        try:
            await self._writer.write(self._records(source, body, taken))
        except NotWrittenError as error:
            self._telemetry.kafka(False, str(error))
            return Answer(503, {"detail": "Kafka takes no events now"}, again=True)
        self._telemetry.kafka(True)
        return self._answer(source, taken)

    def _records(self, source: str, body: bytes, taken: Taken | Rejection) -> list[Outgoing]:
        if isinstance(taken, Rejection):
            return [Outgoing(self._topics.rejected, None, body, payload_headers(source, taken))]
        records = [(self._topics.interactions, *record) for record in taken.records]
        records += [(self._topics.agents, *state) for state in taken.states]
        put_aside = [
            Outgoing(self._topics.rejected, None, part.body, payload_headers(source, part.why)) for part in taken.refused
        ]
        return [*(Outgoing(topic, key, value, []) for topic, key, value in records), *put_aside]

    def _answer(self, source: str, taken: Taken | Rejection) -> Answer:
        if isinstance(taken, Rejection):
            self._telemetry.refused(source, taken)
            return Answer(400, {"reason": taken.reason, "detail": taken.detail})
        n = len(taken.records) + len(taken.states)
        self._telemetry.written(source, n, taken.rules)
        for part in taken.refused:
            self._telemetry.refused(source, part.why)
        return Answer(202, {"events": n, **({"rejected": len(taken.refused)} if taken.refused else {})})

    def _address(self, request: Request) -> str:
        """The address as whoever pushed called it."""
        called = request.scope.get("raw_path", b"").decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        host = self._ingest.public_url.rstrip("/") or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return f"{host}{called}?{query}" if query else f"{host}{called}"


def secrets_of(ingest: Ingest) -> dict[str, tuple[str, ...]]:
    """The sources that are served, each with its secrets; none for what is taken unsigned. StreamsError for unknown names."""
    served = {source: tuple(part.strip() for part in secret.split(",")) for source, secret in ingest.secrets.items()}
    served |= dict.fromkeys(ingest.unsigned, ())
    unknown = sorted(served.keys() - PAYLOADS.keys())
    if unknown:
        raise StreamsError(f"[ingest] secrets and unsigned: no source '{unknown[0]}'. There are {', '.join(sorted(PAYLOADS))}.")
    if not served:
        raise StreamsError(
            "[ingest] has no source to take events from: give one a secret, STREAMS_INGEST_SECRETS='{zendesk = \"…\"}', "
            "or name it in [ingest] unsigned"
        )
    return served
