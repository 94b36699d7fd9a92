"""Levers: what can be done about a queue that will be short of agents, with the contacts at risk that each takes.

Agents are moved from queues that have some to spare even on a busy day, each once; people are called in for what is left.
Call-backs and announcements are counted by themselves, against doing nothing. The surprise: impact is in contacts that can't be
taken in time (recommend_queue.py), not in agents: one agent for two hours means little to a long queue.
"""

from collections.abc import Mapping, Sequence
from math import ceil, floor

from msgspec import structs

from streams.core.alert import Alert, Contribution
from streams.core.contribution import cause
from streams.core.erlang import rostered
from streams.core.incident import FADE_MINUTES
from streams.core.mix_alerting import is_emerging
from streams.core.recommend_queue import QueueAhead, Slot, extra_of, faded, per_minute
from streams.core.recommend_words import Clock, Recommendation, RecommendRules, Shortage, Words, percent
from streams.core.window import MINUTE_MS

_DIGITS = 6  # people are sums of shares: 3.0000001 people are 3


def levers(queues: Sequence[QueueAhead], alerts: Sequence[Alert], now_ms: int, rules: RecommendRules) -> list[Recommendation]:
    """Everything that is worth doing within the horizon."""
    until_ms = now_ms + rules.horizon_minutes * MINUTE_MS
    shortages = [short for queue in queues if (short := _shortage(queue, until_ms, rules.contacts_min)) is not None]
    shortages.sort(key=lambda short: (-short.at_risk, short.queue.given.queue))
    lacking = {one.queue.given.queue for one in shortages}
    donors = {queue.given.queue: queue for queue in queues if queue.given.queue not in lacking}
    lent: dict[str, int] = {}
    found: list[Recommendation] = []
    for one in shortages:
        words = Words(one, rules)
        moved = _moves(one, donors, lent, words)
        found += moved
        found += _call_in(one, sum(move.people for move in moved), now_ms, words)
        found += _callback(one, words)
    return found + [one for alert in alerts for one in _announcement(alert, queues, shortages, now_ms, rules)]


def _shortage(queue: QueueAhead, until_ms: int, contacts_min: int) -> Shortage | None:
    slots = tuple(slot for slot in queue.slots if slot.start_ms < until_ms and slot.contacts > queue.taken)
    at_risk = queue.at_risk(slots, queue.taken)
    if at_risk < contacts_min:
        return None
    return Shortage(
        queue=queue,
        slots=slots,
        start_ms=slots[0].start_ms,
        end_ms=slots[-1].end_ms,
        at_risk=at_risk,
        gap=queue.needs(max(slot.contacts for slot in slots)) - queue.given.at_work,
        chance=max(slot.chance for slot in slots),
    )


def _moves(short: Shortage, donors: Mapping[str, QueueAhead], lent: dict[str, int], words: Words) -> list[Recommendation]:
    """Agents of queues that need them at no time of the shortage, from whoever has most to spare; lent: who is lent already."""
    found, moved = [], 0
    spare = {name: _spare(queue, short) - lent.get(name, 0) for name, queue in donors.items()}
    for name in sorted(spare, key=lambda one: (-spare[one], one)):
        wanted = ceil(round(short.gap - moved, _DIGITS))
        people = min(spare[name], wanted)
        if people <= 0:
            break
        saved = _saved(short, moved, moved + people, short.start_ms)
        moved, lent[name] = moved + people, lent.get(name, 0) + people
        where = short.queue.given.queue
        text = f"Move {people} from {name} to {where} from {words.at(short.start_ms)} to {words.at(short.end_ms)}."
        more = f" {name} has {donors[name].given.at_work:.1f} at work and can spare {spare[name]} even on a busy day."
        found.append(structs.replace(words.made("move", text, saved, more), from_queue=name, people=people))
    return found


def _spare(queue: QueueAhead, short: Shortage) -> int:
    """People whom the queue needs in no slot of the shortage, even at the upper end of the 80 % band."""
    slots = [slot for slot in queue.slots if slot.start_ms < short.end_ms and slot.end_ms > short.start_ms]
    if not slots:
        return 0
    return floor(round(queue.given.at_work - queue.needs(max(slot.busy for slot in slots)), _DIGITS))


def _call_in(short: Shortage, moved: int, now_ms: int, words: Words) -> list[Recommendation]:
    """People for what moves leave, from when they can be there."""
    rules, given = words.rules, short.queue.given
    start_ms = max(short.start_ms, now_ms + rules.call_in_minutes * MINUTE_MS)
    slots = [slot for slot in short.slots if slot.end_ms > start_ms]
    gap = short.queue.needs(max((slot.contacts for slot in slots), default=0.0)) - given.at_work - moved
    at_once = ceil(round(gap * given.concurrency, _DIGITS))
    if at_once <= 0:
        return []
    people = rostered(at_once, rules.staffing.shrinkage, given.concurrency)
    saved = _saved(short, moved, moved + gap, start_ms)
    text = f"Call in {people} (or keep them longer) for {given.queue} from {words.at(start_ms)} to {words.at(short.end_ms)}."
    more = f" {people} are {gap:.1f} at work with {percent(rules.staffing.shrinkage)} for breaks and the like" + (
        f", beside {moved} moved." if moved else "."
    )
    made = words.made("call_in", text, saved, more)
    return [structs.replace(made, people=people, start_ms=start_ms)]


