"""The simulated contact centre: its day, its queues, its customers. Plain values and functions of them; chance comes as an
argument.

All names are invented. The surprise: agents follow the rate that is planned, not the one that an incident brings, so a spike
makes waits and abandonments grow as it would.
"""

from math import ceil, cos, pi, sqrt
from random import Random

import msgspec

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_THURSDAY = 3  # 1 January 1970, Monday being 0
_BUSY_HOUR = 10.5  # between opening and lunch
_WEDNESDAY = 2


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts per minute at the busiest time, and the shape of the day (hours of the local clock, shares of the peak).

    shift_ms: local clock minus UTC, in milliseconds.
    """

    contacts_per_minute: float = 30.0
    opens_hour: float = 8.0
    rise_hours: float = 1.5
    falls_hour: float = 17.0
    fall_hours: float = 4.0
    night_share: float = 0.05
    weekend_share: float = 0.45
    shift_ms: int = 0


class QueueKind(msgspec.Struct, frozen=True, kw_only=True):
    """A queue: share of all contacts, handle time (median, seconds), what it is about and how people reach it (weights)."""

    name: str
    share: float
    handle_seconds: float
    issues: tuple[tuple[str, float], ...]
    channels: tuple[tuple[str, float], ...]


class Customer(msgspec.Struct, frozen=True, gc=False):
    """A fake customer; everything follows from the number, so that a repeat is the same person."""

    customer_id: str
    segment: str
    region: str
    age_band: str


_MIXED = (("voice", 0.55), ("chat", 0.25), ("email", 0.15), ("social", 0.05))
_SPOKEN = (("voice", 0.8), ("chat", 0.15), ("email", 0.05))
QUEUES = (
    QueueKind(
        name="billing",
        share=0.32,
        handle_seconds=240,
        issues=(("invoice", 0.5), ("payment", 0.35), ("refund", 0.15)),
        channels=_MIXED,
    ),
    QueueKind(
        name="technical",
        share=0.28,
        handle_seconds=360,
        issues=(("outage", 0.2), ("setup", 0.45), ("login", 0.35)),
        channels=_MIXED,
    ),
    QueueKind(
        name="orders",
        share=0.2,
        handle_seconds=180,
        issues=(("delivery", 0.7), ("refund", 0.3)),
        channels=_MIXED,
    ),
    QueueKind(name="sales", share=0.12, handle_seconds=300, issues=(("offer", 1.0),), channels=_SPOKEN),
    QueueKind(name="retention", share=0.08, handle_seconds=420, issues=(("cancellation", 0.8), ("offer", 0.2)), channels=_SPOKEN),
)
_SEGMENTS = ("consumer", "consumer", "consumer", "consumer", "business", "business", "premium")
_REGIONS = ("north", "east", "south", "west")
_AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
CUSTOMERS = 50_000


def share_of_peak(profile: Profile, time_ms: int) -> float:
    """The rate at a time as a share of the peak: night → smooth rise → day with a lunch dent → smooth fall; weekends lower."""
    local_ms = time_ms + profile.shift_ms
    hour = (local_ms % DAY_MS) / HOUR_MS
    up = _smooth((hour - profile.opens_hour) / profile.rise_hours)
    down = _smooth((hour - profile.falls_hour) / profile.fall_hours)
    lunch = 1 - 0.1 * _smooth(1 - abs(hour - 12.75))
    day = profile.night_share + (1 - profile.night_share) * up * (1 - down) * lunch
    weekend = (local_ms // DAY_MS + _THURSDAY) % 7 >= 5
    return day * (profile.weekend_share if weekend else 1.0)


def busy_at(profile: Profile, time_ms: int) -> Profile:
    """The profile with its clock turned so that `time_ms` falls on a Wednesday's busy morning: a demo at midnight shows a day."""
    wanted_ms = int(((_WEDNESDAY - _THURSDAY) % 7) * DAY_MS + _BUSY_HOUR * HOUR_MS)
    return msgspec.structs.replace(profile, shift_ms=(wanted_ms - time_ms) % (7 * DAY_MS))


def agents_planned(queue: QueueKind, contacts_per_minute: float) -> int:
    """Agents on shift for the queue's planned rate: offered load plus its square root, the usual square-root staffing rule."""
    # 1.2 is the mean of the lognormal handle time over its median, exp(0.6² / 2).
    load = contacts_per_minute / 60 * queue.handle_seconds * 1.2
    return max(1, ceil(load + sqrt(load)))


def customer(number: int) -> Customer:
    """Customer 0 … CUSTOMERS − 1."""
    traits = Random(number)
    return Customer(f"customer-{number:06d}", traits.choice(_SEGMENTS), traits.choice(_REGIONS), traits.choice(_AGE_BANDS))


def picked(weights: tuple[tuple[str, float], ...], chance: Random) -> str:
    """One of the names by weight; weights sum to 1."""
    left = chance.random()
    for name, weight in weights:
        left -= weight
        if left < 0:
            return name
    return weights[-1][0]


def _smooth(x: float) -> float:
    """Half a cosine from 0 to 1 on [0, 1]."""
    return (1 - cos(pi * min(1.0, max(0.0, x)))) / 2
