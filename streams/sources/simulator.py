"""Simulator: the events of a contact centre that doesn't exist, in time order, for as long as wanted.

A pure generator: the same seed, times, profile and incidents give the same events; the caller paces and sends them. Memory
holds what is going on (contacts open, agents busy), however long it runs. The surprise: a contact's whole life is known when it
arrives, because waiting first come first served needs only the agents' next free moments; its events wait in a heap for their
time.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from math import exp
from random import Random

from streams.sources.row import CanonicalEvent
from streams.sources.simulator_agents import Desk
from streams.sources.simulator_incidents import Incident, Schedule, arrivals_factor, handle_factor
from streams.sources.simulator_life import Contact, life_of, wrap_ms
from streams.sources.simulator_world import CUSTOMERS, QUEUES, Profile, QueueKind, agents_planned, customer, picked, share_of_peak

SOURCE = "simulator"
SLICE_MS = 10_000  # arrivals are drawn for slices of this length: the rate of a day hardly changes within one
_SHIFT_SLICES = 90  # agents are planned every quarter of an hour
_RECENT = 2_000  # customers who may call again soon
_REPEATS = 0.2  # share of contacts that come from one of them
_LIVE_BEAT_MS = 1_000
_PAST_BEAT_MS = 60_000  # enough to close minutes in what is played fast-forward; each beat goes to every partition
# Waits that end in giving up: exponential patience, means in milliseconds; nobody gives up an email.
_PATIENCE_MS = {"voice": 240_000, "chat": 300_000}
_HANDLE_SPREAD = 0.6  # of log handle time, as measured in call centres (Brown et al., JASA 2005: lognormal)
_POISSON_STEP = 500.0  # exp(-500) is still a float


class _Centre:
    """Everything that goes on in one simulation."""

    def __init__(self, seed: int, start_ms: int, profile: Profile, incidents: Iterable[Incident]) -> None:
        self.chance = Random(seed)
        self.profile = profile
        self.schedule = Schedule(incidents)
        self.prefix = f"sim-{seed}-{start_ms}"
        self.desks = {queue.name: Desk(SOURCE, self.prefix, queue.name) for queue in QUEUES}
        self.recent: deque[int] = deque(maxlen=_RECENT)
        self.contacts = 0
        self.slices = 0

    def slice_events(self, from_ms: int, to_ms: int) -> Iterator[CanonicalEvent]:
        """All events, now and later, of the contacts that arrive in [from_ms, to_ms), and of the agents who take them."""
        share = share_of_peak(self.profile, from_ms)
        minutes = (to_ms - from_ms) / 60_000
        on = self.schedule.at(from_ms)
        arrivals: list[tuple[int, QueueKind, str]] = []
        for queue in QUEUES:
            rate = self.profile.contacts_per_minute * share * queue.share
            if self.slices % _SHIFT_SLICES == 0:
                yield from self.desks[queue.name].staff(agents_planned(queue, rate), from_ms)
            for issue, weight in queue.issues:
                expected = rate * weight * minutes * arrivals_factor(on, queue.name, issue)
                times = (self.chance.randrange(from_ms, to_ms) for _ in range(_poisson(expected, self.chance)))
                arrivals.extend((time_ms, queue, issue) for time_ms in times)
        self.slices += 1
        for time_ms, queue, issue in sorted(arrivals, key=lambda arrival: arrival[0]):
            yield from self._arrive(time_ms, queue, issue, on)

    def _arrive(self, time_ms: int, queue: QueueKind, issue: str, on: list[Incident]) -> Iterator[CanonicalEvent]:
        chance, desk = self.chance, self.desks[queue.name]
        self.contacts += 1
        channel = picked(queue.channels, chance)
        queued_ms = time_ms + chance.randrange(200, 3_000)
        answered_ms: int | None = desk.starts_ms(queued_ms)
        patience_ms = _PATIENCE_MS.get(channel)
        gives_up_ms = queued_ms + round(chance.expovariate(1 / patience_ms)) if patience_ms else None
        median_ms = queue.handle_seconds * 1000 * handle_factor(on, queue.name, issue)
        handle_ms = round(chance.lognormvariate(0.0, _HANDLE_SPREAD) * median_ms)
        if gives_up_ms is not None and answered_ms is not None and answered_ms > gives_up_ms:
            answered_ms = None
        agent = ""
        if answered_ms is not None:
            agent, states = desk.take(answered_ms, answered_ms + handle_ms, wrap_ms(handle_ms))
            yield from states
        contact = Contact(
            source=SOURCE,
            interaction_id=f"{self.prefix}-{self.contacts}",
            customer=customer(self._caller()),
            channel=channel,
            queue=queue.name,
            issue=issue,
            offered_ms=time_ms,
            queued_ms=queued_ms,
            answered_ms=answered_ms,
            gives_up_ms=gives_up_ms,
            handle_ms=handle_ms,
            agent=agent,
        )
        yield from life_of(contact, chance)

    def _caller(self) -> int:
        """A customer's number: often one who has called lately."""
        if self.recent and self.chance.random() < _REPEATS:
            return self.recent[self.chance.randrange(len(self.recent))]
        number = self.chance.randrange(CUSTOMERS)
        self.recent.append(number)
        return number


