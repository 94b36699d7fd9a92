"""Input for a run: contacts as JSON events by source partition, out of order, repeated, wrong, or late."""

import json
from dataclasses import dataclass
from random import Random
from zlib import crc32

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START_MS = 1_760_000_040_000  # a full minute (2025-10-09 08:54 UTC)
QUEUES = ("billing", "sales")
CUSTOMERS = 9  # few enough that they come back
DISORDER_MS = 5 * SECOND
ENDS_MS = (4 * HOUR, 52 * HOUR)  # heartbeats after which all contacts are forgotten and all windows closed


@dataclass(frozen=True)
class Event:
    """What is sent, and when it happened."""

    time_ms: int
    value: bytes


def events(random: Random, partition: int, contacts: int, minutes: int) -> list[bytes]:
    """The records of one partition in the order in which they are sent."""
    listed: list[tuple[int, bytes]] = []
    for number in range(contacts):
        began_ms = START_MS + random.randrange(minutes * MINUTE)
        for event in _contact(random, f"p{partition}c{number}", began_ms):
            late_ms = random.randrange(DISORDER_MS) if random.random() < 0.9 else random.randrange(25 * MINUTE)
            listed.append((event.time_ms + late_ms, event.value))
            if random.random() < 0.1:
                listed.append((event.time_ms + late_ms + random.randrange(MINUTE), event.value))
    listed += [(START_MS + random.randrange(minutes * MINUTE), random.choice(_WRONG)) for _ in range(contacts // 8)]
    beats_ms = range(START_MS, START_MS + minutes * MINUTE, 3 * MINUTE)
    listed += [(time_ms, _heartbeat(partition, time_ms - DISORDER_MS)) for time_ms in beats_ms]
    listed.sort(key=lambda pair: pair[0])
    return [value for _when, value in listed]


def ends(partition: int) -> list[bytes]:
    """The heartbeats that close everything, and say that nothing more comes: the silence isn't judged."""
    return [_heartbeat(partition, START_MS + end_ms, outcome="end") for end_ms in ENDS_MS]


_WRONG = (
    b"not json",
    b'{"id": "x", "source": "sim", "type": "offered", "time": 1760000040000}',  # without interaction
    b'{"id": "x", "source": "sim", "type": "offered", "time": 4102444800000, "interaction_id": "far"}',  # in 2100
)


def _contact(random: Random, name: str, began_ms: int) -> list[Event]:
    queue = random.choice(QUEUES)
    queued_ms = began_ms + random.randrange(20 * SECOND)
    wait_ms = random.randrange(90 * SECOND)
    made = [_event(name, "offered", began_ms, queue), _event(name, "queued", queued_ms, queue)]
    if random.random() < 0.25:
        return [*made, _event(name, "abandoned", queued_ms + wait_ms, queue)]
    made.append(_event(name, "answered", queued_ms + wait_ms, queue))
    if random.random() < 0.9:
        talk_ms = random.randrange(SECOND, 4 * MINUTE)
        made.append(_event(name, "completed", queued_ms + wait_ms + talk_ms, queue))
    return made


def _event(name: str, kind: str, time_ms: int, queue: str) -> Event:
    fields = {"id": f"{name}/{kind}", "source": "sim", "type": kind, "time": time_ms, "interaction_id": name, "queue": queue}
    fields["customer_id"] = f"customer {crc32(name.encode()) % CUSTOMERS}"
    return Event(time_ms, json.dumps(fields).encode())


def _heartbeat(partition: int, time_ms: int, **more: str) -> bytes:
    fields = {"id": f"h{partition}/{time_ms}", "source": "sim", "type": "heartbeat", "time": time_ms, **more}
    return json.dumps(fields).encode()
