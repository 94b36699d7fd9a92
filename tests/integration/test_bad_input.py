"""Bad input on a real system: each reason counted and kept, nothing restarted, everything else counted to the contact."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from commands_in_process import NINE, value_of
from confluent_kafka import Message
from raw_records import (
    Sent,
    binary,
    event,
    heartbeat,
    metrics,
    offered,
    outcomes,
    produce,
    settled,
    structured,
    value,
    with_unreadable_header,
)
from running import System, eventually, make_system

from streams import settings
from streams.core.event import Reason
from streams.edge.reader import read

pytestmark = pytest.mark.integration

MINUTE, DAY = 60_000, 86_400_000
FIGURES = ("offered", "answered", "abandoned", "wait_ms", "handled", "talk_ms")


BAD: dict[str, Sent] = {
    "not_json": Sent(b'{"id": "cut off'),
    "too_large": offered("big", note="x" * 65_536),
    "missing_field": Sent(json.dumps({"id": "1", "source": "acd", "type": "offered", "time": NINE}).encode()),
    "bad_type": offered("number", id=7),
    "bad_time": offered("when", time="yesterday"),
    "future_time": offered("tomorrow", time=round(time.time() * 1000) + DAY),
    "unknown_type": event("ringing", 0, "ringing"),
    "bad_value": event("surveyed", 0, "survey", csat=6),
    "unknown_source": offered("stranger", source="crm"),
}
# Call a as canonical events, b as structured and c as binary CloudEvents, d without a key and 60 KiB long. Calls of one minute.
GOOD = [
    offered("a"),
    event("queued", 1_000, "a", queue="billing"),
    event("answered", 11_000, "a"),
    event("completed", 71_000, "a", talk_seconds=60),
    structured("offered", 0, "b", channel="voice", queue="billing"),
    structured("queued", 2_000, "b", queue="billing"),
    structured("abandoned", 32_000, "b"),
    binary("offered", "2024-03-01T09:00:00Z", "c", channel="voice", queue="billing"),
    binary("queued", "2024-03-01T09:00:00Z", "c", queue="billing"),
    binary("answered", "2024-03-01T10:00:05+01:00", "c"),
    offered("d", note="x" * 61_440)._replace(key=None),
]
UNREADABLE = offered("unreadable")
LATE, TOO_LATE = offered("late", 30_000), offered("too late", 30_000)


def batch() -> list[Sent]:
    """Good and bad by turns, then repeats, then what comes late for the minute, then what comes late for everything."""
    mixed = [record for pair in zip(GOOD, [*BAD.values(), Sent(b""), Sent(b" ")], strict=True) for record in pair]
    return [*mixed, Sent(None), GOOD[0], GOOD[4], GOOD[7], heartbeat(10 * MINUTE), LATE, heartbeat(2 * DAY), TOO_LATE]


class Run(NamedTuple):
    """A system that has taken in the batch, and its metrics before and after."""

    system: System
    before: dict[str, float]
    after: dict[str, float]


def kept(system: System, topic: str) -> list[Message]:
    """The records of a topic for what was put aside, in the order in which they came in."""
    loaded = settings.load([], system.environment)
    return sorted(read(loaded, getattr(loaded.topics, topic)), key=lambda message: int(header(message, "offset")))


def header(message: Message, name: str) -> str:
    """A header's text."""
    value = dict(message.headers() or ())[name]
    assert isinstance(value, bytes)
    return value.decode()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the one system that takes in the batch."""
    return tmp_path_factory.mktemp("bad-input")


@pytest.fixture(scope="module")
def run(kafka: str, directory: Path) -> Iterator[Run]:
    """The batch, taken in by a worker that allows one source only."""
    system = make_system(directory, kafka, {"STREAMS_EVENTS_SOURCES": "acd"})
    try:
        system.start_worker()
        before = metrics(system)
        produce(system, batch())
        for partition in (1, 2, 3):
            produce(system, [heartbeat(2 * DAY)], partition)
        yield Run(system, before, settled(system, len(batch()) + 3))
    finally:
        system.children.stop()


def test_each_reason_is_counted_and_nothing_is_lost(run: Run) -> None:
    reasons: dict[str, float] = {**dict.fromkeys(BAD, 1), "not_json": 4}
    assert set(reasons) == set(Reason)
    expected = {"accepted": len(GOOD) + 1 + 5, "duplicate": 3, "too_late": 1, **reasons}
    assert outcomes(run.after) == expected
    topic = run.system.environment["STREAMS_TOPICS_INTERACTIONS"]
    assert run.after[f"streams_events_consumed_total{{{topic}}}"] == sum(expected.values()) == len(batch()) + 3


def test_the_worker_is_the_same_process_as_before(run: Run) -> None:
    (worker,) = run.system.children.running
    assert worker.process.poll() is None
    assert run.after["process_start_time_seconds"] == run.before["process_start_time_seconds"]
    assert "Traceback" not in worker.log.read_text()


def test_each_refused_record_is_kept_as_it_came_with_its_reason_and_its_place(run: Run) -> None:
    topic = run.system.environment["STREAMS_TOPICS_INTERACTIONS"]
    refused = {**{offset: (reason, sent) for offset, (reason, sent) in zip(range(1, 19, 2), BAD.items(), strict=True)}}
    expected = [(offset, reason, sent.value, sent.key) for offset, (reason, sent) in refused.items()]
    expected += [(19, "not_json", b"", b"k"), (21, "not_json", b" ", b"k"), (22, "not_json", None, b"k")]
    found = kept(run.system, "rejected")
    assert [(int(header(m, "offset")), header(m, "reason"), m.value(), m.key()) for m in found] == expected
    assert {(header(m, "topic"), header(m, "partition")) for m in found} == {(topic, "0")}
    assert all("expected" in header(m, "detail") for m in found)


def test_late_events_are_kept_with_the_windows_that_they_missed(run: Run) -> None:
    found = [(m.value(), header(m, "windows"), header(m, "offset")) for m in kept(run.system, "late")]
    assert found == [(LATE.value, "1m", "27"), (TOO_LATE.value, "1m,15m,1h,1d", "29")]
    assert {kind: run.after[f"streams_events_late_total{{{kind}}}"] for kind in ("1m", "15m", "1h", "1d")} == {
        "1m": 2,
        "15m": 1,
        "1h": 1,
        "1d": 1,
    }


def test_the_rest_of_the_batch_is_counted_exactly(run: Run) -> None:
    def final(window: str) -> list[dict[str, int]]:
        trends = run.system.lines("trends", "--cut", "queue", "--window", window, "--final-only", "--json")
        figures = [{name: trend["measures"].get(name, 0) for name in FIGURES} for trend in trends]
        return [one for one in figures if any(one.values())]  # calls without an end time out in windows of their own

    day = eventually(lambda: final("1d"), 30, "the day is final")
    answers = {"answered": 2, "abandoned": 1, "wait_ms": 10_000 + 5_000, "handled": 1, "talk_ms": 60_000}
    assert day == [{"offered": 5, **answers}]
    assert final("15m") == [{"offered": 5, **answers}]
    ended = {"handled": 1, "talk_ms": 60_000}  # in the minute after
    nothing = dict.fromkeys(FIGURES, 0)
    assert final("1m") == [{**nothing, "offered": 4, "answered": 2, "abandoned": 1, "wait_ms": 15_000}, {**nothing, **ended}]


def test_the_command_shows_the_refused_by_reason_with_examples(run: Run) -> None:
    said = run.system.streams("rejected").splitlines()
    assert said[0] == "not_json: 4"
    assert {line for line in said if not line.startswith(" ")} == {
        "not_json: 4",
        *(f"{name}: 1" for name in BAD if name != "not_json"),
    }
    topic = run.system.environment["STREAMS_TOPICS_INTERACTIONS"]
    place = said.index(f"  source: expected one of the configured names   at {topic} 0/17")
    assert said[place + 1].startswith('    {"id": "stranger/offered", "source": "crm"')
    for reason, sent in BAD.items():
        lines = run.system.lines("rejected", "--reason", reason, "--json")
        assert (sent.value or b"").decode() in [line["value"] for line in lines]
        assert {(line["reason"], line["topic"], line["partition"]) for line in lines} == {(reason, topic, "0")}


def test_records_of_any_size_cost_only_themselves(kafka: str, tmp_path: Path) -> None:
    """Also the longest that Kafka takes, which can't be kept whole beside what is said about it."""
    system = make_system(tmp_path, kafka)
    try:
        system.start_worker()
        longest = offered("fits")
        fits = offered("fits", note="x" * (65_536 - len(value(longest)) - len(', "note": ""')))
        records = [
            fits,
            Sent(value(fits) + b" ", b"fits"),
            Sent(b"x" * 1_048_000),
            Sent(b"{", b"k" * 1_000_000),
            Sent(b"{", b"k", (("h", b"x" * 1_000_000),)),
            offered("after"),
        ]
        produce(system, records)
        with_unreadable_header(system, UNREADABLE)
        produce(system, [offered("last")])
        assert outcomes(settled(system, 8)) == {"accepted": 3, "too_large": 2, "not_json": 2, "bad_value": 1}
        found = [
            (len(value_of(m)), len(m.key() or b""), dict(m.headers() or ()).get("cut_bytes")) for m in kept(system, "rejected")
        ]
        cut = [(1_000_000, 1, b"1048001"), (1, 0, b"1000001"), (1, 0, b"1000003")]
        assert found == [(65_537, len("fits"), None), *cut, (len(value(UNREADABLE)), len("unreadable"), None)]
    finally:
        system.children.stop()


