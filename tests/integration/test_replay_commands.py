"""replay and simulate against real Kafka and the embedded broker: what is sent, in which order, and what is refused."""

import json
import time
from pathlib import Path

import pytest
from commands_in_process import NINE, Commands
from own_topics import own_environment

from streams.edge.kafka import topic_specs
from streams.edge.reader import read

pytestmark = pytest.mark.integration

# Written in disorder; the replay sorts.
CALLS = "\n".join(
    json.dumps({"id": f"{call}/{kind}", "source": "test", "type": kind, "interaction_id": call, "time": NINE + at_ms})
    for call, kind, at_ms in [
        ("b", "offered", 30_000),
        ("a", "offered", 0),
        ("a", "completed", 90_000),
        ("a", "answered", 10_000),
        ("c", "offered", 61_000),
    ]
)


@pytest.fixture(params=["kafka", "tansu"])
def commands(request: pytest.FixtureRequest) -> Commands:
    """Commands on each broker in turn, with topics of their own."""
    made = Commands(own_environment(str(request.getfixturevalue(request.param))))
    assert f"{len(topic_specs(made.settings))} topics created" in made.run("topics", "create")
    return made


@pytest.fixture
def calls(tmp_path: Path) -> str:
    """A file of canonical events."""
    file = tmp_path / "calls.jsonl"
    file.write_text(CALLS)
    return str(file)


def test_a_replay_sends_events_in_time_order_and_heartbeats_to_every_partition(commands: Commands, calls: str) -> None:
    said = commands.run("replay", calls)
    assert "5 events of 5 rows" in said
    assert "every window becomes final" in said
    sent = commands.sent()
    beats = [("heartbeat", -1), ("heartbeat", 60_000), ("heartbeat", 61_000 + 29_000 + 172_800_000)]
    for events in sent.values():
        assert [event for event in events if event[0] == "heartbeat"] == beats
        assert events == sorted(events, key=lambda event: event[1])
    assert sorted(sent) == [0, 1, 2, 3]
    everything = sorted(event for events in sent.values() for event in events if event[0] != "heartbeat")
    expected = [("answered", 10_000), ("completed", 90_000), ("offered", 0), ("offered", 30_000), ("offered", 61_000)]
    assert expected == everything


def test_all_events_of_an_interaction_are_in_one_partition(commands: Commands, calls: str) -> None:
    commands.run("replay", calls)
    places: dict[bytes | None, set[int | None]] = {}
    for message in read(commands.settings, commands.settings.topics.interactions):
        places.setdefault(message.key(), set()).add(message.partition())
    assert len(places.pop(None)) == 4
    assert {key: len(partitions) for key, partitions in places.items()} == {b"a": 1, b"b": 1, b"c": 1}


def test_no_close_leaves_the_last_windows_open(commands: Commands, calls: str) -> None:
    assert "stay provisional" in commands.run("replay", calls, "--no-close")
    assert max(time_ms for events in commands.sent().values() for _, time_ms in events) == 90_000


def test_a_paced_replay_takes_its_time_and_shift_to_now_ends_now(commands: Commands, calls: str) -> None:
    began = time.time()
    commands.run("replay", calls, "--speed", "90", "--shift-to-now")
    ended = time.time()
    last_ms = NINE + max(time_ms for events in commands.sent().values() for _, time_ms in events)
    assert ended - began >= 1.0  # 90 s of event time at 90 times
    assert began <= last_ms / 1000 <= ended


def test_rows_that_cannot_be_read_are_counted_and_the_rest_is_sent(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(CALLS + "\nnot json\n")
    said = commands.run("replay", str(file))
    assert "5 events of 6 rows" in said
    assert "rejected: 1 rows, not_json\nThe first rejected: line 6: payload: expected JSON" in said


def test_what_is_wrong_with_a_replay_is_said_in_one_line(commands: Commands, calls: str, tmp_path: Path) -> None:
    binary = tmp_path / "calls.xlsx"
    binary.write_bytes(b"PK\x03\xff\xfe")
    assert commands.refusal("replay", "nowhere.csv") == "nowhere.csv: no such file."
    assert commands.refusal("replay", calls, "--format", "xml").startswith("unknown format 'xml'. Known are bank1999, csv, ")
    assert commands.refusal("replay", calls, "--format", "csv").startswith("format 'csv' needs --mapping FILE")
    assert commands.refusal("replay", str(binary)).startswith(f"{binary}: not UTF-8 text")
    assert commands.refusal("replay", str(tmp_path)) == f"{tmp_path}: can't be read: Is a directory."


def test_a_simulated_day_of_the_past_is_told_to_its_end_and_closed(commands: Commands) -> None:
    arguments = ("simulate", "--start", "2024-03-01T09:00:00", "--minutes", "10", "--rate", "60", "--seed", "3")
    said = commands.run(*arguments, "--incident", "outage:+5m:5m")
    sent = commands.sent()
    events = [event for partition in sent.values() for event in partition]
    offered = [time_ms for kind, time_ms in events if kind == "offered"]
    # One before the first event, ten minutes, the end, and one that says that it is the end.
    of_contacts, of_agents = len([1 for kind, _ in events if kind != "heartbeat"]), commands.sent_states()
    assert f"{of_contacts + of_agents:,} events and 13 heartbeats" in said
    assert of_agents > 0
    assert 200 < len(offered) < 400  # Poisson, mean 300
    assert max(offered) < 300_000  # nobody comes in the outage
    assert {kind for kind, _ in events} >= {"queued", "answered", "completed", "surveyed"}
    closing_ms = 600_000 + 2 * 24 * 3_600_000
    assert [partition[-1] for partition in sent.values()] == [("heartbeat", closing_ms)] * 4


def test_a_simulation_until_now_sends_nothing_that_is_still_to_come(commands: Commands) -> None:
    commands.run("simulate", "--minutes", "30", "--rate", "60")
    now_ms = time.time() * 1000
    sent = commands.sent()
    for partition in sent.values():
        last = partition[-1]
        assert last[0] == "heartbeat"
        assert now_ms - 60_000 < NINE + last[1] <= now_ms
        assert partition == sorted(partition, key=lambda event: event[1])


def test_a_live_simulation_takes_its_time(commands: Commands) -> None:
    began = time.monotonic()
    commands.run("simulate", "--live", "--minutes", "0.1", "--rate", "600")
    assert time.monotonic() - began >= 5.0
    assert "offered" in {kind for events in commands.sent().values() for kind, _ in events}


def test_what_is_wrong_with_a_simulation_is_said_in_one_line(commands: Commands) -> None:
    expected = "no queue 'x' in the simulator. There are billing, orders, retention, sales, technical."
    assert expected == commands.refusal("simulate", "--incident", "spike:+5m:10m:queue=x")
    expected = "--live, --demo and --start exclude each other: give one of them."
    assert expected == commands.refusal("simulate", "--live", "--demo")
    expected = "--start plus --minutes is in the future: events must not be ahead of the clock."
    assert expected == commands.refusal("simulate", "--start", "2999-01-01")


def test_a_missing_topic_is_said_with_what_to_do(kafka: str, calls: str) -> None:
    commands = Commands(own_environment(kafka))
    name = commands.environment["STREAMS_APP_NAME"]
    assert commands.refusal("trends") == f"topic '{name}.trends' does not exist: run `streams topics create`."
    assert commands.refusal("replay", calls) == f"topic '{name}.interactions' does not exist: run `streams topics create`."
