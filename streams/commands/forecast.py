"""`streams forecast`: what is to come, from the forecasts topic, or from a file of counts without any broker."""

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from streams import rules
from streams.commands import figures
from streams.commands.counts_file import read_counts
from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.errors import StreamsError
from streams.core.forecast_paths import chance_above
from streams.core.forecast_record import ForecastDay
from streams.core.forecasting import Forecasting
from streams.core.series import cut_dimensions, series_of
from streams.core.staffing import SlotStaff, plan

if TYPE_CHECKING:
    from streams.settings import Settings

MINUTE_MS = 60_000
_UNITS = {"m": 1, "h": 60, "d": 24 * 60}
_HORIZON = re.compile(r"([1-9]\d*)([mhd])")


def forecast(
    series: Annotated[str, typer.Option(help="Which: total, queue/billing, channel/voice …")] = "total",
    horizon: Annotated[str, typer.Option(help="How far: 15m, 3h, 1d, 7d …")] = "1d",
    file: Annotated[Path | None, typer.Option(help="Learn from a CSV of counts instead: time, count[, count …].")] = None,
    capacity: Annotated[float | None, typer.Option(min=0, help="Contacts a slot can take: how likely is the peak above?")] = None,
    aht: Annotated[float | None, typer.Option(min=0.001, help="Handle time in seconds: adds the agents needed.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the contacts that are expected, slot by slot, with 80 and 95 % bands; totals and peaks by day."""
    settings = load(config)
    minutes = parse_horizon(horizon)
    wanted = parse_series(series)
    found = _from_file(settings, file) if file is not None else _from_topic(settings)
    days = sorted((one for name, one in found if name == wanted), key=lambda one: one.day)
    if not days:
        raise StreamsError(f"no forecast of {series}: it takes a whole day of contacts first")
    origin_ms = max(one.origin_ms for one in days)
    days = [one for one in days if one.starts_ms[-1] >= origin_ms and one.starts_ms[0] < origin_ms + minutes * MINUTE_MS]
    if as_json:
        for one in days:
            typer.echo(orjson.dumps(msgspec.to_builtins(one), option=orjson.OPT_SORT_KEYS).decode())
        return
    plans = [plan(one, aht, rules.staffing_rules(settings)).slots if aht else None for one in days]
    show(days, plans, origin_ms + minutes * MINUTE_MS)
    for one in days:
        Console(highlight=False, soft_wrap=True).print(day_line(one, capacity))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(forecast)


def parse_horizon(text: str) -> int:
    """'3h' → 180 minutes."""
    found = _HORIZON.fullmatch(text)
    if found is None:
        raise StreamsError(f"--horizon is '{text}', expected a number with m, h or d: 15m, 3h, 7d")
    return int(found[1]) * _UNITS[found[2]]


def parse_series(text: str) -> str:
    """'queue/billing' → the series string."""
    cut, *values = text.split("/")
    if len(values) != len(cut_dimensions(cut)):
        raise StreamsError(f"--series is '{text}', expected total, queue/<queue>, channel/<channel> …")
    return series_of(cut, *values)


def day_line(one: ForecastDay, capacity: float | None) -> str:
    """'Friday 2003-10-24: 27,344 to come (80 %: 26,700 to 28,010), peak at 09:45 of 265 (80 %: 250 to 283)'."""
    outcome, zone = one.outcome, ZoneInfo(one.time_zone)
    quantiles = outcome.peak_quantiles
    peak = figures.moment(one.starts_ms[outcome.peak_slot], zone)[-5:]
    line = (
        f"{date.fromisoformat(one.day):%A} {one.day}: {one.total:,.0f} to come "
        f"(80 %: {outcome.total_low_80:,.0f} to {outcome.total_high_80:,.0f}), most likely busiest at {peak}, "
        f"peak {quantiles[len(quantiles) // 2]:,.0f} (80 %: {quantiles[1]:,.0f} to {quantiles[-2]:,.0f})"
    )
    if capacity is None:
        return line
    return f"{line}, above {capacity:g} with {chance_above(quantiles, capacity):.0%}"


def _from_topic(settings: "Settings") -> list[tuple[str, ForecastDay]]:
    from streams.core.live import decode_forecast, record_series
    from streams.edge.reader import latest  # heavy

    records = [decode_forecast(value) for value in latest(settings, settings.topics.forecasts).values()]
    return [(record_series(record), record) for record in records]


def _from_file(settings: "Settings", path: Path) -> list[tuple[str, ForecastDay]]:
    """Learn the whole file, and say what comes after it."""
    counts = read_counts(path, ZoneInfo(settings.merge.time_zone))
    cuts = ("total", "queue")
    learning = Forecasting(
        {}, msgspec.structs.replace(rules.forecast_rules(settings), cuts=cuts, slot_minutes=counts.slot_minutes)
    )
    for start_ms, contacts in counts.rows:
        learning.take(start_ms, contacts)
    learning.take(counts.rows[-1][0] + counts.slot_minutes * MINUTE_MS, {})  # closes the last slot
    return learning.everything(counts.rows[-1][0] + counts.slot_minutes * MINUTE_MS)


def show(days: list[ForecastDay], plans: list[list[SlotStaff] | None], end_ms: int) -> None:
    names = ("expected", "80 %", "95 %", *(("agents", "people", "busy day") if plans[0] else ()))
    title = f"{figures.series_name(days[0].series)}, {days[0].slot_minutes} minutes each; times in {days[0].time_zone}"
    columns = (Column(name, justify="right", no_wrap=True) for name in names)
    table = Table(Column("from", no_wrap=True), *columns, title=title, box=None, pad_edge=False)
    for one, slots in zip(days, plans, strict=True):
        for place, start_ms in enumerate(one.starts_ms):
            if start_ms >= end_ms:
                break
            if one.high_95[place] == 0:  # closed
                continue
            staff = slots[place] if slots else None
            table.add_row(*_row(one, place), *((str(staff.agents), str(staff.people), str(staff.people_high)) if staff else ()))
    Console(markup=False).print(table)


def _row(one: ForecastDay, place: int) -> list[str]:
    return [
        figures.moment(one.starts_ms[place], ZoneInfo(one.time_zone)),
        figures.count(one.mean[place]),
        f"{one.low_80[place]:.0f} to {one.high_80[place]:.0f}",
        f"{one.low_95[place]:.0f} to {one.high_95[place]:.0f}",
    ]