def simulate(
    seed: int,
    start_ms: int,
    end_ms: int | None,
    profile: Profile,
    incidents: Iterable[Incident] = (),
    live_ms: int | None = None,
) -> Iterator[CanonicalEvent]:
    """Events of all contacts that arrive in [start_ms, end_ms), in time order; endless where end_ms is None.

    Heartbeats among them: one just before the first event, then one a minute, from `live_ms` on one a second; the last one says
    that the feed ends. Contacts that arrived before are told to their end, without further heartbeats.
    incidents: in order of start.
    """
    centre = _Centre(seed, start_ms, profile, incidents)
    coming: list[tuple[int, int, CanonicalEvent]] = []
    number, beat_ms = 0, start_ms - 1
    from_ms = start_ms
    while end_ms is None or from_ms < end_ms:
        to_ms = from_ms + SLICE_MS if end_ms is None else min(from_ms + SLICE_MS, end_ms)
        for event in centre.slice_events(from_ms, to_ms):
            number += 1
            heapq.heappush(coming, (event["time"], number, event))  # type: ignore[misc]  # life_of sets time as int
        while beat_ms < to_ms:
            yield from _due(coming, beat_ms)
            yield {"id": f"{centre.prefix}/{beat_ms}", "source": SOURCE, "type": "heartbeat", "time": beat_ms}
            beat_ms = _next_beat(beat_ms, live_ms)
        yield from _due(coming, to_ms)
        from_ms = to_ms
    # Both, because what ends does so at the last heartbeat before the one that says so.
    beat: CanonicalEvent = {"id": f"{centre.prefix}/{from_ms}", "source": SOURCE, "type": "heartbeat", "time": from_ms}
    yield beat
    yield {**beat, "id": f"{centre.prefix}/end", "outcome": "end"}
    while coming:
        yield heapq.heappop(coming)[2]


def _next_beat(beat_ms: int, live_ms: int | None) -> int:
    """The next whole minute, or second where it is live."""
    minute_ms = beat_ms - beat_ms % _PAST_BEAT_MS + _PAST_BEAT_MS
    if live_ms is None or minute_ms <= live_ms:
        return minute_ms
    return beat_ms - beat_ms % _LIVE_BEAT_MS + _LIVE_BEAT_MS


def _due(coming: list[tuple[int, int, CanonicalEvent]], before_ms: int) -> Iterator[CanonicalEvent]:
    """Pop the events before a time."""
    while coming and coming[0][0] < before_ms:
        yield heapq.heappop(coming)[2]


def _poisson(expected: float, chance: Random) -> int:
    """A Poisson number (Knuth, TAOCP 2, 3.4.1), in parts where the mean is large."""
    count = 0
    while expected > 0:
        part = min(expected, _POISSON_STEP)
        expected -= part
        limit, product = exp(-part), chance.random()
        while product > limit:
            count += 1
            product *= chance.random()
    return count
