"""What recommendations are, and how they are said: to whoever runs the floor, in a sentence, with the figures that lead to it.

The surprise: `computed` is said with each of them, because a figure that nobody can follow is a figure that nobody acts on.
"""

from datetime import datetime
from math import inf
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from streams.core.recommend_queue import QueueAhead, Slot
from streams.core.staffing import StaffingRules

Lever: TypeAlias = Literal["move", "call_in", "callback", "announce"]


class RecommendRules(Struct, frozen=True, kw_only=True):
    """Config [recommend], with [staffing]. contacts_min: fewer contacts at risk aren't worth a word. The shares are of contacts
    whom a call-back is offered that take it, and of an issue's contacts that an announcement answers."""

    staffing: StaffingRules
    time_zone: str
    contacts_min: int
    horizon_minutes: int
    call_in_minutes: int
    callback_share: float
    announcement_share: float


class Recommendation(Struct, frozen=True, kw_only=True):
    """One lever for [start, end): what to do in a sentence; why, in figures; how contacts_saved was computed.

    contacts_at_risk: of the queue if nothing is done; contacts_saved: of these, by this lever. people: to move or to call in.
    confidence: how likely the queue is short at its worst; None where it isn't known whether it will be.
    """

    lever: Lever
    what: str
    queue: str
    from_queue: str = ""
    people: int = 0
    start_ms: int
    end_ms: int
    contacts_at_risk: float
    contacts_saved: float
    why: str
    computed: str
    confidence: float | None
    alert_id: str = ""


class Shortage(NamedTuple):
    """A queue that is short in `slots`, all within [start, end); gap: people at work that are lacking at the worst."""

    queue: QueueAhead
    slots: tuple[Slot, ...]
    start_ms: int
    end_ms: int
    at_risk: float
    gap: float
    chance: float


class Clock:
    """Times of day as people read them."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)

    def at(self, time_ms: int) -> str:
        """'14:15'."""
        return f"{datetime.fromtimestamp(time_ms / 1000, self._zone):%H:%M}"


class Words:
    """What all levers of a shortage say."""

    def __init__(self, short: Shortage, rules: RecommendRules) -> None:
        self._short = short
        self.rules = rules
        self.at = Clock(rules.time_zone).at

    def made(self, lever: Lever, what: str, saved: float, more: str) -> Recommendation:
        """A lever for all of the shortage; `more`: what it has to say beside why the queue is short."""
        short, given = self._short, self._short.queue.given
        return Recommendation(
            lever=lever,
            what=what,
            queue=given.queue,
            start_ms=short.start_ms,
            end_ms=short.end_ms,
            contacts_at_risk=round(short.at_risk, 1),
            contacts_saved=round(saved, 1),
            why=self._why() + more,
            computed=self._computed(),
            confidence=round(short.chance, 3),
        )

    def _why(self) -> str:
        """'billing: at 14:15 130 contacts in 30 min need 17.0 at work; 13.0 are and take 99.8.'"""
        short, queue = self._short, self._short.queue
        given, worst = queue.given, max(short.slots, key=lambda slot: slot.contacts)
        minutes = queue.load.interval_seconds / 60
        beside = [f"{given.waiting:.0f} waiting now"] if given.waiting else []
        beside += [f"{given.extra:.1f} a minute of an alert"] if given.extra else []
        with_them = f" ({' and '.join(beside)} counted in)" if beside else ""
        return (
            f"{given.queue}: at {self.at(worst.start_ms)} {worst.contacts:.0f} contacts in {minutes:g} min{with_them} need "
            f"{queue.needs(worst.contacts):.1f} at work; {given.at_work:.1f} are and take {queue.taken:.0f}."
        )

    def _computed(self) -> str:
        queue = self._short.queue
        model = "Erlang C" if queue.load.patience_seconds == inf else "Erlang A"
        return (
            f"contacts expected beyond what those at work take with {percent(queue.target.share)} in {queue.target.seconds:g} s "
            f"({model}, {queue.load.aht_seconds:.0f} s each): without it less with it, over {len(self._short.slots)} slots"
        )


def percent(share: float) -> str:
    """'80 %'."""
    return f"{100 * share:.0f} %"
