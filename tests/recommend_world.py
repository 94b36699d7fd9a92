"""A small contact centre at 00:00 for tests of recommendations: slots of half an hour, 180 s a contact, 80 % in 20 s.

How many contacts n agents take then, by the sums of the Erlang C formula: 5: 30.488, 13: 99.665, 15: 117.754, 17: 136.018.
"""

from collections.abc import Sequence

from alert_made_up import made_up_alert
from forecast_rules import forecast_day
from msgspec.structs import replace

from streams.core.alert import Alert, Contribution
from streams.core.forecast_record import ForecastDay
from streams.core.recommend import Picture
from streams.core.recommend_words import RecommendRules
from streams.core.staffing import StaffingRules
from streams.core.trend import Clock, KpiValue, Trend, Window

MINUTE_MS = 60_000
SLOT_MS = 30 * MINUTE_MS
RULES = RecommendRules(
    staffing=StaffingRules(
        share=0.8,
        within_seconds=20,
        queue_within_seconds={},
        occupancy_max=1.0,
        shrinkage=0.3,
        patience_seconds=0,
        concurrency={"chat": 2.0},
    ),
    time_zone="UTC",
    contacts_min=5,
    horizon_minutes=120,
    call_in_minutes=60,
    callback_share=0.3,
    announcement_share=0.2,
)
CLOCK = Clock(shard=0, shards=1, watermark_ms=0, closed_ms=0, heard_ms=0, event_ms=0, revision=1, published_ms=0)


def trend(series: dict[str, str], kpis: dict[str, KpiValue], measures: dict[str, int], kind: str = "today") -> Trend:
    """A live window."""
    return Trend(
        cut="+".join(series) or "total",
        series=series,
        window=Window("30m" if kind == "30m" else "today", 0, 1, "UTC"),
        final=False,
        revision=1,
        measures=measures,
        kpis=kpis,
        watermark_ms=0,
        read_ms=None,
        published_ms=0,
    )


def agents(series: dict[str, str], busy: int, on_break: int = 0, waiting: int = 0) -> Trend:
    """The trailing half hour of agents of whom nobody was free, and who spent as much of it on breaks as they do now."""
    kpis = {
        "agents_available": KpiValue(0.0, 0),
        "agents_busy": KpiValue(float(busy), busy),
        "agents_on_break": KpiValue(float(on_break), on_break),
        "contacts_in_queue": KpiValue(float(waiting), waiting),
    }
    return trend(series, kpis, {"on_contact_ms": 1000 * busy, "break_ms": 1000 * on_break}, "30m")


def queue(name: str, at_work: int, contacts: Sequence[float]) -> tuple[list[Trend], ForecastDay]:
    """A queue's live windows, and its forecast from 00:00 on with bands of a tenth (80 %) and a fifth (95 %)."""
    handled = trend({"queue": name}, {"aht": KpiValue(180.0, 500)}, {})
    day = replace(
        forecast_day("queue", {"queue": name}),
        starts_ms=[place * SLOT_MS for place in range(len(contacts))],
        mean=list(contacts),
        low_95=[0.8 * one for one in contacts],
        low_80=[0.9 * one for one in contacts],
        high_80=[1.1 * one for one in contacts],
        high_95=[1.2 * one for one in contacts],
    )
    return [handled, agents({"queue": name}, at_work)], day


def picture(*queues: tuple[list[Trend], ForecastDay], alerts: Sequence[Alert] = ()) -> Picture:
    """All that is known."""
    return Picture(
        clocks=[CLOCK],
        trends=[one for trends, _ in queues for one in trends],
        forecasts=[day for _, day in queues],
        alerts=alerts,
    )


def spike(series: dict[str, str], excess: float, *parts: Contribution, minutes: int = 20) -> Alert:
    """An alert that has fired for so long up to 00:00."""
    return made_up_alert(
        version=3,
        cut="+".join(series) or "total",
        series=series,
        onset_ms=-minutes * MINUTE_MS,
        observed=round(2 * excess),
        expected=excess,
        excess=excess,
        contribution=parts,
    )


def part(series: dict[str, str], share: float) -> Contribution:
    """A part of an alert that usually brings a twentieth of the contacts."""
    return Contribution(cut="+".join(series), series=series, observed=60, expected=5.0, share=share, usual_share=0.05)