def _callback(short: Shortage, words: Words) -> list[Recommendation]:
    """Contacts that take a call-back at a time when there is room."""
    share = words.rules.callback_share
    later = [slot for slot in short.queue.slots if slot.start_ms >= short.end_ms and slot.contacts < short.queue.taken]
    room = short.queue.room(later)
    offered = sum(slot.share * slot.contacts for slot in short.slots)
    saved = min(short.at_risk, share * offered, room)
    if saved < 1:
        return []
    text = (
        f"Offer call-backs in {short.queue.given.queue} from {words.at(short.start_ms)} to {words.at(short.end_ms)}, "
        f"to be made from {words.at(later[0].start_ms)} on."
    )
    made = words.made("callback", text, saved, f" After it {room:.0f} more can be taken until {words.at(later[-1].end_ms)}.")
    computed = (
        f"the least of contacts at risk, {percent(share)} of the {offered:.0f} offered one, and the room for {room:.0f} later"
    )
    return [structs.replace(made, computed=computed)]


def _announcement(
    alert: Alert, queues: Sequence[QueueAhead], shortages: Sequence[Shortage], now_ms: int, rules: RecommendRules
) -> list[Recommendation]:
    """Say what is known, where one issue explains a firing spike or emerges, and the queues that it comes to aren't known to have
    room."""
    part = _issue(alert)
    if alert.state != "firing" or part is None or "issue" not in part.series:
        return []
    rate = part.share * per_minute(alert)
    coming = rate * FADE_MINUTES * (1 - faded(rules.horizon_minutes))  # the integral of rate × faded
    hit = [queue.given.queue for queue in queues if extra_of(alert, queue.given.queue)]
    short = [one for one in shortages if one.queue.given.queue in hit]
    at_risk = sum(one.at_risk for one in short) if hit else coming
    saved = min(at_risk, rules.announcement_share * coming)
    if saved < 1 or at_risk < rules.contacts_min:
        return []
    words = Clock(rules.time_zone)
    until_ms = now_ms + rules.horizon_minutes * MINUTE_MS
    about = ", ".join(f"{name} {value}" for name, value in part.series.items())
    risk = "" if hit else "; whether its queues have room for them isn't known"
    return [
        Recommendation(
            lever="announce",
            what=f"Say at the entrance what is known of {about}, from now to {words.at(until_ms)}.",
            queue=", ".join(one.queue.given.queue for one in short),
            start_ms=now_ms,
            end_ms=until_ms,
            contacts_at_risk=round(at_risk, 1),
            contacts_saved=round(saved, 1),
            why=f"{about} brings {percent(part.share)} of the excess since {words.at(alert.onset_ms)} (usually "
            f"{percent(part.usual_share)} of contacts), {rate:.1f} a minute: {coming:.0f} more to come{risk}.",
            computed=f"{percent(rules.announcement_share)} of them, at most the contacts at risk; the excess fades by the "
            f"{FADE_MINUTES} minutes that detect believes in it",
            confidence=max((one.chance for one in short), default=None),
            alert_id=alert.alert_id,
        )
    ]


def _issue(alert: Alert) -> Contribution | None:
    """What a spike comes from, or the issue that emerges."""
    if alert.kind == "spike":
        return cause(alert.contribution)
    if alert.kind != "mix" or not is_emerging(alert.series, alert.ratio):
        return None
    return Contribution(
        cut=alert.cut,
        series=alert.series,
        observed=alert.observed,
        expected=alert.expected,
        share=1.0,
        usual_share=alert.usual or 0.0,
    )


def _saved(short: Shortage, before: float, after: float, from_ms: int) -> float:
    """Contacts at risk that people beside those at work take from `from_ms` on: `after` of them instead of `before`."""
    queue, taken = short.queue, [short.queue.takes(short.queue.given.at_work + people) for people in (before, after)]
    slots = [_from(slot, from_ms) for slot in short.slots if slot.end_ms > from_ms]
    return queue.at_risk(slots, taken[0]) - queue.at_risk(slots, taken[1])


def _from(slot: Slot, from_ms: int) -> Slot:
    """The part of a slot from a moment on."""
    start_ms = max(slot.start_ms, from_ms)
    share = slot.share * (slot.end_ms - start_ms) / (slot.end_ms - slot.start_ms)
    return structs.replace(slot, start_ms=start_ms, share=share)
