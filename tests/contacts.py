"""A made-up day of contacts as its sender knows it, and what must come of it: figures by queue × window, refusals, one incident.

It shares no code with `streams`. The feed holds what a real one does: events up to 4 s out of order, some twice, some bad records
of every kind. All in whole seconds; event time is in the past, and may run faster than the clock.
"""

import json
import random
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

START_MS = 1_767_600_000_000  # 2026-01-05 08:00 UTC, a full hour
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
WINDOWS = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}
QUEUES = ("billing", "technical", "orders", "sales")
CHANNELS = ("voice", "chat", "email")
DISORDER_MS = 4_000  # less than [intake] disorder_seconds_max
DUPLICATES, BAD = 0.02, 0.005  # shares of the records
SOURCE = "acd"

Figures = dict[tuple[str, int, str], Counter[str]]  # window kind, its start, queue → measure → sum


class Sent(NamedTuple):
    """One record of the feed: its partition, and what it holds."""

    partition: int
    value: bytes


@dataclass
class Feed:
    """Records in the order in which they are sent, and what they must come to."""

    records: list[Sent] = field(default_factory=list)
    figures: Figures = field(default_factory=lambda: defaultdict(Counter))
    refused: Counter[str] = field(default_factory=Counter)  # by reason
    contacts: int = 0
    incident_ms: tuple[int, int] = (0, 0)


def make_feed(seed: int, minutes: int, per_minute: int, partitions: int, surge: tuple[int, int, int] = (0, 0, 1)) -> Feed:
    """`surge`: from this minute to that one, so many times the contacts, in the queue billing only."""
    chance = random.Random(seed)
    feed = Feed(incident_ms=(START_MS + surge[0] * MINUTE_MS, START_MS + surge[1] * MINUTE_MS))
    timed: list[tuple[float, Sent]] = []
    for minute in range(minutes):
        more = (surge[2] - 1) * per_minute if surge[0] <= minute < surge[1] else 0
        for number in range(_poisson(chance, per_minute) + _poisson(chance, more)):
            queue = "billing" if number >= per_minute and more else chance.choice(QUEUES)
            begins = START_MS + minute * MINUTE_MS + 1000 * chance.randrange(60)
            for event in contact_events(chance, feed, queue, begins):
                sent = Sent(_partition(event["interaction_id"], partitions), json.dumps(event).encode())
                timed.append((event["time"] + chance.uniform(0, DISORDER_MS), sent))
    timed.sort(key=lambda pair: pair[0])
    for _moment, sent in timed:
        feed.records.append(sent)
        if chance.random() < DUPLICATES:
            feed.records.append(sent)
        if chance.random() < BAD:
            feed.records.append(_bad(chance, feed, partitions))
    return feed


def closing(partitions: int, time_ms: int) -> list[Sent]:
    """A heartbeat for each partition: nothing before this time is still to come."""
    beat = {"source": SOURCE, "type": "heartbeat", "time": time_ms}
    return [Sent(partition, json.dumps({"id": f"end-{partition}-{time_ms}", **beat}).encode()) for partition in range(partitions)]


def contact_events(chance: random.Random, feed: Feed, queue: str, begins: int) -> list[dict[str, Any]]:
    """The events of one contact, in order, which are counted into the feed's figures at once."""
    feed.contacts += 1
    name = f"c{feed.contacts}"
    wait = 1000 * chance.randrange(1, 90)
    same = {"source": SOURCE, "interaction_id": name, "queue": queue, "channel": chance.choice(CHANNELS)}
    _count(feed, begins, queue, offered=1)
    events = [{"type": "offered", "time": begins}, {"type": "queued", "time": begins}]
    if chance.random() < 0.1:
        _count(feed, begins + wait, queue, abandoned=1, abandon_wait_ms=wait)
        events.append({"type": "abandoned", "time": begins + wait})
    else:
        talk, hold, wrap = (chance.randrange(5, most) for most in (300, 30, 60))
        ends = begins + wait + 1000 * (talk + hold + wrap)
        _count(feed, begins + wait, queue, answered=1, wait_ms=wait)
        _count(feed, ends, queue, handled=1, talk_ms=1000 * talk, hold_ms=1000 * hold, wrap_ms=1000 * wrap)
        events.append({"type": "answered", "time": begins + wait, "agent_id": f"a{chance.randrange(40)}"})
        seconds = {"talk_seconds": talk, "hold_seconds": hold, "wrap_seconds": wrap}
        events.append({"type": "completed", "time": ends, **seconds})
    return [{"id": f"{name}-{number}", **same, **event} for number, event in enumerate(events)]


def _count(feed: Feed, time_ms: int, queue: str, **measures: int) -> None:
    for kind, length in WINDOWS.items():
        feed.figures[kind, time_ms // length * length, queue].update(measures)


def _bad(chance: random.Random, feed: Feed, partitions: int) -> Sent:
    """A record that must be refused, of a kind by turns."""
    good = {"id": f"bad{feed.refused.total()}", "source": SOURCE, "type": "offered", "time": START_MS, "interaction_id": "bad"}
    kinds: list[tuple[str, bytes]] = [
        ("not_json", b"{oops"),
        ("too_large", json.dumps({**good, "note": "x" * 66_000}).encode()),
        ("missing_field", json.dumps({key: value for key, value in good.items() if key != "id"}).encode()),
        ("bad_type", json.dumps({**good, "id": 5}).encode()),
        ("bad_time", json.dumps({**good, "time": "yesterday"}).encode()),
        ("future_time", json.dumps({**good, "time": "2100-01-01T00:00:00Z"}).encode()),
        ("unknown_type", json.dumps({**good, "type": "sang"}).encode()),
        ("bad_value", json.dumps({**good, "type": "surveyed", "csat": 9}).encode()),
        ("unknown_source", json.dumps({**good, "source": "stranger"}).encode()),
    ]
    reason, value = kinds[feed.refused.total() % len(kinds)]
    feed.refused[reason] += 1
    return Sent(chance.randrange(partitions), value)


def _partition(name: str, partitions: int) -> int:
    return zlib.crc32(name.encode()) % partitions


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's way, in parts of 30 so that exp doesn't vanish."""
    total = 0
    while mean > 0:
        part = min(mean, 30.0)
        mean -= part
        limit, product = 2.718281828459045**-part, chance.random()
        while product > limit:
            total += 1
            product *= chance.random()
    return total
