"""The ingest service without Kafka: every answer that it can give, and what it writes before."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from streams.core.errors import StreamsError
from streams.edge.outlet import NotWrittenError, Outgoing
from streams.ingest.api import build_ingest
from streams.settings import Settings, load

NOW_MS = 1795770000000  # 2026-11-27 09:00 UTC
EVENT = b'{"id": "1", "source": "acd", "type": "offered", "time": 1795770000000, "interaction_id": "c"}'
WRITTEN = b'{"id":"1","source":"acd","type":"offered","interaction_id":"c","time":1795770000000}'


class Kept:
    """A writer that keeps what it gets; it takes nothing while it isn't `well`, and waits where it is `slow`."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.well = True
        self.slow = asyncio.Event()
        self.slow.set()
        self.closed = False

    async def write(self, records: Sequence[Outgoing]) -> None:
        """As edge.outlet does."""
        await self.slow.wait()
        if not self.well:
            raise NotWrittenError("no broker")
        self.records += records

    def close(self) -> None:
        """Nothing to end."""
        self.closed = True


def settings(extra: Mapping[str, str] | None = None) -> Settings:
    return load([], {"STREAMS_INGEST_SECRETS": '{events = "k"}', **(extra or {})})


def signed(body: bytes) -> dict[str, str]:
    return {"X-Streams-Signature": "sha256=" + hmac.new(b"k", body, hashlib.sha256).hexdigest()}


def app_of(writer: Kept, extra: Mapping[str, str] | None = None, registry: CollectorRegistry | None = None) -> FastAPI:
    return build_ingest(settings(extra), writer, registry or CollectorRegistry(), lambda: NOW_MS)


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingest")


def push(writer: Kept, body: bytes, headers: Mapping[str, str], path: str = "/ingest/events") -> httpx.Response:
    """One push to a service of its own."""

    async def run() -> httpx.Response:
        async with client(app_of(writer)) as one:
            return await one.post(path, content=body, headers=dict(headers))

    return asyncio.run(run())


def test_a_signed_event_is_taken_and_written_under_its_interaction() -> None:
    writer = Kept()
    answer = push(writer, EVENT, signed(EVENT))
    assert (answer.status_code, answer.json()) == (202, {"events": 1})
    assert writer.records == [Outgoing("interactions", b"c", WRITTEN, [])]


@pytest.mark.parametrize("headers", [{}, {"X-Streams-Signature": "sha256=00"}, signed(b"other")])
def test_what_is_not_signed_is_neither_taken_nor_kept(headers: Mapping[str, str]) -> None:
    writer = Kept()
    answer = push(writer, EVENT, headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "no valid signature"})
    assert writer.records == []


def test_a_source_without_a_secret_is_not_served() -> None:
    assert push(Kept(), EVENT, signed(EVENT), "/ingest/zendesk").status_code == 404


@pytest.mark.parametrize(
    ("body", "reason", "detail"),
    [
        (b"{", "not_json", "payload: expected JSON"),
        (EVENT.replace(b"offered", b"offred"), "unknown_type", "type: expected one of offered, queued"),
        (EVENT.replace(b"1795770000000", b"1795770300001"), "future_time", "time: expected at most 300 s ahead of the clock"),
        (b"[" + EVENT + b',{"id":"2"}]', "missing_field", "source: expected a text of 1 to 200 characters"),
        (EVENT.replace(b'"c"', b'"c", "queue": "a\\u001fb"'), "bad_value", "queue: expected no unit separator (U+001F)"),
    ],
)
def test_a_refused_payload_is_kept_as_it_came_with_the_reason_that_is_answered(body: bytes, reason: str, detail: str) -> None:
    writer = Kept()
    answer = push(writer, body, signed(body))
    assert answer.status_code == 400
    assert answer.json()["reason"] == reason
    assert answer.json()["detail"].startswith(detail)
    headers = [("reason", reason.encode()), ("detail", answer.json()["detail"].encode()), ("pushed_to", b"events")]
    assert writer.records == [Outgoing("interactions.rejected", None, body, headers)]


def test_a_payload_may_be_as_long_as_is_set_and_no_longer() -> None:
    long = EVENT[:-1] + b" " * (256 * 1024 - len(EVENT)) + b"}"
    assert push(Kept(), long, signed(long)).status_code == 202
    writer = Kept()
    answer = push(writer, long + b" ", signed(long + b" "))
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    assert writer.records == []


def test_a_body_in_pieces_is_not_read_beyond_the_limit() -> None:
    given: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            given.append(64)
            yield b" " * 64 * 1024

    async def run() -> int:
        scope = {"type": "http", "method": "POST", "path": "/ingest/events", "raw_path": b"/ingest/events"}
        body = endless()
        status: list[int] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": await anext(body), "more_body": True}

        async def send(message: Mapping[str, Any]) -> None:
            status.append(message.get("status", 0))

        await app_of(Kept())({**scope, "query_string": b"", "headers": [], "http_version": "1.1"}, receive, send)
        return status[0]

    assert asyncio.run(run()) == 413
    assert sum(given) == 256 + 64


