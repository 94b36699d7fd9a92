"""trends, alerts and rejected against real Kafka and the embedded broker: what is printed, for people and for scripts."""

import json
import time

import msgspec
import pytest
from commands_in_process import NINE, Commands, value_of
from own_topics import own_environment
from recommend_world import picture, queue

from streams.core.alert import Alert
from streams.core.forecast_record import forecast_key
from streams.core.live import record_series
from streams.core.trend import CLOCK_KEY, Clock, KpiValue, Trend, Window, WindowKind, trend_key
from streams.edge.kafka import topic_specs
from streams.edge.reader import follow, latest

pytestmark = pytest.mark.integration


@pytest.fixture(params=["kafka", "tansu"])
def commands(request: pytest.FixtureRequest) -> Commands:
    """Commands on each broker in turn, with topics of their own."""
    made = Commands(own_environment(str(request.getfixturevalue(request.param))))
    assert f"{len(topic_specs(made.settings))} topics created" in made.run("topics", "create")
    return made


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
    commands.environment = {**commands.environment, "COLUMNS": "80"}
    said = commands.run("trends", "--cut", "queue", "--window", "1h")
    title, heads, figures = said.splitlines()[:3]
    assert title.strip() == "windows 1h; times in UTC"
    assert heads.split() == ["from", "series", "offered", "answered", "aband.", "SL", "%", "ASA", "longest", "AHT", "CSAT", "%"]
    assert figures.split() == ["2024-03-01", "09:00", "billing", "1,234", "3", "0", "82.5", "1:35", "–", "–", "–"]


def test_trends_refuses_what_is_not_counted(commands: Commands) -> None:
    counted = ", ".join(commands.settings.intake.cuts)
    expected = f"unknown cut 'agent'. Counted are {counted} ([intake] cuts); 'all' takes all."
    assert expected == commands.refusal("trends", "--cut", "agent")
    expected = "unknown window '2d'. Known are 1m, 15m, 1h, 1d, 1w, 1mo, 30m, today; 'all' takes all."
    assert expected == commands.refusal("trends", "--window", "2d")


def alert(alert_id: str, version: int, state: str, onset_ms: int) -> tuple[bytes, bytes]:
    """A record of the alerts topic."""
    made = msgspec.convert(
        {
            **{"alert_id": alert_id, "version": version, "state": state, "severity": "warning", "kind": "spike"},
            **{"metric": "offered", "cut": "queue", "series": {"queue": "billing"}, "onset_ms": onset_ms},
            **{
                "detected_ms": onset_ms,
                "fired_ms": onset_ms if state in ("firing", "resolved") else None,
                "updated_ms": onset_ms,
                "resolved_ms": None,
                "observed": 84,
                "expected": 31.0,
            },
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


def test_alerts_leaves_out_what_never_fired_unless_asked(commands: Commands) -> None:
    records = [alert("x", 1, "pending", NINE), alert("y", 2, "expired", NINE), alert("z", 2, "resolved", NINE)]
    commands.write(commands.settings.topics.alerts, records)
    runs = (commands.run("alerts", "--json"), commands.run("alerts", "--json", "--all"))
    shown = [[json.loads(line)["alert_id"] for line in run.splitlines()] for run in runs]
    assert shown == [["z"], ["x", "y", "z"]]


def test_following_a_topic_goes_on_with_what_comes_later(commands: Commands) -> None:
    topic = commands.settings.topics.alerts
    commands.write(topic, [alert("x", 1, "pending", NINE)])
    versions: list[int] = []
    deadline = time.monotonic() + 30
    for message in follow(commands.settings, topic):
        assert time.monotonic() < deadline, f"not followed to the third version: {versions}"
        if message is None:
            continue
        versions.append(msgspec.json.decode(value_of(message), type=Alert).version)
        if len(versions) == 3:
            break
        commands.write(topic, [alert("x", len(versions) + 1, "firing", NINE)])
    assert versions == [1, 2, 3]


def test_recommend_joins_forecasts_agents_and_alerts_of_the_topics(commands: Commands) -> None:
    known = picture(queue("billing", 13, [130.0] * 8), queue("sales", 17, [27.0] * 8))
    topics = commands.settings.topics
    clock = (CLOCK_KEY, msgspec.json.encode(known.clocks[0]))
    live = [(trend_key(record_series(one), one.window.kind, 0), msgspec.json.encode(one)) for one in known.trends]
    commands.write(topics.trends, [clock, *live])
    days = [(forecast_key(record_series(one), one.day), msgspec.json.encode(one)) for one in known.forecasts]
    commands.write(topics.forecasts, days)
    said = commands.run("recommend")
    assert "1. Move 4 from sales to billing from 00:00 to 02:00." in said
    assert "Why: billing: at 00:00 130 contacts in 30 min need" in said
    advice = json.loads(commands.run("recommend", "--json"))
    assert [(one["lever"], one["people"]) for one in advice["recommendations"]] == [("move", 4)]
    assert advice["missing"] == []


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
