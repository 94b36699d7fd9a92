"""The contracts are what the program decodes and encodes, and are kept to from release to release."""

import copy
import json
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contract_changes import broken
from intake_fakes import READ_MS, RecordFake, make_rules
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from typer.testing import CliRunner

from streams.__main__ import build
from streams.core.aside import ORIGIN
from streams.core.contracts import CHANNELS, asyncapi, schemas
from streams.core.decode import decode
from streams.core.event import Event, Rejection
from streams.core.trend import Clock, KpiValue, Trend, Window

CONTRACTS = Path(__file__).parents[2] / "deploy" / "contracts"
OFFERED = {"id": "e1", "source": "acd", "type": "offered", "time": "2025-10-09T08:54:00Z", "interaction_id": "i1"}


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(msgspec.json.encode(asyncapi(version("interaction-streams"))))
    return found


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}})


def test_the_document_in_the_repository_is_current_else_write_it_by_streams_contracts() -> None:
    printed = CliRunner().invoke(build(), ["contracts"]).output
    assert printed == (CONTRACTS / "asyncapi.json").read_text()
    assert json.loads(printed) == document()


@pytest.mark.parametrize("released", sorted((CONTRACTS / "released").glob("*.json")), ids=lambda path: path.stem)
def test_who_keeps_to_a_released_contract_may_go_on(released: Path) -> None:
    assert broken(json.loads(released.read_text()), document()) == []


def test_every_reference_in_the_document_leads_somewhere() -> None:
    whole = document()

    def look(part: object) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                found: Any = whole
                for step in part["$ref"].removeprefix("#/").split("/"):
                    found = found[step]
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(whole)
    for name in ("Rejected", "Late"):
        assert set(ORIGIN) < set(whole["components"]["messages"][name]["headers"]["properties"])
    assert {channel.topic for channel in CHANNELS} < set(whole["channels"])


def test_the_schemas_are_valid_schemas() -> None:
    for name in schemas():
        Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"time": 1_760_000_000_000},
        {"type": "heartbeat", "interaction_id": None},
        {"extra": {"anything": 1}},
        {"channel": ""},
        {"channel": "x" * 201},
        {"interaction_id": None},
        {"type": "vanished"},
        {"time": -1},
        {"csat": 6},
        {"nps": 0},
        {"score": -1.5},
        {"talk_seconds": -1},
        {"talk_seconds": 1.5},
        {"resolved": "yes"},
        {"id": 7},
    ],
)
def test_what_the_schema_of_events_takes_intake_takes_and_nothing_else(fields: dict[str, Any]) -> None:
    event = {key: value for key, value in {**OFFERED, **fields}.items() if value is not None}
    taken = decode(RecordFake(json.dumps(event).encode()), make_rules(), READ_MS)
    assert isinstance(taken, Event | Rejection)
    assert validator("Event").is_valid(event) == isinstance(taken, Event)


def test_records_as_they_are_sent_keep_to_their_schemas() -> None:
    value = KpiValue(0.5, 2, 0.1, 0.9)
    trend = Trend(
        cut="queue",
        series={"queue": "billing"},
        window=Window("1m", 0, 60_000, "UTC"),
        final=True,
        revision=1,
        measures={"offered": 2},
        kpis={"service_level": value, "csat": KpiValue(None, 0)},
        watermark_ms=1,
        read_ms=None,
        published_ms=2,
    )
    clock = Clock(shard=0, shards=2, watermark_ms=None, closed_ms=None, heard_ms=None, event_ms=None, revision=1, published_ms=2)
    for name, record in (("Trend", trend), ("Clock", clock)):
        sent = json.loads(msgspec.json.encode(record))
        validator(name).validate(sent)
        assert not validator(name).is_valid({**sent, "published_ms": "late"})


def without(whole: dict[str, Any], name: str, field: str) -> None:
    del whole["components"]["schemas"][name]["properties"][field]


def needing(whole: dict[str, Any], name: str, field: str) -> None:
    whole["components"]["schemas"][name]["required"].append(field)


def not_needing(whole: dict[str, Any], name: str, field: str) -> None:
    whole["components"]["schemas"][name]["required"].remove(field)


def retyped(whole: dict[str, Any], name: str, field: str) -> None:
    whole["components"]["schemas"][name]["properties"][field] = {"type": "boolean"}


@pytest.mark.parametrize(
    ("change", "name", "field", "words"),
    [
        (without, "Event", "channel", ["Event.channel: the field is gone"]),
        (needing, "Event", "queue", ["Event.queue: needed now"]),
        (retyped, "Event", "csat", ["Event.csat: another type"]),
        (not_needing, "Event", "source", []),
        (without, "Trend", "revision", ["Trend.revision: the field is gone"]),
        (not_needing, "Trend", "final", ["Trend.final: may be missing now"]),
        (needing, "Trend", "waits", []),
    ],
)
def test_a_change_that_would_break_somebody_is_named(change: Any, name: str, field: str, words: list[str]) -> None:
    before = document()
    now = copy.deepcopy(before)
    change(now, name, field)
    assert [one for one in broken(before, now) if one != "Trend.revision: may be missing now"] == words


def test_a_new_field_a_new_word_and_a_new_topic_break_nobody() -> None:
    before = document()
    now = copy.deepcopy(before)
    now["components"]["schemas"]["Event"]["properties"]["mood"] = {"type": "string"}
    now["components"]["schemas"]["Event"]["properties"]["type"]["enum"].append("paused")
    now["channels"]["moods"] = {}
    assert broken(before, now) == []
    gone = next(islice(now["channels"], 1))
    del now["channels"][gone]
    assert broken(before, now) == [f"{gone}: the channel is gone"]
