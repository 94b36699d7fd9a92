"""How good detection of volumes is once there is a profile: `make bench-detect-simulation`, some minutes, needs no server.

Negative binomial contacts (variance μ + 0.02 μ²) with a daily profile, weekends at half, days that differ by 5 %; four weeks are
learned as slots of a quarter of an hour, then whole days run minute by minute through Detect as the worker has it. The surprise:
series are independent and without a total, so that each counts as a trial of its own; nothing speaks for anything else.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import cos, pi, sqrt
from pathlib import Path
from time import process_time
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import typer
from detect_rules import DETECT
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams.core.alert import Alert
from streams.core.budget import VOLUME_SHARE
from streams.core.detect import Detect
from streams.core.forecasting import Forecasting
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED

HERE = Path(__file__).parent
MINUTE_MS, SLOT, DAY = 60_000, 15, 1440
MONDAY_MS = 1_699_833_600_000  # 13 November 2023, UTC
RATES = (0.3, 3.0, 30.0)
FACTORS = (1.5, 2.0, 4.0, 0.5, 0.2, 0.0)
LEARNED_DAYS, WEEK = 28, (1.0, 1.1, 1.0, 1.0, 1.0, 0.6, 0.5)
DISPERSION, DAY_SPREAD = 0.02, 0.05
INCIDENT_HOUR, INCIDENT_MINUTES = 11, 120
TOGETHER = 60  # minutes between two drains: each hands over forecasts, which nobody reads here
COLORS = ("#9ecae1", "#4292c6", "#08519c")
FloatArray = npt.NDArray[np.float64]


def smooth(x: float) -> float:
    """From 0 to 1 between 0 and 1."""
    return (1 - cos(pi * min(1.0, max(0.0, x)))) / 2


def course(minute: int) -> float:
    """Share of the busiest minute: opens at 8 within 90 minutes, a dent at lunch, falls from 17 to 20."""
    up, down = smooth((minute - 480) / 90), smooth((minute - 1020) / 180)
    return (0.05 + 0.95 * up * (1 - down)) * (1 - 0.15 * smooth(1 - abs(minute - 780) / 60))


COURSE = np.array([course(minute) for minute in range(DAY)])


class World:
    """Independent series with so many contacts in their busiest minute each."""

    def __init__(self, rates: FloatArray, seed: int) -> None:
        self.rates, self.random = rates, np.random.default_rng(seed)
        self.names = [f"queue\x1f{number}" for number in range(len(rates))]
        self.days: dict[int, FloatArray] = {}

    def day(self, number: int) -> FloatArray:
        """How much of the usual each series has on a day."""
        if number not in self.days:
            self.days[number] = WEEK[number % 7] * np.exp(self.random.normal(0, DAY_SPREAD, len(self.rates)))
        return self.days[number]

    def count(self, mean: FloatArray, minutes: int = 1) -> dict[str, int]:
        """Contacts of so many minutes with this mean in all."""
        size = minutes / DISPERSION
        found = self.random.poisson(mean * self.random.gamma(size, 1 / size, len(mean)))
        return {self.names[k]: int(found[k]) for k in np.nonzero(found)[0]}

    def learn(self, store: dict[bytes, bytes]) -> None:
        """Four weeks as the forecaster takes them."""
        forecasting = Forecasting(store, RULES.forecast)
        for number in range(LEARNED_DAYS):
            level = self.day(number)
            for minute in range(0, DAY, SLOT):
                counts = self.count(self.rates * level * COURSE[minute : minute + SLOT].sum(), SLOT)
                forecasting.take(MONDAY_MS + (number * DAY + minute) * MINUTE_MS, counts)
        forecasting.drain(0)

    def minutes(self, first: int, factor: float = 1.0, begin: int = 0) -> Iterator[MinuteFrame]:
        """Frames from a minute on; from `begin` on with an incident."""
        for minute in range(first, 1_000_000):
            mean = self.rates * self.day(minute // DAY) * COURSE[minute % DAY] * (factor if minute >= begin else 1.0)
            start_ms = MONDAY_MS + minute * MINUTE_MS
            rows = [MinuteRow(name, start_ms, {OFFERED: count}) for name, count in self.count(mean).items()]
            yield MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)


RULES = replace(DETECT, cuts=("queue",), forecast=replace(FORECAST, cuts=("queue",), series_max=100_000))


def fired(detect: Detect, frames: Iterable[MinuteFrame]) -> list[Alert]:
    """The first firing record of each alert."""
    found: dict[str, Alert] = {}
    rest = iter(frames)
    while some := list(islice(rest, TOGETHER)):
        detect.apply(some)
        for alert in detect.drain(0).alerts:
            if alert.state == "firing":
                found.setdefault(alert.alert_id, alert)
    return list(found.values())


def after(alert: Alert, minute: int) -> float:
    """Minutes from the beginning of a minute until the alert was there."""
    return (alert.detected_ms - MONDAY_MS) / MINUTE_MS - minute


class Found(NamedTuple):
    """Of one rate: false alarms of each calm day, and for each factor the share found and the median delay in minutes."""

    rate: float
    series: int
    false: list[int]
    incidents: list[tuple[float, float]]


def simulate(rates: FloatArray, budget: float, days: int, seed: int) -> list[Found]:
    """False alarms on calm days, then each incident on the day after, from the same state."""
    world, store = World(rates, seed), dict[bytes, bytes]()
    rules = replace(RULES, false_alarms_per_day=budget / VOLUME_SHARE)  # `budget` is for volumes, there is nothing else
    world.learn(store)
    first, end = LEARNED_DAYS * DAY, (LEARNED_DAYS + days) * DAY + INCIDENT_HOUR * 60
    place = np.array([RATES.index(rate) for rate in rates])
    false = np.zeros((len(RATES), days + 1), dtype=int)
    for alarm in fired(Detect(store, rules), islice(world.minutes(first), end - first)):
        false[place[int(alarm.series["queue"])], int(after(alarm, first) // DAY)] += 1
    incidents: list[list[tuple[float, float]]] = [[] for _ in RATES]
    for factor in FACTORS:
        delays: dict[int, float] = {}
        for alert in fired(Detect(dict(store), rules), islice(world.minutes(end, factor, end), INCIDENT_MINUTES)):
            if (alert.kind == "spike") == (factor > 1) and after(alert, end) > 0:
                delays.setdefault(int(alert.series["queue"]), after(alert, end))
        for number, some in enumerate(incidents):
            those = [delay for column, delay in delays.items() if place[column] == number]
            some.append((len(those) / int(np.sum(place == number)), float(np.median(those or [np.nan]))))
    return [
        Found(rate, int(np.sum(place == number)), [int(n) for n in false[number, :days]], incidents[number])
        for number, rate in enumerate(RATES)
    ]


def speed(series: int, minutes: int) -> float:
    """Processor seconds of a minute of so many series, state saved included, without profiles."""
    rules = replace(RULES, forecast=replace(FORECAST, cuts=()), warm_up_minutes=2)
    world, detect = World(np.full(series, 3.0), 1), Detect({}, rules)
    frames = list(islice(world.minutes(660), minutes + 3))
    fired(detect, frames[:3])
    began = process_time()
    for frame in frames[3:]:
        fired(detect, [frame])
    return (process_time() - began) / minutes


def show(title: str, found: list[Found], days: int, budget: float) -> None:
    """A table, as README.md has it."""
    factors = (f"×{factor:g}" if factor else "outage" for factor in FACTORS)
    typer.echo(f"\n| {title} | false alarms in {days} days (allowed) | {' | '.join(factors)} |")
    typer.echo("|---" * (2 + len(FACTORS)) + "|")
    series = sum(one.series for one in found)
    for one in found:
        cells = (f"{share:.0%} {delay:.0f} min" if share else "0 %" for share, delay in one.incidents)
        allowed = budget * days * one.series / series
        typer.echo(f"| {one.rate:g} a minute, {one.series} series | {sum(one.false)} ({allowed:.1f}) | {' | '.join(cells)} |")
    alarms, allowed = sum(sum(one.false) for one in found), budget * days
    typer.echo(f"\n{alarms} false alarms, ±{sqrt(max(alarms, 1)):.0f} by chance, {alarms / allowed:.2f} of the budget")


def picture(found: dict[str, list[Found]], days: int, path: Path) -> None:
    """Share found by factor and false alarms by day, a column for each budget: a PNG by Debian's Chromium."""
    from chromium import launched
    from plotly.graph_objects import Bar
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, cols=len(found), subplot_titles=list(found), row_heights=[0.65, 0.35], vertical_spacing=0.12)
    for column, ones in enumerate(found.values(), 1):
        for one, color in zip(ones, COLORS, strict=True):
            delays = ["" if not share else f"{delay:.0f} min" for share, delay in one.incidents]
            names = [f"×{factor:g}" if factor else "outage" for factor in FACTORS]
            shares = Bar(x=names, y=[100 * share for share, _ in one.incidents], text=delays)
            alarms = Bar(x=[f"day {day}" for day in range(1, days + 1)], y=one.false, showlegend=False)
            shares.update(name=f"{one.rate:g} a minute", marker_color=color, showlegend=column == 1, offsetgroup=f"{one.rate:g}")
            figure.add_trace(shares, row=1, col=column)
            figure.add_trace(alarms.update(marker_color=color, offsetgroup=f"{one.rate:g}"), row=2, col=column)
    figure.update_yaxes(title_text="% found in two hours", row=1, col=1)
    figure.update_yaxes(title_text="false alarms", row=2, col=1)
    figure.update_layout(template="plotly_white", barmode="group", margin={"l": 60, "r": 20, "t": 40, "b": 40})
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 560})
        page.set_content(figure.to_html(include_plotlyjs=True))
        page.wait_for_selector(".main-svg")
        page.screenshot(path=path)


def main(
    days: Annotated[int, typer.Option(help="Calm days that are watched.")] = 7,
    few: Annotated[int, typer.Option(help="Series of which each may alarm falsely once a week.")] = 300,
    fleet: Annotated[int, typer.Option(help="Series that may alarm falsely once a day, all together.")] = 1000,
    path: Annotated[Path, typer.Option(help="Where the picture goes.")] = HERE / "pictures" / "detect.png",
) -> None:
    """Measure, print and draw."""
    found: dict[str, list[Found]] = {}
    for title, series, budget in (
        ("one false alarm per series and week", few, few / 7),
        (f"one false alarm a day for {fleet:,} series", fleet, 1.0),
    ):
        found[title] = simulate(np.resize(RATES, series), budget, days, series)
        show(title, found[title], days, budget)
    typer.echo(f"\n100,000 series: {speed(100_000, 5):.1f} s of processor time a minute")
    picture(found, days, path)


if __name__ == "__main__":
    typer.run(main)
