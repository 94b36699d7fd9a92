"""The topic that every contestant reads: made-up interactions as canonical JSON of about 350 bytes, and what there is to find.

All event types that an interaction has, interleaved as in a centre that takes `PER_SECOND` of them; `handle_ms` is on every
event, so that sum and max have work at each. The surprise: the sums are kept while the events are made, by code that no
contestant shares.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

START_MS = 1_790_064_000_000  # 2026-09-22 08:00 UTC: no day ends within a run
PER_SECOND = 200  # interactions, thousand events a second: a window of a minute gets 60,000

DIMENSIONS = {
    "channel": ("voice", "chat", "email", "messaging"),
    "queue": ("billing", "technical", "sales", "orders", "retention", "delivery", "complaints", "premium", "returns", "password"),
    "issue": ("invoice", "outage", "contract", "refund", "upgrade", "address", "login", "delay"),
    "product": ("mobile", "fibre", "tv", "energy", "bundle"),
    "segment": ("consumer", "business", "premium"),
    "region": ("north", "east", "south", "west", "centre", "islands"),
    "language": ("en", "de", "fr", "es"),
}

# Share of the interactions, and their steps: event type and seconds after the one before.
LIVES: tuple[tuple[int, str], ...] = (
    (12, "offered 0, queued 2, answered 20, completed 240"),
    (3, "offered 0, queued 2, abandoned 45"),
    (3, "offered 0, queued 1, answered 15, completed 200, surveyed 60"),
    (1, "offered 0, queued 2, answered 30, transferred 90, queued 1, answered 25, completed 180"),
    (2, "offered 0, queued 1, answered 9, replied 20, replied 30, sentiment 1, completed 60"),
    (1, "offered 0, queued 2, answered 20, escalated 120, completed 300, reopened 120, completed 60"),
)
OWN_FIELDS = {
    "answered": '"bot":false,',
    "transferred": '"target_queue":"retention",',
    "escalated": '"tier":"2",',
    "replied": '"author":"agent",',
    "sentiment": '"score":0.25,',
    "completed": '"talk_seconds":120,"hold_seconds":10,"wrap_seconds":30,"resolved":true,',
    "surveyed": '"csat":4,"nps":9,',
}
PAD = "4bf92f3577b34da6a3ce929d0e0e4736"  # what a real system sends along and nobody here reads
ALIKE = 4096  # prepared interactions: dimensions and life; each takes its turn

Key = tuple[str, str, int]  # queue, channel, minute


class Made(NamedTuple):
    """One event, keyed by its interaction."""

    interaction: str
    value: bytes
    time_ms: int


class Prepared(NamedTuple):
    """An interaction but for its number and its time."""

    dimensions: tuple[str, ...]  # values by DIMENSIONS
    steps: tuple[tuple[int, str, str, int], ...]  # ms after its begin, type, JSON but for id and time, handle time


@dataclass
class Found:
    """What there is: per key [count, sum, max] of handle time; interactions by the values of their DIMENSIONS; events by type."""

    sums: dict[Key, list[int]] = field(default_factory=dict)
    contacts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    @property
    def events(self) -> int:
        """How many there are."""
        return sum(self.types.values())


class Plan(NamedTuple):
    """When interactions begin, how many a second, and how many times faster they live than in LIVES; `series`: see `make`."""

    start_ms: int = START_MS
    per_second: int = PER_SECOND
    haste: int = 1
    series: int = 1


AS_USUAL = Plan()


def prepare(choose: random.Random, haste: int) -> Prepared:
    """Dimensions and a life by chance."""
    life = choose.choices([steps for _share, steps in LIVES], [share for share, _steps in LIVES])[0]
    values = {name: choose.choice(choices) for name, choices in DIMENSIONS.items()}
    dimensions = ",".join(f'"{name}":"{value}"' for name, value in values.items())
    steps, at_ms = [], 0
    for kind, seconds in map(str.split, life.split(", ")):
        at_ms += round(int(seconds) * 1000 * choose.uniform(0.5, 1.5) / haste)
        handle_ms = choose.randrange(1_000, 600_000)
        own = f'"type":"{kind}",{OWN_FIELDS.get(kind, "")}"handle_ms":{handle_ms},"agent_id":"a-{handle_ms % 97}"'
        steps.append((at_ms, kind, f'{own},{dimensions},"trace":"{PAD}"}}', handle_ms))
    return Prepared(tuple(values.values()), tuple(steps))


def make(count: int, found: Found, plan: Plan = AS_USUAL) -> Iterator[Made]:
    """At least `count` events in time order, whole interactions only; what they add up to is put into `found`.

    `plan.series`: split each queue into so many, so that there are as many times more series.
    """
    choose = random.Random(1)  # the same topic in every run
    pool = [prepare(choose, plan.haste) for _ in range(ALIKE)]
    at: dict[int, list[tuple[int, int, int, Prepared]]] = defaultdict(list)  # second → events: time, interaction, step
    planned = number = second = 0
    while planned < count or at:
        for place in range(plan.per_second if planned < count else 0):
            life, begin_ms = pool[choose.randrange(ALIKE)], plan.start_ms + second * 1000 + place * 1000 // plan.per_second
            for step, (after_ms, *_rest) in enumerate(life.steps):
                time_ms = begin_ms + after_ms
                at[(time_ms - plan.start_ms) // 1000].append((time_ms, number, step, life))
            planned += len(life.steps)
            number += 1
        for time_ms, interaction, step, life in sorted(at.pop(second, ()), key=itemgetter(0, 1, 2)):
            yield _make(time_ms, interaction, step, life, found, plan.series)
        second += 1


def _make(time_ms: int, interaction: int, step: int, life: Prepared, found: Found, series: int) -> Made:
    _after_ms, kind, rest, handle_ms = life.steps[step]
    channel, queue, *others = life.dimensions
    if series > 1:
        split = f"{queue}-{interaction % series}"
        rest, queue = rest.replace(f'"queue":"{queue}"', f'"queue":"{split}"'), split
    key = queue, channel, time_ms // 60_000
    sums = found.sums.get(key)
    if sums is None:
        found.sums[key] = [1, handle_ms, handle_ms]
    else:
        sums[0] += 1
        sums[1] += handle_ms
        if handle_ms > sums[2]:
            sums[2] = handle_ms
    found.types[kind] += 1
    if step == 0:
        found.contacts[(channel, queue, *others)] += 1
    name = f"i-{interaction:09d}"
    who = f'"interaction_id":"{name}","customer_id":"c-{interaction % 9973}"'
    value = f'{{"id":"{name}-{step}","source":"bench","time":{time_ms},{who},{rest}'
    found.bytes += len(value)
    return Made(name, value.encode(), time_ms)
