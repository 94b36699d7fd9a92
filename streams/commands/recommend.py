"""`streams recommend`: what to do now about queues that will be short of agents, from the topics, without Redis."""

from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from streams import rules
from streams.commands import figures
from streams.commands.options import ConfigOption, load
from streams.core.recommend import CUTS, Advice, Picture, recommend
from streams.core.series import SEPARATOR
from streams.core.trend import CLOCK_KEY

if TYPE_CHECKING:
    from streams.settings import Settings


def recommend_command(
    as_json: Annotated[bool, typer.Option("--json", help="All of it as one JSON object, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say what to do: agents to move or to call in, call-backs, announcements; ranked by the contacts at risk that they take."""
    settings = load(config)
    advice = recommend(read_picture(settings), rules.recommend_rules(settings))
    if as_json:
        typer.echo(orjson.dumps(msgspec.to_builtins(advice), option=orjson.OPT_SORT_KEYS).decode())
    else:
        show(advice)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("recommend")(recommend_command)


def read_picture(settings: "Settings") -> Picture:
    """The latest records of the topics, as far as recommendations need them; of the pulses that of one shard."""
    from streams.core.live import decode_alert, decode_clock, decode_forecast, decode_trend
    from streams.edge.reader import latest  # heavy

    records = latest(settings, settings.topics.trends)
    trends = [decode_trend(value) for key, value in records.items() if key.decode().split(SEPARATOR)[0] in CUTS]
    return Picture(
        clocks=[decode_clock(records[CLOCK_KEY])] if CLOCK_KEY in records else [],
        trends=sorted(trends, key=lambda trend: trend.window.start_ms),  # of weeks and months the newest wins
        forecasts=[decode_forecast(value) for value in latest(settings, settings.topics.forecasts).values()],
        alerts=[decode_alert(value) for value in latest(settings, settings.topics.alerts).values()],
    )


def show(advice: Advice) -> None:
    """Each recommendation with its reasons, the queues looked at, and what isn't known."""
    zone, console = ZoneInfo(advice.time_zone), Console(highlight=False, markup=False)
    if advice.at_ms is not None and advice.until_ms is not None:
        span = f"{figures.moment(advice.at_ms, zone)} to {figures.moment(advice.until_ms, zone)[-5:]}"
        columns = ("at work", "needed", "contacts at risk")
        table = Table(
            Column("queue"), *(Column(name, justify="right") for name in columns), box=None, pad_edge=False,
            title=f"{span}, times in {advice.time_zone}",
        )  # fmt: skip
        for queue in advice.queues:
            table.add_row(queue.queue, f"{queue.at_work:.1f}", f"{queue.needed:.1f}", figures.count(queue.contacts_at_risk))
        if advice.queues:
            console.print(table)
    for number, one in enumerate(advice.recommendations, 1):
        sure = "" if one.confidence is None else f"; short with {100 * one.confidence:.0f} %"
        saved = f"{figures.count(one.contacts_saved)} of {figures.count(one.contacts_at_risk)} contacts at risk{sure}"
        console.print(f"\n{number}. {one.what} {saved}", style="bold")
        console.print(f"   Why: {one.why}")
        console.print(f"   Computed as {one.computed}.")
    if not advice.recommendations:
        console.print("\nNothing to do: no queue that is known is going to be short.")
    for what in advice.missing:
        console.print(f"Not known: {what}")
