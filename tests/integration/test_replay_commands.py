"""replay, trends, alerts and rejected against real Kafka and the embedded broker: what is sent, and what is printed."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import typer
from confluent_kafka import Message, Producer
from own_topics import own_environment
from typer.testing import CliRunner, Result

from streams import settings
from streams.commands import alerts, rejected, replay, simulate, topics, trends
from streams.core.alert import Alert
from streams.core.errors import StreamsError
from streams.core.trend import CLOCK_KEY, Clock, KpiValue, Trend, Window, WindowKind, trend_key
from streams.edge.reader import follow, latest, read
from streams.settings import Settings

pytestmark = pytest.mark.integration

# 2024-03-01 09:00 UTC. Written in disorder; the replay sorts.
NINE = 1709283600000
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


class Commands:
    """The commands in this process with the environment of one test."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.settings: Settings = settings.load([], environment)
        self._app = typer.Typer()
        for command in (topics, replay, simulate, trends, alerts, rejected):
            command.register(self._app)

    def attempt(self, *arguments: str) -> Result:
        """Run a command, whatever comes of it."""
        return CliRunner().invoke(self._app, arguments, env=dict(self.environment))

    def run(self, *arguments: str) -> str:
        """Standard output of a command that works."""
        result = self.attempt(*arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def refusal(self, *arguments: str) -> str:
        """What a command that can't go on says."""
        error = self.attempt(*arguments).exception
        assert isinstance(error, StreamsError)
        return str(error)

    def write(self, topic: str, records: list[tuple[bytes, bytes]], headers: Mapping[str, bytes] | None = None) -> None:
        """Put records on a topic."""
        producer = Producer({"bootstrap.servers": self.settings.kafka.bootstrap_servers})
        for key, value in records:
            producer.produce(topic, value, key, headers=dict(headers or {}))
        assert producer.flush(30) == 0

    def sent(self) -> dict[int, list[tuple[str, int]]]:
        """(type, time after nine) of the events in each partition, in their order."""
        found: dict[int, list[tuple[str, int]]] = {}
        for message in read(self.settings, self.settings.topics.interactions):
            event = json.loads(_value(message))
            found.setdefault(message.partition() or 0, []).append((event["type"], event["time"] - NINE))
        return found


def _value(message: Message) -> bytes:
    value = message.value()
    assert value is not None
    return value


@pytest.fixture(params=["kafka", "tansu"])
def commands(request: pytest.FixtureRequest) -> Commands:
    """Commands on each broker in turn, with topics of their own."""
    made = Commands(own_environment(str(request.getfixturevalue(request.param))))
    assert "11 topics created" in made.run("topics", "create")
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
    assert "rejected: 1 rows, not_json\nThe first rejected: line 6: expected a JSON object" in said


def test_what_is_wrong_with_a_replay_is_said_in_one_line(commands: Commands, calls: str, tmp_path: Path) -> None:
    binary = tmp_path / "calls.xlsx"
    binary.write_bytes(b"PK\x03\xff\xfe")
    assert commands.refusal("replay", "nowhere.csv") == "nowhere.csv: no such file."
    assert commands.refusal("replay", calls, "--format", "xml") == "unknown format 'xml'. Known are bank1999, csv, jsonl, events."
    assert commands.refusal("replay", calls, "--format", "csv").startswith("format 'csv' needs --mapping FILE")
    assert commands.refusal("replay", str(binary)).startswith(f"{binary}: not UTF-8 text")
    assert commands.refusal("replay", str(tmp_path)) == f"{tmp_path}: can't be read: Is a directory."


def test_a_simulated_day_of_the_past_is_told_to_its_end_and_closed(commands: Commands) -> None:
    arguments = ("simulate", "--start", "2024-03-01T09:00:00", "--minutes", "10", "--rate", "60", "--seed", "3")
    said = commands.run(*arguments, "--incident", "outage:+5m:5m")
    sent = commands.sent()
    events = [event for partition in sent.values() for event in partition]
    offered = [time_ms for kind, time_ms in events if kind == "offered"]
    assert f"{len([1 for kind, _ in events if kind != 'heartbeat']):,} events and 11 heartbeats" in said
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


def trend(queue: str, kind: WindowKind, start_ms: int, offered: int, *, final: bool, revision: int = 1) -> tuple[bytes, bytes]:
    """A record of the trends topic."""
    made = Trend(
        cut="queue",
        series={"queue": queue},
        window=Window(kind, start_ms, start_ms + 60_000, "UTC"),
        final=final,
        revision=revision,
        measures={"offered": offered, "answered": 3},
        kpis={"service_level": KpiValue(0.825, 40), "asa": KpiValue(95.4, 3), "aht": KpiValue(None, 0)},
        watermark_ms=start_ms + 200_000,
        read_ms=5,
        published_ms=6,
    )
    return trend_key(f"queue\x1f{queue}", kind, start_ms), msgspec.json.encode(made)


def test_trends_prints_the_latest_of_each_window_sorted_and_without_what_differs_from_run_to_run(
    commands: Commands,
) -> None:
    clock = Clock(shard=0, shards=2, watermark_ms=1, closed_ms=1, heard_ms=1, event_ms=1, revision=1, published_ms=1)
    commands.write(
        commands.settings.topics.trends,
        [
            trend("sales", "1m", NINE, 9, final=True),
            trend("billing", "1m", NINE + 60_000, 7, final=False),
            (CLOCK_KEY, msgspec.json.encode(clock)),
            trend("billing", "1m", NINE, 4, final=False, revision=1),
            trend("billing", "1m", NINE, 5, final=True, revision=2),
            trend("billing", "1h", NINE, 12, final=True),
        ],
    )
    lines = [json.loads(line) for line in commands.run("trends", "--cut", "queue", "--window", "1m", "--json").splitlines()]
    found = [
        (line["series"]["queue"], line["window"]["start_ms"] - NINE, line["measures"]["offered"], line["final"]) for line in lines
    ]
    assert found == [("billing", 0, 5, True), ("billing", 60_000, 7, False), ("sales", 0, 9, True)]
    assert set(lines[0]) == {"cut", "series", "window", "final", "measures", "kpis", "waits", "handles"}
    assert len(commands.run("trends", "--cut", "queue", "--window", "1m", "--json", "--final-only").splitlines()) == 2
    assert len(commands.run("trends", "--cut", "all", "--window", "all", "--json").splitlines()) == 4


def test_trends_shows_people_a_table_with_units(commands: Commands) -> None:
    commands.write(commands.settings.topics.trends, [trend("billing", "1h", NINE, 1234, final=True)])
    commands.environment = {**commands.environment, "COLUMNS": "200"}
    said = commands.run("trends", "--cut", "queue", "--window", "1h")
    for text in ("from (UTC)", "Fri 2024-03-01 09:00", "billing", "final", "1,234", "82.5 %", "1:35", "–"):
        assert text in said


def test_trends_refuses_what_is_not_counted(commands: Commands) -> None:
    expected = "unknown cut 'agent'. Counted are total, channel, queue, issue, channel+queue ([intake] cuts); 'all' takes all."
    assert expected == commands.refusal("trends", "--cut", "agent")
    expected = "unknown window '2d'. Known are 1m, 15m, 1h, 1d, 30m, today; 'all' takes all."
    assert expected == commands.refusal("trends", "--window", "2d")


def alert(alert_id: str, version: int, state: str, onset_ms: int) -> tuple[bytes, bytes]:
    """A record of the alerts topic."""
    made = msgspec.convert(
        {
            **{"alert_id": alert_id, "version": version, "state": state, "severity": "warning", "kind": "spike"},
            **{"metric": "offered", "cut": "queue", "series": {"queue": "billing"}, "onset_ms": onset_ms},
            **{"detected_ms": onset_ms, "updated_ms": onset_ms, "resolved_ms": None, "observed": 84, "expected": 31.0},
            **{"ratio": 2.71, "excess": 53.0, "recommendation": "Open the overflow.", "runbook": "", "published_ms": 1},
        },
        Alert,
    )
    return alert_id.encode(), msgspec.json.encode(made)


def test_alerts_prints_the_latest_version_of_each_alert(commands: Commands) -> None:
    records = [alert("x", 1, "firing", NINE), alert("y", 1, "firing", NINE - 60_000), alert("x", 2, "resolved", NINE)]
    commands.write(commands.settings.topics.alerts, records)
    lines = [json.loads(line) for line in commands.run("alerts", "--json").splitlines()]
    assert [(line["alert_id"], line["version"], line["state"]) for line in lines] == [("y", 1, "firing"), ("x", 2, "resolved")]
    expected = [
        "firing   spike   billing since 2024-03-01 08:59: 84 contacts, expected 31.0 (2.7 times), warning. Open the overflow.",
        "resolved spike   billing since 2024-03-01 09:00: 84 contacts, expected 31.0 (2.7 times), warning. Open the overflow.",
    ]
    assert expected == commands.run("alerts").splitlines()


def test_following_a_topic_goes_on_with_what_comes_later(commands: Commands) -> None:
    topic = commands.settings.topics.alerts
    commands.write(topic, [alert("x", 1, "pending", NINE)])
    versions: list[int] = []
    deadline = time.monotonic() + 30
    for message in follow(commands.settings, topic):
        assert time.monotonic() < deadline, f"not followed to the third version: {versions}"
        if message is None:
            continue
        versions.append(msgspec.json.decode(_value(message), type=Alert).version)
        if len(versions) == 3:
            break
        commands.write(topic, [alert("x", len(versions) + 1, "firing", NINE)])
    assert versions == [1, 2, 3]


def test_rejected_counts_by_reason_and_shows_examples_as_they_came(commands: Commands) -> None:
    origin = {"topic": b"interactions", "partition": b"2", "offset": b"17"}
    topic = commands.settings.topics.rejected
    commands.write(topic, [(b"k", b"[oops")], {"reason": b"not_json", "detail": b"expected a JSON object", **origin})
    commands.write(topic, [(b"k", b"{}"), (b"k", b"{}")], {"reason": b"missing_field", "detail": b"id: expected", **origin})
    said = commands.run("rejected")
    assert said.splitlines()[0] == "missing_field: 2"
    assert "not_json: 1\n  expected a JSON object   at interactions 2/17\n    [oops\n" in said
    lines = [json.loads(line) for line in commands.run("rejected", "--reason", "not_json", "--json").splitlines()]
    expected = {
        "reason": "not_json",
        "detail": "expected a JSON object",
        "topic": "interactions",
        "partition": "2",
        "offset": "17",
    }
    assert lines == [{**expected, "value": "[oops"}]


def test_nothing_to_show_is_no_error(commands: Commands) -> None:
    assert commands.run("trends") == ""
    assert commands.run("alerts") == ""
    assert commands.run("rejected") == "nothing was rejected\n"
    assert latest(commands.settings, commands.settings.topics.trends) == {}


def test_a_missing_topic_is_said_with_what_to_do(kafka: str, calls: str) -> None:
    commands = Commands(own_environment(kafka))
    name = commands.environment["STREAMS_APP_NAME"]
    assert commands.refusal("trends") == f"topic '{name}.trends' does not exist: run `streams topics create`."
    assert commands.refusal("replay", calls) == f"topic '{name}.interactions' does not exist: run `streams topics create`."
