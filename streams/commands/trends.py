"""`streams trends`: read the trends topic and print windows, as a table for people or as JSON lines for scripts.

The JSON leaves out what differs from run to run (revision, publication and read times, watermark), and is sorted, so that two
runs over the same input can be compared line by line.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, get_args
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from streams.commands import figures
from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.compare import Against, change, earlier_start, share, share_change
from streams.core.errors import StreamsError
from streams.core.kpi_table import KPIS, Kpi
from streams.core.live import record_series
from streams.core.series import TOTAL
from streams.core.small_cells import is_hidden, is_small, nothing, without_small
from streams.core.trend import CLOCK_KEY, LIVE, Trend, WindowKind, trend_place

if TYPE_CHECKING:
    from streams.settings import Settings

ALL = "all"
KINDS = get_args(WindowKind)
RUN_FIELDS = ("revision", "published_ms", "read_ms", "watermark_ms")
FIGURES = ("offered", "answered", "aband.", "SL %", "ASA", "longest", "AHT", "CSAT %")
FIGURE_KPIS = ("service_level", "asa", "longest_wait", "aht", "csat")


def trends(
    cut: Annotated[str, typer.Option(help="Which breakdown: total, queue, channel+queue …; 'all' for every one.")] = "total",
    window: Annotated[str, typer.Option(help=f"Which windows: {', '.join(KINDS)}; 'all' for every one.")] = "1d",
    final_only: Annotated[bool, typer.Option("--final-only", help="Leave out windows that may still change.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Rows of the table, the newest; 0 for all. JSON is never cut.")] = 50,
    against: Annotated[
        Against | None,
        typer.Option(help="Show the change of volume against the window before, or the same time of an earlier day."),
    ] = None,
    shares: Annotated[bool, typer.Option("--shares", help="Show which part of all contacts each series is.")] = False,
    kpis: Annotated[
        str, typer.Option(help="Other columns: KPIs by name, comma separated, each with its n. 'streams kpis' lists them.")
    ] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show windows of the trends topic: volume, waits, service level and the rest, by series."""
    settings = load(config)
    _check(settings, cut, window)
    chosen = _chosen(kpis)
    found = without_small(read_trends(settings, cut, window, final_only, against), settings.privacy.min_cell)
    if as_json:
        for trend in found:
            typer.echo(to_json(trend))
    elif found:
        show(found, limit, [*(["share"] if shares else []), *(["change"] if against else [])], chosen)
    else:
        typer.echo(f"no {window} windows of cut {cut} on topic '{settings.topics.trends}' yet; is a worker running?", err=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(trends)


def read_trends(settings: "Settings", cut: str, window: str, final_only: bool, against: Against | None = None) -> list[Trend]:
    """The latest record of each series and window on the topic, sorted by cut, series, start and kind; 'all' filters nothing.

    With what only a reader of several records can say of each: its share, and its change `against` an earlier one.
    """
    from streams.edge.reader import latest  # heavy

    decoder = msgspec.json.Decoder(Trend)
    records = [decoder.decode(value) for value in latest(settings, settings.topics.trends, asked(cut, window)).values()]
    return in_order(
        trend
        for trend in compared(records, against, settings.privacy.min_cell)
        if cut in (ALL, trend.cut) and (trend.final or not final_only)
    )


def asked(cut: str, window: str) -> Callable[[bytes], bool]:
    """Whether the key of a record is that of a window asked for, or of the total that its share is of.

    Of a month in minutes these are few, and the others would be decoded for nothing.
    """

    def is_asked(key: bytes) -> bool:
        if key == CLOCK_KEY:
            return False
        its_cut, kind = trend_place(key)
        return (cut == ALL or its_cut in (cut, TOTAL)) and window in (ALL, kind)

    return is_asked


def compared(records: list[Trend], against: Against | None, min_cell: int = 0) -> list[Trend]:
    """Records with their share of all contacts and, where it is asked for, the change of volume and share.

    min_cell: against fewer contacts of a group of people no change is told, or it would tell how many they were.
    """
    places = {(record_series(trend), trend.window.kind, trend.window.start_ms): trend for trend in records}
    found = []
    for trend in records:
        kind, start_ms, series = trend.window.kind, trend.window.start_ms, record_series(trend)
        total = places.get((TOTAL, kind, start_ms))
        kpis = {**trend.kpis, "share": share(trend, total)}
        if against is not None:
            then_ms = start_ms if kind in LIVE else earlier_start(trend.window, against)
            then, total_then = (None if kind in LIVE else places.get((one, kind, then_ms)) for one in (series, TOTAL))
            kpis["change"] = change(trend, then)
            kpis["share_change"] = share_change(trend, total, then, total_then)
            if then is not None and is_small(then, min_cell):
                kpis["change"] = kpis["share_change"] = nothing(min_cell)
        found.append(msgspec.structs.replace(trend, kpis=kpis))
    return found


def in_order(found: Iterable[Trend]) -> list[Trend]:
    """Sorted by cut, series, start and kind."""
    return sorted(found, key=lambda trend: (trend.cut, tuple(trend.series.values()), trend.window.start_ms, trend.window.kind))


def to_json(trend: Trend) -> str:
    """One line of JSON without what differs from run to run, keys sorted."""
    fields = msgspec.to_builtins(trend)
    for name in RUN_FIELDS:
        del fields[name]
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()


def _check(settings: "Settings", cut: str, window: str) -> None:
    if cut not in (*settings.intake.cuts, ALL):
        raise StreamsError(
            f"unknown cut '{cut}'. Counted are {', '.join(settings.intake.cuts)} ([intake] cuts); 'all' takes all."
        )
    if window not in (*KINDS, ALL):
        raise StreamsError(f"unknown window '{window}'. Known are {', '.join(KINDS)}; 'all' takes all.")


def _chosen(names: str) -> tuple[Kpi, ...]:
    known = {kpi.name: kpi for kpi in KPIS}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise StreamsError(f"unknown KPI '{unknown[0]}'. Known are {', '.join(known)}.")
    return tuple(known[name] for name in wanted)


def show(found: list[Trend], limit: int, compared_by: list[str], chosen: tuple[Kpi, ...]) -> None:
    """A table with the newest windows last; provisional values are marked, because they must not be compared with final ones."""
    newest = sorted(found, key=lambda trend: trend.window.start_ms)[-limit:]
    kinds = {trend.window.kind for trend in newest}
    title = f"windows {', '.join(sorted(kinds))}; times in {found[0].window.time_zone}"
    names = (Column(name, no_wrap=True) for name in ("from", "series"))
    heads = (*([kpi.name for kpi in chosen] or FIGURES), *(f"{name} %" for name in compared_by))
    columns = (Column(name, justify="right", no_wrap=True) for name in heads)
    table = Table(*names, *columns, title=title, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for trend in newest:
        cells = [figures.kpi(trend.kpis.get(kpi.name), kpi.unit) for kpi in chosen] or _figures(trend)
        table.add_row(*_place(trend, len(kinds) > 1), *cells, *(_percent(trend, name) for name in compared_by))
    console = Console(markup=False)
    console.print(table)
    if not all(trend.final for trend in newest):
        console.print("… so far: not to be compared with final windows", highlight=False)
    shown = [kpi.name for kpi in chosen] or FIGURE_KPIS
    if any(figures.mark(trend.kpis.get(name)) for trend in newest for name in shown):
        console.print("✕ off target, ! to be watched: [bands] of the settings", highlight=False)
    if len(newest) < len(found):
        console.print(f"the newest {len(newest)} of {len(found):,} windows; --limit 0 shows all", highlight=False)


def _place(trend: Trend, with_kind: bool) -> list[str]:
    window = trend.window
    start = figures.moment(window.start_ms, ZoneInfo(window.time_zone))
    mark = (f" {window.kind}" if with_kind else "") + ("" if trend.final else " …")
    return [start + mark, figures.series_name(trend.series)]


def _figures(trend: Trend) -> list[str]:
    kpis, measures, untold = trend.kpis, trend.measures, is_hidden(trend)
    return [
        *(figures.NOTHING if untold else figures.count(measures.get(name, 0)) for name in ("offered", "answered", "abandoned")),
        _percent(trend, FIGURE_KPIS[0]),
        *(figures.mark(kpis.get(name)) + figures.seconds(kpis.get(name)) for name in FIGURE_KPIS[1:4]),
        _percent(trend, FIGURE_KPIS[4]),
    ]


def _percent(trend: Trend, name: str) -> str:
    value = trend.kpis.get(name)
    return figures.mark(value) + figures.percent(value).removesuffix(" %")
