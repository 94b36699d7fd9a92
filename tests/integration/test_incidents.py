"""Incidents of a simulated contact centre through the whole system: one alert each, on the topic and in a real Alertmanager.

The days lie in the past, so that they pass as fast as they can be worked; a small grace lets minutes close at once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alertmanager_server import AlertmanagerServer
from resting import wait_until_all_is_final
from running import System, ask, eventually, make_system
from topic_reading import News

from streams.core.live import decode_expectation
from streams.edge.replay import Sender, at_speed
from streams.settings import Settings, load
from streams.sources.row import CanonicalEvent, time_of
from streams.sources.simulator import simulate
from streams.sources.simulator_incidents import parse_incident
from streams.sources.simulator_world import Profile

pytestmark = pytest.mark.integration

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
MIDNIGHT_MS = 1_709_683_200_000  # Wednesday 6 March 2024, UTC
MORNING_MS = MIDNIGHT_MS + 570 * MINUTE_MS  # half past nine: the day has its full rate until noon
RATE, SEED = 60, 7
WAIT_SECONDS = 120.0  # an upper bound for a machine that is busy with other things
DAY_SECONDS = 300.0  # the same for a whole day


@pytest.fixture
def system(kafka: str, alertmanager: AlertmanagerServer, tmp_path: Path) -> Iterator[System]:
    """A system with a worker on real Kafka that tells a real Alertmanager."""
    system = make_system(
        tmp_path,
        kafka,
        {
            "STREAMS_PUBLISH_ALERTMANAGER_URLS": alertmanager.url,
            "STREAMS_INTAKE_CUTS": "total,channel,queue",  # the watched ones: a day of all takes minutes to work
            "STREAMS_MERGE_GRACE_1M_SECONDS": "10",
            "STREAMS_MERGE_GRACE_15M_SECONDS": "60",
            "STREAMS_MERGE_GRACE_1H_SECONDS": "60",
            "STREAMS_MERGE_GRACE_1D_SECONDS": "60",
        },
    )
    eventually(lambda: ask(f"{alertmanager.url}/api/v2/status"), WAIT_SECONDS, "Alertmanager answers")
    system.start_worker()
    yield system
    system.children.stop()


class Feed:
    """A morning by the simulator and sender of `streams simulate`, which can be held in the middle of an incident.

    The command by itself can't: it tells contacts to their end, so that time goes on and nobody comes, which is an outage.
    """

    def __init__(self, system: System, incident: str) -> None:
        self._settings = settings_of(system)
        incidents = [parse_incident(incident, MORNING_MS)]
        self._events = simulate(SEED, MORNING_MS, None, Profile(contacts_per_minute=RATE), incidents)
        self._next = next(self._events)

    def send_until(self, time_ms: int) -> None:
        """Go on until a whole minute, whose heartbeat is the last event sent."""
        with Sender(self._settings) as sender:
            sender.send(self._until(time_ms), at_speed(0), lambda _: None)

    def _until(self, time_ms: int) -> Iterator[CanonicalEvent]:
        while time_of(self._next) <= time_ms:
            yield self._next
            self._next = next(self._events)


def settings_of(system: System) -> Settings:
    """The settings that the system's commands see."""
    return load([], system.environment)


def morning(minute: int) -> int:
    """Milliseconds of a minute after the morning's begin."""
    return MORNING_MS + minute * MINUTE_MS


def shown(system: System, alert_id: str) -> dict[str, Any]:
    """An alert as the command shows it."""
    (alert,) = [line for line in system.lines("alerts", "--json") if line["alert_id"] == alert_id]
    return alert


def active(alertmanager: AlertmanagerServer) -> list[dict[str, str]]:
    """Labels of what fires in Alertmanager."""
    found = ask(f"{alertmanager.url}/api/v2/alerts?active=true") or []
    return [alert["labels"] for alert in found if alert["status"]["state"] == "active"]


def wait_for_detect(system: System, time_ms: int, seconds: float = WAIT_SECONDS) -> None:
    """Until detect has seen the minutes before a time."""
    settings = settings_of(system)
    news = News(settings, settings.topics.expectations)

    def seen() -> bool:
        values = [value for message in news.look() if (value := message.value())]
        return any(decode_expectation(value).end_ms >= time_ms for value in values)

    eventually(seen, seconds, f"detect has come to {time_ms}")


def held(feed: Feed, system: System, alertmanager: AlertmanagerServer) -> dict[str, str]:
    """Labels of the one alert that fires when the feed is held a quarter of an hour into the incident."""
    feed.send_until(morning(75))
    labels: list[dict[str, str]] = eventually(lambda: active(alertmanager), WAIT_SECONDS, "it fires in Alertmanager")
    assert [shown(system, one["alert_id"])["state"] for one in labels] == ["firing"]
    return labels[0]


def go_on_until_resolved(feed: Feed, system: System, alertmanager: AlertmanagerServer, alert_id: str) -> None:
    """Play on for an hour and a half after the incident, by which time its alert is over and no other has come."""
    feed.send_until(morning(180))
    wait_for_detect(system, morning(179))
    eventually(lambda: shown(system, alert_id)["state"] == "resolved", WAIT_SECONDS, "it is resolved")
    eventually(lambda: not active(alertmanager), WAIT_SECONDS, "Alertmanager takes it for over")
    assert [line["alert_id"] for line in system.lines("alerts", "--json")] == [alert_id]


def test_a_doubled_arrival_rate_fires_one_spike_and_resolves_it(system: System, alertmanager: AlertmanagerServer) -> None:
    feed = Feed(system, "spike:+60m:30m:x2")
    labels = held(feed, system, alertmanager)
    alert_id = labels["alert_id"]
    expected = {"alertname": "ContactSpike", "alert_id": alert_id, "kind": "spike", "metric": "offered", "cut": "total"}
    assert expected == labels
    go_on_until_resolved(feed, system, alertmanager, alert_id)


def test_an_outage_fires_one_alert_within_minutes_and_resolves_it(system: System, alertmanager: AlertmanagerServer) -> None:
    feed = Feed(system, "outage:+60m:30m")
    labels = held(feed, system, alertmanager)
    alert_id = labels["alert_id"]
    expected = {"alertname": "ContactOutage", "alert_id": alert_id, "kind": "outage", "metric": "offered", "cut": "total"}
    assert expected == labels
    assert morning(60) < shown(system, alert_id)["detected_ms"] <= morning(65)
    go_on_until_resolved(feed, system, alertmanager, alert_id)


@pytest.mark.alone
def test_a_calm_day_fires_nothing(system: System) -> None:
    day = ("--start", "2024-03-06T00:00:00", "--minutes", str(DAY_MS // MINUTE_MS), "--rate", str(RATE), "--seed", str(SEED))
    system.streams("simulate", *day, seconds=DAY_SECONDS)
    wait_for_detect(system, MIDNIGHT_MS + DAY_MS, DAY_SECONDS)
    wait_until_all_is_final(system, WAIT_SECONDS)
    assert system.lines("alerts", "--json") == []
