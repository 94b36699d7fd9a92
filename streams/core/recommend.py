"""Recommend: from what is known live to a ranked list of what to do: who is short, when, and which lever takes how much of it.

Pure and without state: computed when somebody asks. The surprise: nothing is guessed. A queue of which something isn't known
gets no recommendation that needs it, and `missing` says what isn't known.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from streams.core.alert import Alert
from streams.core.cells import OTHER
from streams.core.forecast_record import ForecastDay
from streams.core.live import record_series
from streams.core.recommend_levers import levers
from streams.core.recommend_queue import Given, QueueAhead, ahead, concurrency_of, people_at_work, unforeseen
from streams.core.recommend_words import Recommendation, RecommendRules
from streams.core.series import TOTAL, UNKNOWN
from streams.core.staffing import HANDLED_MIN, handle_seconds
from streams.core.trend import Clock, Trend
from streams.core.window import MINUTE_MS

CUTS = (TOTAL, "queue", "channel+queue")  # whose live windows are wanted
_NO_QUEUES = (UNKNOWN, OTHER)  # names of contacts that no agents stand for
_NO_FORECAST = "no forecast that reaches there (a first one takes a whole day of contacts)"
_NO_STAFF = "no agents at work are known (no state of one has come for the queue)"
_NO_HANDLE_TIME = f"no handle time (fewer than {HANDLED_MIN} contacts handled)"
_NAMED_MAX = 5  # queues in a sentence
_SHARED_MIN = 0.5  # people: less is rounding


class Picture(Struct, frozen=True, kw_only=True):
    """What is known live: pulses, live windows of CUTS, forecasts of queues, alerts; in any order."""

    clocks: Sequence[Clock]
    trends: Sequence[Trend]
    forecasts: Sequence[ForecastDay]
    alerts: Sequence[Alert]


class QueueStaff(Struct, frozen=True, kw_only=True):
    """A queue that was looked at: people at work, the most that any coming slot needs, contacts at risk in all of them."""

    queue: str
    at_work: float
    needed: float
    contacts_at_risk: float


class Advice(Struct, frozen=True, kw_only=True):
    """The answer for [at, until) of event time: recommendations, the one that takes most contacts at risk first; the queues that
    were looked at; and in words what isn't known, of which therefore nothing is said."""

    at_ms: int | None
    until_ms: int | None
    time_zone: str
    recommendations: tuple[Recommendation, ...] = ()
    queues: tuple[QueueStaff, ...] = ()
    missing: tuple[str, ...] = ()


class _Known:
    """The records of one queue."""

    def __init__(self) -> None:
        self.windows: dict[str, Trend] = {}
        self.channels: list[Trend] = []
        self.days: list[ForecastDay] = []


def recommend(picture: Picture, rules: RecommendRules) -> Advice:
    """What to do now."""
    marks = [clock.watermark_ms for clock in picture.clocks if clock.watermark_ms is not None]
    if not marks:
        return Advice(
            at_ms=None, until_ms=None, time_zone=rules.time_zone, missing=("no pulse of the pipeline: is a worker running?",)
        )
    now_ms = min(marks)
    until_ms = now_ms + rules.horizon_minutes * MINUTE_MS
    queues, missing = _queues(picture, now_ms, rules)
    found = levers(queues, picture.alerts, now_ms, rules)
    return Advice(
        at_ms=now_ms,
        until_ms=until_ms,
        time_zone=rules.time_zone,
        recommendations=tuple(sorted(found, key=lambda one: (-one.contacts_saved, one.what))),
        queues=tuple(_staff(queue, until_ms) for queue in queues),
        missing=tuple(missing),
    )


def _queues(picture: Picture, now_ms: int, rules: RecommendRules) -> tuple[list[QueueAhead], list[str]]:
    """The queues of which all is known, and what isn't known of the others."""
    known = _sorted_out(picture)
    found: list[QueueAhead] = []
    lacking: dict[str, list[str]] = defaultdict(list)
    span_ms = (now_ms, now_ms + 2 * rules.horizon_minutes * MINUTE_MS)  # twice: call-backs come after the shortage
    for name in sorted(known):
        at_work, aht = people_at_work(known[name].windows), handle_seconds(known[name].windows)
        queue = None
        if at_work is not None and aht is not None:
            queue = ahead(
                _given(name, known[name], (at_work, aht), picture.alerts, rules), known[name].days, span_ms, rules.staffing
            )
        reaches = any(one.starts_ms[-1] >= now_ms for one in known[name].days)
        for is_lacking, what in ((not reaches, _NO_FORECAST), (at_work is None, _NO_STAFF), (aht is None, _NO_HANDLE_TIME)):
            if is_lacking:
                lacking[what].append(name)
        found += [queue] if queue is not None else []
    missing = [f"{_names(queues)}: {what}" for what, queues in lacking.items()]
    if not known:
        missing.append("no queues: no live window and no forecast of any")
    return found, missing + _shared(picture, found)


def _sorted_out(picture: Picture) -> Mapping[str, _Known]:
    known: dict[str, _Known] = defaultdict(_Known)
    for trend in picture.trends:
        queue = trend.series.get("queue", UNKNOWN)
        if trend.cut == "queue" and queue not in _NO_QUEUES:
            known[queue].windows[trend.window.kind] = trend
    for trend in picture.trends:
        if trend.cut == "channel+queue" and trend.window.kind == "today" and trend.series["queue"] in known:
            known[trend.series["queue"]].channels.append(trend)
    for one in sorted(picture.forecasts, key=lambda one: one.day):
        if one.cut == "queue" and one.series["queue"] not in _NO_QUEUES:
            known[one.series["queue"]].days.append(one)
    return known


def _given(name: str, known: _Known, figures: tuple[float, float], alerts: Sequence[Alert], rules: RecommendRules) -> Given:
    """What is known of a queue; two alerts that speak of the same contacts aren't added up."""
    origin_ms = max((one.origin_ms for one in known.days), default=0)
    window = known.windows.get("30m") or known.windows.get("today")
    waiting = window.kpis.get("contacts_in_queue") if window is not None else None
    return Given(
        queue=name,
        at_work=figures[0],
        concurrency=concurrency_of(known.channels, rules.staffing.concurrency),
        aht_seconds=figures[1],
        waiting=(waiting.value or 0.0) if waiting is not None else 0.0,
        extra=max((unforeseen(alert, name, origin_ms) for alert in alerts), default=0.0),
    )


def _shared(picture: Picture, queues: Sequence[QueueAhead]) -> list[str]:
    """What the total says: fewer people than all queues have together means that some are counted in several."""
    windows: dict[str, Trend] = {trend.window.kind: trend for trend in picture.trends if record_series(trend) == TOTAL}
    everybody, counted = people_at_work(windows), sum(queue.given.at_work for queue in queues)
    if everybody is None or counted - everybody < _SHARED_MIN:
        return []
    return [
        f"who serves several queues: {counted:.0f} people at work, added up by queue, are {everybody:.0f}, so a queue may "
        "have fewer than is said"
    ]


def _staff(queue: QueueAhead, until_ms: int) -> QueueStaff:
    slots = [slot for slot in queue.slots if slot.start_ms < until_ms]
    return QueueStaff(
        queue=queue.given.queue,
        at_work=round(queue.given.at_work, 2),
        needed=round(queue.needs(max((slot.contacts for slot in slots), default=0.0)), 2),
        contacts_at_risk=round(queue.at_risk(slots, queue.taken), 2),
    )


def _names(queues: Sequence[str]) -> str:
    more = len(queues) - _NAMED_MAX
    return ", ".join(queues[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
