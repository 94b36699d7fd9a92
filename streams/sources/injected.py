"""Injected incidents: what went wrong in a feed that is over, as if it had: for `streams backtest`, which then looks who noticed.

Whole contacts are changed, with all of their events, and nothing before an incident begins. The surprise: additional contacts are
copies of those that came at the time, so they queue, wait and end as these did; in a centre that is overrun all wait longer.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from streams.sources.row import CanonicalEvent, time_of

InjectedKind: TypeAlias = Literal["surge", "outage", "handle_time", "abandonment"]
MINUTE_MS = 60_000
# Factor and minutes: twice as many for half an hour in one queue, none at all for a quarter of an hour. The other two can't be
# seen in a few contacts: two hours.
USUAL: dict[InjectedKind, tuple[float, int]] = {
    "surge": (2.0, 30),
    "outage": (0.0, 15),
    "handle_time": (1.3, 120),
    "abandonment": (2.0, 120),
}
_TALK = ("talk_seconds", "hold_seconds", "wrap_seconds")
_AFTER_ANSWER = ("answered", "transferred", "escalated", "replied", "completed", "reopened", "surveyed", "sentiment")


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """From start_ms to end_ms the queue (None: everything) has `factor` times the contacts, handle time or share of abandoned."""

    kind: InjectedKind
    start_ms: int
    end_ms: int
    factor: float
    queue: str | None


class Contact(msgspec.Struct, frozen=True):
    """The events of a contact in order of time."""

    queue: str | None
    events: list[CanonicalEvent]

    @property
    def start_ms(self) -> int:
        """When it came."""
        return time_of(self.events[0])


def contacts_of(events: Iterable[CanonicalEvent]) -> list[Contact]:
    """Contacts in the order in which they came; their queue is the last that is said."""
    found: dict[str, list[CanonicalEvent]] = defaultdict(list)
    for event in events:
        if "interaction_id" in event:
            found[str(event["interaction_id"])].append(event)
    return [Contact(next((str(e["queue"]) for e in reversed(life) if "queue" in e), None), life) for life in found.values()]


def plan(contacts: Sequence[Contact], number: int, zone: ZoneInfo, chance: Random) -> list[Injected]:
    """One incident a day, kinds in turn, every fifth day none; the next `number` begins with the next kind.

    Each comes at the time and in the queue of a contact drawn from its day: where much goes on, much goes wrong. The first day is
    new to everybody and left out."""
    days: dict[date, list[Contact]] = defaultdict(list)
    for contact in contacts:
        days[local_day(contact.start_ms, zone)].append(contact)
    turns: tuple[InjectedKind | None, ...] = (*USUAL, None)
    found = []
    for place, day in enumerate(sorted(days)[1:], number):
        kind = turns[place % len(turns)]
        if kind is not None:
            found.append(_drawn(kind, chance.choice(days[day])))
    return found


def size(incident: Injected, contacts: Iterable[Contact]) -> float | None:
    """By how many contacts an incident changed what came; None where it didn't."""
    if incident.kind not in ("surge", "outage"):
        return None
    return (incident.factor - 1) * sum(_hits(incident, contact) for contact in contacts)


def inject(contacts: Sequence[Contact], incidents: Sequence[Injected], chance: Random) -> list[CanonicalEvent]:
    """All events of contacts, in order of time, with the incidents in them."""
    told: list[CanonicalEvent] = []
    share, patience = abandoned_share(contacts), _waits_of_leavers(contacts)
    for contact in contacts:
        hit = next((one for one in incidents if _hits(one, contact)), None)
        told += (
            contact.events
            if hit is None
            else _changed(contact, hit, (share.get(contact.queue, 0.0), patience[contact.queue]), chance)
        )
    return sorted(told, key=time_of)


def abandoned_share(contacts: Iterable[Contact]) -> dict[str | None, float]:
    """Share of the contacts of each queue whose customers left."""
    left: dict[str | None, list[bool]] = defaultdict(list)
    for contact in contacts:
        left[contact.queue].append(any(event["type"] == "abandoned" for event in contact.events))
    return {queue: sum(who) / len(who) for queue, who in left.items()}


