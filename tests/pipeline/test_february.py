"""The bank's February calls by queue: every KPI of days, weeks and the month, by way of all stages, and from the file alone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import orjson
import pytest
from february import CUSTOMERS, Calls, Figure, Key, figures, recount, together
from flow import DAY, Flow, heartbeat
from intake_fakes import RecordFake
from oracle import DATA, TIME_ZONE

from streams.core.kpi_table import KPIS, Terms
from streams.core.live import decode_trend
from streams.core.measure import NAMES
from streams.core.series import SEPARATOR
from streams.core.trend import Trend
from streams.sources.bank1999 import read_rows
from streams.sources.row import collect, time_of

ZONE = ZoneInfo(TIME_ZONE)
SETTINGS = {
    "STREAMS_INTAKE_CUTS": "queue",
    "STREAMS_INTAKE_PANE_SECONDS": "60",  # shorter ones change no figure of a day and cost time
    "STREAMS_DETECT_CUTS": "queue",
    "STREAMS_FORECAST_CUTS": "queue",
    "STREAMS_MERGE_TIME_ZONE": TIME_ZONE,
    "STREAMS_TOPICS_PARTITIONS": "2",  # a customer's contacts come from both
    "STREAMS_TOPICS_SHARDS": "1",
    "STREAMS_KPI_SEGMENT_CUSTOMERS": f"{{all = {CUSTOMERS}}}",
}
Place: TypeAlias = tuple[str, date, str]  # kind, local day of the start, queue
LONG_KEYS = [f"{SEPARATOR}{kind}{SEPARATOR}".encode() for kind in ("1d", "1w", "1mo")]
FEBRUARY = 2
TOGETHER = 10_000  # events between two drains: two days, as only final windows are wanted
# No surveys, scores, replies, bots, issues, nor whether a contact was resolved or what agents do between contacts.
NOT_IN_THE_FILE = {
    *("first_reply", "resolution_time", "containment", "csat", "csat_mean", "nps", "fcr_survey", "fcr_ticket", "sentiment"),
    *("sentiment_after", "sentiment_negative", "fcr_issue", "fcr_issue_provisional", "repeat_rate_issue", "occupancy"),
    *("occupancy_without_wrap", "agents_staffed"),
}
NOT_IN_A_DAY = {kpi.name for kpi in KPIS if kpi.shape in ("now", "reader")}  # of the moment; made by who reads several
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here: the bank's February calls")


def from_the_pipeline() -> dict[Place, Trend]:
    """The final days, weeks and months by queue, until the weeks of all first contacts are over."""
    with DATA.open(newline="") as file:
        events = collect(read_rows(file, DATA.name)).events
    flow = Flow(SETTINGS)
    windows: dict[Place, Trend] = {}
    for begin in range(0, len(events), TOGETHER):
        flow.feed([RecordFake(orjson.dumps(event)) for event in events[begin : begin + TOGETHER]])
        windows.update(_finals(flow))
    flow.feed([heartbeat(time_of(events[-1]) + 10 * DAY)])
    while some := list(_finals(flow)):  # merge closes what falls due in one drain after the other
        windows.update(some)
    return windows


def _finals(flow: Flow) -> Iterator[tuple[Place, Trend]]:
    """What the next drain says of whole days and more. Nothing that was sent is kept: it would be all minutes of the month."""
    flow.settle()
    for sent in flow.sent.pop(flow.topics.trends):
        if sent.value and any(kind in (sent.key or b"") for kind in LONG_KEYS):  # decoding the minutes would take seconds
            trend = decode_trend(sent.value)
            if trend.final:
                day = datetime.fromtimestamp(trend.window.start_ms / 1000, ZONE).date()
                yield (trend.window.kind, day, trend.series["queue"]), trend
    flow.sent.clear()


def by_window(days: dict[Key, Calls]) -> dict[Place, Calls]:
    """The recount of days, and of the weeks and the month that they make; March isn't over."""
    weeks: dict[Key, list[Calls]] = defaultdict(list)
    months: dict[Key, list[Calls]] = defaultdict(list)
    for (day, queue), calls in sorted(days.items()):
        weeks[day - timedelta(days=day.weekday()), queue].append(calls)
        months[day.replace(day=1), queue].append(calls)
    return {
        **{("1d", *key): calls for key, calls in days.items()},
        **{("1w", *key): together(of_week) for key, of_week in weeks.items()},
        **{("1mo", *key): together(of_month) for key, of_month in months.items() if key[0].month == FEBRUARY},
    }


def check(trend: Trend, expected: dict[str, Figure]) -> None:
    """Every KPI of the table, with its numerator and denominator as the measures of the record have them."""
    assert trend.kpis.keys() == expected.keys() | NOT_IN_THE_FILE
    for kpi in KPIS:
        if kpi.name not in NOT_IN_A_DAY:
            found, figure = trend.kpis[kpi.name], expected.get(kpi.name, Figure(None, 0, 0, 0))
            value = None if figure.value is None else pytest.approx(figure.value, rel=figure.error)
            limits = (None, None) if figure.limits is None else pytest.approx(figure.limits, abs=5.1e-7)  # six digits
            assert (kpi.name, found.value, found.n) == (kpi.name, value, figure.n)
            assert (kpi.name, (found.low, found.high)) == (kpi.name, limits)
            assert (kpi.name, _sum(trend, kpi.numerator)) == (kpi.name, figure.numerator or 0)
            assert (kpi.name, _sum(trend, kpi.denominator)) == (kpi.name, figure.denominator or 0)


def _sum(trend: Trend, terms: Terms) -> int:
    plus, minus = (sum(trend.measures.get(NAMES[code], 0) for code in codes) for codes in terms)
    return plus - minus


@pytest.mark.thorough
def test_every_kpi_by_day_week_month_and_queue_equals_what_the_file_alone_gives() -> None:
    expected, found = by_window(recount()), from_the_pipeline()
    assert expected.keys() == found.keys()
    for key, trend in found.items():
        check(trend, figures(expected[key]))


def test_the_recount_knows_each_kpi_of_the_table_or_why_not() -> None:
    known = figures(Calls()).keys()
    assert known | NOT_IN_THE_FILE | NOT_IN_A_DAY == {kpi.name for kpi in KPIS}
    assert not known & NOT_IN_THE_FILE