def test_while_kafka_is_slow_only_so_many_wait_and_the_rest_is_told_when_to_come_back() -> None:
    async def run() -> None:
        writer = Kept()
        writer.slow.clear()
        async with client(app_of(writer, {"STREAMS_INGEST_REQUESTS_UNDER_WAY": "2"})) as one:
            waiting = [asyncio.create_task(one.post("/ingest/events", content=EVENT, headers=signed(EVENT))) for _ in range(2)]
            async with asyncio.timeout(5):
                while (await one.get("/health")).json()["under_way"] < 2:
                    await asyncio.sleep(0)
            refused = await one.post("/ingest/events", content=EVENT, headers=signed(EVENT))
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
            writer.slow.set()
            assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [202, 202]
            assert (await one.post("/ingest/events", content=EVENT, headers=signed(EVENT))).status_code == 202
            assert (await one.get("/health")).json()["under_way"] == 0

    asyncio.run(run())


def test_what_kafka_did_not_acknowledge_is_not_taken() -> None:
    writer = Kept()
    writer.well = False
    for body in (EVENT, b"{"):  # not even a refusal counts as kept
        answer = push(writer, body, signed(body))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_health_readiness_and_metrics_say_how_it_is() -> None:
    async def run() -> None:
        writer, registry = Kept(), CollectorRegistry()
        app = app_of(writer, registry=registry)
        async with client(app) as one, app.router.lifespan_context(app):
            await one.post("/ingest/events", content=EVENT, headers=signed(EVENT))
            await one.post("/ingest/events", content=b"{", headers=signed(b"{"))
            await one.post("/ingest/elsewhere", content=b"{")
            expected = {"ok": True, "ready": True, "under_way": 0, "sources": ["events"]}
            assert (await one.get("/health")).json() == expected
            exposed = (await one.get("/metrics")).text
            for line in (
                'streams_ingest_requests_total{source="events",status="202"} 1.0',
                'streams_ingest_requests_total{source="events",status="400"} 1.0',
                'streams_ingest_requests_total{source="other",status="404"} 1.0',
                'streams_ingest_events_total{source="events"} 1.0',
                'streams_ingest_rejected_total{reason="not_json",source="events"} 1.0',
                "streams_ingest_answer_seconds_count 3.0",
            ):
                assert line in exposed
            assert (await one.head("/ingest/events")).status_code == 200
            assert (await one.head("/ingest/else")).status_code == 404
            writer.well = False
            assert [(await one.get(path)).status_code for path in ("/health", "/ready")] == [200, 503]
        assert writer.closed

    asyncio.run(run())


@pytest.mark.parametrize(
    ("public_url", "called"),
    [("https://acme.example/", "https://acme.example"), ("", "http://ingest")],
)
def test_twilio_signs_the_address_that_it_called_with_its_query(public_url: str, called: str) -> None:
    fields = {"EventType": "task.created", "Timestamp": str(NOW_MS // 1000), "TaskSid": "WT1"}
    signed_text = f"{called}/ingest/twilio?region=eu%20west" + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.new(b"t", signed_text.encode(), hashlib.sha1).digest()).decode()
    extra = {"STREAMS_INGEST_SECRETS": '{twilio = "t"}', "STREAMS_INGEST_PUBLIC_URL": public_url}

    async def run(path: str) -> int:
        async with client(app_of(Kept(), extra)) as one:
            return (await one.post(path, data=fields, headers={"X-Twilio-Signature": signature})).status_code

    assert asyncio.run(run("/ingest/twilio?region=eu%20west")) == 202
    assert asyncio.run(run("/ingest/twilio?region=us")) == 401


def test_what_repeats_is_logged_when_its_total_gains_a_digit(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with client(app_of(Kept())) as one:
            for _ in range(11):
                await one.post("/ingest/events", content=b"{")
                await one.post("/ingest/events", content=b"{", headers=signed(b"{"))

    asyncio.run(run())
    rejected = "rejected source=events reason=not_json detail=payload: expected JSON"
    unsigned = "no valid signature source=events"
    expected = [f"{fact} total={total}" for total in (1, 10) for fact in (unsigned, rejected)]
    assert [record.getMessage() for record in caplog.records if record.name == "streams"] == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"STREAMS_INGEST_SECRETS": "{}"}, r"\[ingest\] has no source"),
        ({"STREAMS_INGEST_SECRETS": '{zendsk = "k"}'}, r"no source 'zendsk'\. There are .*events"),
        ({"STREAMS_INGEST_UNSIGNED": "events"}, r"\[ingest\] unsigned.*'events' has a secret"),
        ({"STREAMS_INGEST_SECRETS": '{events = "k,"}'}, r"\[ingest.secrets\] events.*is empty"),
        ({"STREAMS_INGEST_PUBLIC_URL": "acme.com"}, r"\[ingest\] public_url.*expected https://host"),
    ],
)
def test_settings_that_would_take_nothing_or_anything_stop_the_start(environment: Mapping[str, str], expected: str) -> None:
    with pytest.raises(StreamsError, match=expected):
        app_of(Kept(), environment)


def test_an_unsigned_source_is_taken_as_it_is() -> None:
    async def run() -> int:
        extra = {"STREAMS_INGEST_SECRETS": "{}", "STREAMS_INGEST_UNSIGNED": "events"}
        async with client(app_of(Kept(), extra)) as one:
            return (await one.post("/ingest/events", content=EVENT)).status_code

    assert asyncio.run(run()) == 202