def _waits_of_leavers(contacts: Iterable[Contact]) -> dict[str | None, list[int]]:
    """How long those of each queue waited who left, in ms."""
    waits: dict[str | None, list[int]] = defaultdict(list)
    for contact in contacts:
        leaves = next((event for event in contact.events if event["type"] == "abandoned"), None)
        if leaves is not None:
            waits[contact.queue].append(time_of(leaves) - _waits_from(contact, time_of(leaves)))
    return waits


def _waits_from(contact: Contact, until_ms: int) -> int:
    """When a wait began that ended at `until_ms`: when it came into its last queue, or came at all."""
    queued = [time_of(event) for event in contact.events if event["type"] == "queued" and time_of(event) <= until_ms]
    return max(queued, default=contact.start_ms)


def local_day(time_ms: int, zone: ZoneInfo) -> date:
    """The local day of a moment."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(zone).date()


def _drawn(kind: InjectedKind, contact: Contact) -> Injected:
    factor, minutes = USUAL[kind]
    start_ms = contact.start_ms // MINUTE_MS * MINUTE_MS
    queue = None if kind == "outage" else contact.queue
    return Injected(kind=kind, start_ms=start_ms, end_ms=start_ms + minutes * MINUTE_MS, factor=factor, queue=queue)


def _hits(incident: Injected, contact: Contact) -> bool:
    return incident.queue in (None, contact.queue) and incident.start_ms <= contact.start_ms < incident.end_ms


def _changed(contact: Contact, incident: Injected, left: tuple[float, list[int]], chance: Random) -> list[CanonicalEvent]:
    """left: of the contact's queue, the share of those who left and how long they had waited, in ms."""
    abandoned, patience = left
    if incident.kind == "outage":
        return []
    if incident.kind == "handle_time":
        return _longer(contact, incident.factor)
    if incident.kind == "abandonment":
        more = min(1.0, (incident.factor - 1) * abandoned / max(1 - abandoned, 1e-9))
        return _given_up(contact, chance.choice(patience)) if chance.random() < more else contact.events
    copies = int(incident.factor - 1) + (chance.random() < (incident.factor - 1) % 1)
    more_events = [_copy(contact, incident, number, chance) for number in range(copies)]
    return contact.events + [event for events in more_events for event in events]


def _copy(contact: Contact, incident: Injected, number: int, chance: Random) -> list[CanonicalEvent]:
    """The same contact of somebody else at another moment of the incident."""
    later_ms = incident.start_ms + chance.randrange(incident.end_ms - incident.start_ms) - contact.start_ms
    left_out = ("customer_id", "parent_interaction_id")
    return [
        {
            **{field: value for field, value in event.items() if field not in left_out},
            "id": f"{event['id']}+{number}",
            "interaction_id": f"{event['interaction_id']}+{number}",
            "time": time_of(event) + later_ms,
        }
        for event in contact.events
    ]


def _longer(contact: Contact, factor: float) -> list[CanonicalEvent]:
    """Talk, hold and wrap `factor` times as long; the contact is completed later."""
    events: list[CanonicalEvent] = []
    for event in contact.events:
        if event["type"] != "completed":
            events.append(event)
            continue
        known = {field: float(value) for field in _TALK if isinstance(value := event.get(field), int | float)}
        longer = {field: value * factor for field, value in known.items()}
        more_ms = round(1000 * (sum(longer.values()) - sum(known.values())))
        events.append({**event, **longer, "time": time_of(event) + more_ms})
    return events


def _given_up(contact: Contact, wait_ms: int) -> list[CanonicalEvent]:
    """Its customer left after so long a wait in place of being answered; nothing came of it."""
    answer = next((event for event in contact.events if event["type"] == "answered"), None)
    if answer is None:
        return contact.events
    leaves_ms = _waits_from(contact, time_of(answer)) + wait_ms
    before = [event for event in contact.events if event["type"] not in _AFTER_ANSWER and time_of(event) <= leaves_ms]
    leaves = {field: value for field, value in answer.items() if field not in ("agent_id", "bot")}
    return [*before, {**leaves, "id": f"{answer['id']}+left", "type": "abandoned", "time": leaves_ms}]