def test_what_was_refused_is_taken_in_after_the_allowed_sources_were_widened(kafka: str, tmp_path: Path) -> None:
    system = make_system(tmp_path, kafka, {"STREAMS_EVENTS_SOURCES": "acd"})
    topic = system.environment["STREAMS_TOPICS_INTERACTIONS"]
    stranger = binary("offered", "2024-03-01T09:00:00Z", "c", source="crm", channel="voice", queue="billing")
    try:
        system.start_worker()
        produce(system, [BAD["unknown_source"], BAD["not_json"], stranger, offered("a")])
        assert outcomes(settled(system, 4)) == {"accepted": 1, "unknown_source": 2, "not_json": 1}
        system.children.stop()
        system.environment["STREAMS_EVENTS_SOURCES"] = "acd,crm"
        system.start_worker()
        expected = f"3 rejected records sent to '{topic}' again: not_json 1, unknown_source 2\n"
        assert system.streams("replay", "--rejected") == expected
        assert outcomes(settled(system, 3)) == {"accepted": 2, "not_json": 1}
        assert system.streams("replay", "--rejected") == f"1 rejected records sent to '{topic}' again: not_json 1\n"
        eventually(lambda: billing_today(system) == 3, 30, "all three calls are counted")
    finally:
        system.children.stop()


def billing_today(system: System) -> int:
    """Calls offered to billing, so far."""
    trends = system.lines("trends", "--cut", "queue", "--window", "1d", "--json")
    return sum(trend["measures"]["offered"] for trend in trends)
