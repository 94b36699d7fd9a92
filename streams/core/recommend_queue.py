"""A queue's coming hours as recommendations see them: contacts by slot, what the agents at work take of them, who is at risk.

*Contacts at risk* are those beyond what the agents take with the service level still reached (Erlang, the other way round): they
or others in their place wait too long. The surprise: who is at work now is taken to stay, because nobody tells of rosters.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import exp, floor

from msgspec import Struct, structs

from streams.core.alert import Alert
from streams.core.erlang import Load, Target, agents_needed, contacts_max
from streams.core.forecast_record import ForecastDay, chance_above
from streams.core.incident import FADE_MINUTES
from streams.core.staffing import StaffingRules
from streams.core.trend import Trend
from streams.core.window import MINUTE_MS

_DIGITS = 9  # people are sums of shares: 12.999999999 are 13
_AT_WORK = ("agents_available", "agents_busy")
_WORKING = ("available_ms", "on_contact_ms", "after_contact_ms")


class Slot(Struct, frozen=True, kw_only=True):
    """[start, end) of a forecast's slot, of which `share` is still to come. contacts: expected in a whole slot at this rate, what
    alerts bring and who waits now included; busy: the same at the upper end of the 80 % band. chance: that they are too many."""

    start_ms: int
    end_ms: int
    share: float
    contacts: float
    busy: float
    chance: float


class Given(Struct, frozen=True, kw_only=True):
    """What is known of a queue now. at_work: people, breaks taken off; concurrency: contacts that each has at once; waiting:
    contacts in the queue; extra: contacts a minute that alerts bring beside the forecast."""

    queue: str
    at_work: float
    concurrency: float
    aht_seconds: float
    waiting: float
    extra: float


class QueueAhead(Struct, frozen=True, kw_only=True):
    """One queue and its slots. load: a whole slot for Erlang; taken: the most contacts of a slot that who is at work takes."""

    given: Given
    load: Load
    target: Target
    taken: float = 0.0
    slots: tuple[Slot, ...] = ()

    def takes(self, people: float) -> float:
        """The most contacts of a slot that so many people take with the target reached."""
        at_once = floor(round(people * self.given.concurrency, _DIGITS))
        return _contacts_max(max(0, at_once), self.load, self.target)

    def needs(self, contacts: float) -> float:
        """People at work that so many contacts in a slot need."""
        return _agents_needed(structs.replace(self.load, contacts=contacts), self.target) / self.given.concurrency

    def at_risk(self, slots: Iterable[Slot], taken: float) -> float:
        """Contacts of these slots beyond `taken` in each."""
        return sum(slot.share * max(0.0, slot.contacts - taken) for slot in slots)

    def room(self, slots: Iterable[Slot]) -> float:
        """Contacts that could be taken in these slots beside those expected."""
        return sum(slot.share * max(0.0, self.taken - slot.contacts) for slot in slots)


def people_at_work(windows: Mapping[str, Trend]) -> float | None:
    """Agents there now times the share of their time of the last half hour that wasn't a break: who is on a break comes back, and
    somebody else goes. None where no agent is known."""
    window = windows.get("30m") or windows.get("today")
    if window is None:
        return None
    there = [kpi.value for name in (*_AT_WORK, "agents_on_break") if (kpi := window.kpis.get(name)) is not None]
    known = [value for value in there if value is not None]
    if not known:
        return None
    working = sum(window.measures.get(name, 0) for name in _WORKING)
    spent = working + window.measures.get("break_ms", 0)
    return sum(known) * (working / spent if spent else 1.0)


def concurrency_of(channels: Iterable[Trend], concurrency: Mapping[str, float]) -> float:
    """Contacts that an agent has at once in a queue: by the handle time that each of its channels takes."""
    spent = {
        trend.series["channel"]: sum(trend.measures.get(name, 0) for name in ("talk_ms", "hold_ms", "wrap_ms"))
        for trend in channels
    }
    apart = sum(ms / concurrency.get(channel, 1.0) for channel, ms in spent.items())
    return sum(spent.values()) / apart if apart else 1.0


def extra_of(alert: Alert, queue: str) -> float | None:
    """Contacts a minute beyond expectation that a firing spike brings to a queue; None where it says nothing of that queue."""
    if alert.state != "firing" or alert.kind != "spike":
        return None
    if alert.series.get("queue") == queue:
        return per_minute(alert)
    shares = [part.share for part in alert.contribution if part.series.get("queue") == queue]
    return sum(shares) * per_minute(alert) if shares else None


def per_minute(alert: Alert) -> float:
    """Contacts above expectation since the onset, a minute."""
    return max(0.0, alert.excess) / max(1.0, (alert.updated_ms - alert.onset_ms) / MINUTE_MS)


def unforeseen(alert: Alert, queue: str, origin_ms: int) -> float:
    """The same as far as the forecast made at `origin_ms` can't know of it: by the share of the alert's time after that."""
    extra = extra_of(alert, queue) or 0.0
    lasted_ms = max(1, alert.updated_ms - alert.onset_ms)
    return extra * min(1.0, max(0.0, (alert.updated_ms - origin_ms) / lasted_ms))


def faded(minutes: float) -> float:
    """What is left of an alert's excess after so long, by the belief in it that detect has itself (incident.py)."""
    return exp(-max(0.0, minutes) / FADE_MINUTES)


