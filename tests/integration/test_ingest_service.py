"""`streams ingest` against real Kafka: what is pushed is there when it says so; what is refused is kept, and sent in again."""

import asyncio
import hashlib
import hmac
import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from commands_in_process import NINE, Commands
from own_topics import own_environment
from running import ask, eventually

from streams.commands.children import Children, free_port
from streams.edge.outlet import NotWrittenError, Outgoing, Outlet
from streams.edge.reader import read

pytestmark = pytest.mark.integration


def offered(call: str) -> dict[str, object]:
    return {"id": f"{call}/offered", "source": "acd", "type": "offered", "interaction_id": call, "time": NINE}


def push(url: str, body: bytes) -> tuple[int, dict[str, object]]:
    """Status and answer of a signed push."""
    signature = "sha256=" + hmac.new(b"k", body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(url, body, {"X-Streams-Signature": signature})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_what_is_pushed_is_on_kafka_and_what_is_refused_can_be_sent_in_again(kafka: str, tmp_path: Path) -> None:
    port = free_port()
    commands = Commands(own_environment(kafka, {"STREAMS_INGEST_SECRETS": '{events = "k"}', "STREAMS_INGEST_PORT": str(port)}))
    commands.run("topics", "create")
    settings = commands.settings
    service = Children(tmp_path, dict(commands.environment)).start("ingest", "ingest")
    try:
        eventually(lambda: ask(f"http://127.0.0.1:{port}/ready"), 60, "ingest is ready")
        url = f"http://127.0.0.1:{port}/ingest/events"
        assert push(url, json.dumps([offered(f"c{n}") for n in range(100)]).encode()) == (202, {"events": 100})
        found = {message.key(): json.loads(message.value() or b"") for message in read(settings, settings.topics.interactions)}
        assert found == {f"c{n}".encode(): offered(f"c{n}") for n in range(100)}

        refused = b'{"id": "1"'
        status, answer = push(url, refused)
        assert (status, answer["reason"]) == (400, "not_json")
        (kept,) = [json.loads(line) for line in commands.run("rejected", "--json").splitlines()]
        assert (kept["reason"], kept["topic"], kept["value"]) == ("not_json", "/ingest/events", refused.decode())
        assert "at /ingest/events\n" in commands.run("rejected")
        assert "1 payloads are refused still, and kept for next time" in commands.attempt("replay", "--rejected").stderr
        assert len(commands.run("rejected", "--json").splitlines()) == 2
    finally:
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(15) == 0


def test_a_payload_that_its_source_takes_by_now_becomes_events(kafka: str) -> None:
    commands = Commands(own_environment(kafka))
    commands.run("topics", "create")
    settings = commands.settings
    outlet = Outlet(settings)
    outlet.open()

    async def refuse() -> None:
        # As an earlier version might have refused it.
        headers = [("reason", b"bad_time"), ("detail", b"time: expected"), ("pushed_to", b"events")]
        await outlet.write([Outgoing(settings.topics.rejected, None, json.dumps(offered("late")).encode(), headers)])
        with pytest.raises(NotWrittenError, match="Kafka did not acknowledge"):
            await outlet.write([Outgoing(f"{settings.app.name}.nowhere", None, b"", [])])

    asyncio.run(refuse())
    assert not outlet.well
    outlet.close()
    assert "1 rejected records sent" in commands.run("replay", "--rejected")
    assert "0 rejected records sent" in commands.run("replay", "--rejected")
    (message,) = read(settings, settings.topics.interactions)
    assert (message.key(), json.loads(message.value() or b"")) == (b"late", offered("late"))
