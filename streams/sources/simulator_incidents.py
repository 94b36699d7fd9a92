"""Incidents of the simulator: what goes wrong, when, where; from the command line or by itself for the demo."""

import re
from collections.abc import Iterable, Iterator
from random import Random
from typing import Literal, TypeAlias, cast, get_args

import msgspec

from streams.core.errors import StreamsError

IncidentKind: TypeAlias = Literal["spike", "outage", "dip", "slow"]
MINUTE_MS = 60_000
_UNIT_MS = {"s": 1000, "m": MINUTE_MS, "h": 60 * MINUTE_MS}
_USUAL_FACTOR: dict[str, float] = {"spike": 3.0, "outage": 0.0, "dip": 0.3, "slow": 2.0}
_EXAMPLE = "spike:+5m:10m:x3:queue=billing"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """From start_ms for so many minutes: spike and dip multiply arrivals, outage stops them, slow multiplies handle times.

    queue, issue: where; None is everywhere.
    """

    kind: IncidentKind
    start_ms: int
    minutes: float
    factor: float
    queue: str | None = None
    issue: str | None = None

    @property
    def end_ms(self) -> int:
        """When it is over; [start_ms, end_ms)."""
        return self.start_ms + round(self.minutes * MINUTE_MS)


class Schedule:
    """The incidents that are on. Takes them lazily, in order of start, from what may be an endless source."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self._coming = iter(incidents)
        self._next = next(self._coming, None)
        self._on: list[Incident] = []

    def at(self, time_ms: int) -> list[Incident]:
        """Incidents that are on at a time; times must not go back."""
        while self._next is not None and self._next.start_ms <= time_ms:
            self._on.append(self._next)
            self._next = next(self._coming, None)
        self._on = [incident for incident in self._on if time_ms < incident.end_ms]
        return self._on


def arrivals_factor(incidents: Iterable[Incident], queue: str, issue: str) -> float:
    """By what the arrivals of a queue and issue are multiplied."""
    factor = 1.0
    for incident in incidents:
        if incident.kind != "slow" and _hits(incident, queue, issue):
            factor *= incident.factor
    return factor


def handle_factor(incidents: Iterable[Incident], queue: str, issue: str) -> float:
    """By what handle times are multiplied."""
    factor = 1.0
    for incident in incidents:
        if incident.kind == "slow" and _hits(incident, queue, issue):
            factor *= incident.factor
    return factor


def parse_incident(text: str, start_ms: int) -> Incident:
    """'spike:+5m:10m:x3:queue=billing' → kind, start after `start_ms`, duration, and optionally factor, queue, issue.

    StreamsError says what is expected where.
    """
    kind, *rest = text.split(":")
    if kind not in get_args(IncidentKind) or len(rest) < 2 or not rest[0].startswith("+"):
        form = "KIND:+START:DURATION[:xFACTOR][:queue=NAME][:issue=NAME]"
        raise StreamsError(f"incident {text!r}: expected {form}, e.g. {_EXAMPLE}")
    where: dict[str, str] = {}
    factor = _USUAL_FACTOR[kind]
    for part in rest[2:]:
        name, _, value = part.partition("=")
        if name in ("queue", "issue") and value:
            where[name] = value
        elif re.fullmatch(r"x\d+(\.\d+)?", part):
            factor = 0.0 if kind == "outage" else float(part[1:])
        else:
            raise StreamsError(f"incident {text!r}: {part!r} is none of xFACTOR, queue=NAME, issue=NAME, e.g. {_EXAMPLE}")
    begins_ms = start_ms + _duration_ms(rest[0][1:], text)
    minutes = _duration_ms(rest[1], text) / MINUTE_MS
    return Incident(
        kind=cast(IncidentKind, kind),
        start_ms=begins_ms,
        minutes=minutes,
        factor=factor,
        queue=where.get("queue"),
        issue=where.get("issue"),
    )


def demo_incidents(seed: int, start_ms: int) -> Iterator[Incident]:
    """Endless: a spike in one queue, an outage, a spike everywhere, slow agents; calm between them, so that alerts resolve.

    Durations and queues vary with the seed. The first begins two minutes after `start_ms`.
    """
    chance = Random(seed)
    at_ms = start_ms + 2 * MINUTE_MS
    while True:
        for kind, factor, queue in (
            ("spike", 4.0, chance.choice(("billing", "technical"))),
            ("outage", 0.0, None),
            ("spike", 2.5, None),
            ("slow", 2.0, "orders"),
            ("outage", 0.0, chance.choice(("billing", "technical"))),
        ):
            minutes = chance.randint(4, 5) if kind == "outage" else chance.randint(6, 8)
            yield Incident(kind=cast(IncidentKind, kind), start_ms=at_ms, minutes=minutes, factor=factor, queue=queue)
            at_ms += (minutes + chance.randint(7, 9)) * MINUTE_MS


def _hits(incident: Incident, queue: str, issue: str) -> bool:
    return incident.queue in (None, queue) and incident.issue in (None, issue)


def _duration_ms(text: str, incident: str) -> int:
    if not re.fullmatch(r"(\d+[smh])+", text):
        raise StreamsError(f"incident {incident!r}: {text!r} is no duration; expected e.g. 90s, 5m or 1h30m")
    return sum(int(n) * _UNIT_MS[unit] for n, unit in re.findall(r"(\d+)([smh])", text))