def ahead(given: Given, days: Iterable[ForecastDay], span_ms: tuple[int, int], rules: StaffingRules) -> QueueAhead | None:
    """The slots of a queue's forecast within [now, end) and who is at work; None where the forecast doesn't reach there."""
    now_ms, end_ms = span_ms
    coming = [
        (one, place)
        for one in days
        for place, at_ms in enumerate(one.starts_ms)
        if at_ms < end_ms and at_ms + one.slot_minutes * MINUTE_MS > now_ms
    ]
    if not coming:
        return None
    queue = QueueAhead(
        given=given,
        load=Load(
            contacts=0.0,
            interval_seconds=coming[0][0].slot_minutes * MINUTE_MS / 1000,
            aht_seconds=max(1.0, round(given.aht_seconds)),  # a mean isn't known better, and what was computed is found again
            patience_seconds=rules.patience(),
        ),
        target=rules.target({"queue": given.queue}),
    )
    taken = queue.takes(given.at_work)
    return structs.replace(queue, taken=taken, slots=tuple(_slot(given, *each, now_ms, taken) for each in coming))


# Erlang A takes half a millisecond a look: what was asked is asked again, slot by slot and with the next question.
@lru_cache(maxsize=10_000)
def _contacts_max(agents: int, load: Load, target: Target) -> float:
    return contacts_max(agents, load, target)


@lru_cache(maxsize=10_000)
def _agents_needed(load: Load, target: Target) -> int:
    return agents_needed(load, target).agents


def _slot(given: Given, one: ForecastDay, place: int, now_ms: int, taken: float) -> Slot:
    """Who waits now is spread over the length of a slot from now on: nobody can take them all at once."""
    slot_ms = one.slot_minutes * MINUTE_MS
    start_ms = max(one.starts_ms[place], now_ms)
    end_ms = one.starts_ms[place] + slot_ms
    share = (end_ms - start_ms) / slot_ms
    of_waiting = max(0, min(end_ms, now_ms + slot_ms) - start_ms) / slot_ms / share
    extra = given.extra * one.slot_minutes * faded((start_ms - now_ms) / MINUTE_MS)
    more = extra + of_waiting * given.waiting
    return Slot(
        start_ms=start_ms,
        end_ms=end_ms,
        share=share,
        contacts=one.mean[place] + more,
        busy=one.high_80[place] + more,
        chance=chance_above(one, place, taken - more),
    )
