"""What a forecast says of a queue and the people expected in it: slots in which its contacts exceed what these take.

Each slot of the next hours is held against what the people expected at work (roster.py) take with the service level reached:
Erlang, the other way round. The surprise: a slot is short by the chance that its contacts exceed that, but fits by what is
expected.
"""

from functools import lru_cache
from itertools import pairwise
from math import floor
from typing import NamedTuple, TypeAlias

import msgspec

from streams.core.alert import Foreseen, Severity
from streams.core.erlang import Load, Target, agents_needed, contacts_max, reaches
from streams.core.forecast_clock import MINUTE_MS
from streams.core.forecast_near import Near, NearSlot
from streams.core.held_back import HeldBacks
from streams.core.roster import Roster
from streams.core.series import series_values
from streams.core.staffing import StaffingRules

_DIGITS = 9  # people are sums of shares: 12.999999999 are 13


class ShortageRules(msgspec.Struct, frozen=True, kw_only=True):
    """Config [shortage], with [staffing]. chance: that a slot's contacts exceed what is taken, from which it is short; origins:
    forecasts in a row, one per slot, that begin or end an alert; contacts_min: fewer beyond capacity aren't worth one, nor
    is less than lasting_minutes in one piece."""

    staffing: StaffingRules
    time_zone: str
    slot_minutes: int
    horizon_minutes: int
    chance: float
    origins: int
    lasting_minutes: int
    contacts_min: int
    cool_down_minutes: int
    severity: Severity
    runbook: str


class Short(NamedTuple):
    """What is foreseen of a queue; contacts: in all its short slots, excess of them beyond capacity; worst and taken: contacts
    expected in the worst slot, and how many can be taken in it."""

    foreseen: Foreseen
    contacts: float
    excess: float
    worst: float
    taken: float


class Verdict(NamedTuple):
    """fits: all that is expected can be taken; neither short nor fitting: too little beyond, or too unsure."""

    short: Short | None
    fits: bool


_Taken: TypeAlias = tuple[NearSlot, float, float]  # a slot, people in it, the most contacts that they take


# A look of Erlang A takes half a millisecond: what was asked is asked again, slot by slot and forecast by forecast.
@lru_cache(maxsize=10_000)
def _contacts_max(agents: int, load: Load, target: Target) -> float:
    return contacts_max(agents, load, target)


class _Judge(NamedTuple):
    """What people of one queue take; at_once: contacts that each has at once."""

    load: Load
    target: Target
    at_once: float

    def takes(self, contacts: float, people: float) -> bool:
        """Whether the target is reached; a tenth of the time of `contacts_max`."""
        return reaches(msgspec.structs.replace(self.load, contacts=contacts), self._agents(people), self.target)

    def contacts_max(self, people: float) -> float:
        """The most contacts of a slot with which the target is reached."""
        return _contacts_max(self._agents(people), self.load, self.target)

    def people_needed(self, contacts: float) -> float:
        """People at work that reach the target."""
        needed = agents_needed(msgspec.structs.replace(self.load, contacts=contacts), self.target).agents
        return needed / self.at_once

    def _agents(self, people: float) -> int:
        return floor(round(people * self.at_once, _DIGITS))


def verdict(series: str, near: Near, roster: Roster, rules: ShortageRules, held_backs: HeldBacks) -> Verdict | None:
    """What the forecast says of a queue, slots in a maintenance window left out; None where something isn't known."""
    seconds = roster.handle_seconds(series)
    slots = [slot for slot in near.slots(series) if held_backs.maintenance(series, slot.start_ms) is None]
    people = [(slot, roster.people(series, slot.start_ms)) for slot in slots]
    known = [(slot, found) for slot, found in people if found is not None]
    if seconds is None or not known:
        return None
    load = Load(
        contacts=0.0,
        interval_seconds=rules.slot_minutes * MINUTE_MS / 1000,
        aht_seconds=max(1.0, round(seconds)),
        patience_seconds=rules.staffing.patience(),
    )
    judge = _Judge(load, rules.staffing.target(series_values(series)), roster.at_once(series, rules.staffing.concurrency))
    tight = [(slot, there) for slot, there in known if not judge.takes(slot.mean, there)]
    taken = [(slot, there, judge.contacts_max(there)) for slot, there in tight]
    short = _lasting([each for each in taken if near.chance_above(series, each[0], each[2]) >= rules.chance], rules)
    if sum(slot.mean - most for slot, _, most in short) < rules.contacts_min:
        return Verdict(None, fits=not tight)
    return Verdict(_short(series, near, judge, short), fits=False)


def _lasting(short: list[_Taken], rules: ShortageRules) -> list[_Taken]:
    """The longest piece without a gap; none where that is too short. The first of equals."""
    slot_ms, pieces = rules.slot_minutes * MINUTE_MS, [short[:1]]
    for before, one in pairwise(short):
        if one[0].start_ms - before[0].start_ms > slot_ms:
            pieces.append([])
        pieces[-1].append(one)
    longest = max(pieces, key=len)
    return longest if len(longest) * rules.slot_minutes >= rules.lasting_minutes else []


def _short(series: str, near: Near, judge: _Judge, short: list[_Taken]) -> Short:
    worst, people, taken = max(short, key=lambda each: round(each[0].mean - each[2], 1))  # the first of equals
    slot_ms = round(judge.load.interval_seconds * 1000)
    foreseen = Foreseen(
        start_ms=short[0][0].start_ms,
        end_ms=short[-1][0].start_ms + slot_ms,
        worst_ms=worst.start_ms,
        slot_minutes=slot_ms // MINUTE_MS,
        people=round(people, 2),
        people_needed=round(judge.people_needed(worst.mean), 2),
        chance=round(near.chance_above(series, worst, taken), 3),
    )
    contacts, most = sum(slot.mean for slot, _, _ in short), sum(each for _, _, each in short)
    return Short(foreseen, contacts, contacts - most, worst.mean, taken)
