"""`streams alerts`: read the alerts topic and print incidents, once or as they change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import orjson
import typer
from rich.console import Console

from streams.commands import figures
from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.alert import Alert

if TYPE_CHECKING:
    from streams.settings import Settings

# Colour is never the only signal: the state is written out beside it.
STYLES = {"pending": "yellow", "firing": "bold red", "resolved": "green", "expired": "dim"}


def alerts(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with every change until Ctrl-C.")] = False,
    as_json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is pending, and what faded without firing.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Only what is over: how long it lasted, how large, who saw it.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Show alerts: what, where, since when, how far from expected, and what to do."""
    settings = load(config)
    zone = ZoneInfo(settings.merge.time_zone)
    console = Console(soft_wrap=True)
    found = 0
    read = _changes(settings) if follow else read_alerts(settings)
    for alert in (alert for alert in read if everything or alert.has_fired):
        if history and alert.resolved_ms is None:
            continue
        found += 1
        if as_json:
            typer.echo(to_json(alert))
        else:
            console.print(
                past(alert, zone) if history else line(alert, zone), style=STYLES[alert.state], markup=False, highlight=False
            )
    if not found:
        typer.echo("no alerts", err=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(alerts)


def read_alerts(settings: "Settings") -> list[Alert]:
    """The latest version of every alert on the topic, oldest onset first."""
    from streams.edge.reader import latest  # heavy

    decoder = msgspec.json.Decoder(Alert)
    found = [decoder.decode(value) for value in latest(settings, settings.topics.alerts).values()]
    return sorted(found, key=lambda alert: (alert.onset_ms, alert.alert_id))


def to_json(alert: Alert) -> str:
    """One line of JSON, keys sorted."""
    return orjson.dumps(msgspec.to_builtins(alert), option=orjson.OPT_SORT_KEYS).decode()


def line(alert: Alert, zone: ZoneInfo) -> str:
    """'firing   spike   billing since 2024-03-01 09:12: 84 contacts, expected 31.0 (2.7 times), warning. Add …'."""
    if alert.kind == "threshold":  # its advice has all the figures
        since = figures.moment(alert.onset_ms, zone)
        what = f"{alert.state:<9}threshold {alert.rule} since {since}, {alert.severity}. {alert.recommendation}"
        return f"{what}{seen(alert)}{held_back(alert, zone)}"
    if alert.kind == "shortage":  # so has its
        where, since = figures.series_name(alert.series), figures.moment(alert.onset_ms, zone)
        what = f"{alert.state:<9}shortage {where} foreseen since {since}, {alert.severity}. {alert.recommendation}"
        return f"{what}{seen(alert)}{held_back(alert, zone)}"
    if alert.usual is not None:  # so has that of a mean, and of a mix
        what = f"{alert.state:<9}{alert.kind:<8}{figures.series_name(alert.series)} since {figures.moment(alert.onset_ms, zone)}"
        return f"{what}, {alert.severity}. {alert.recommendation}{seen(alert)}{held_back(alert, zone)}"
    ratio = "" if alert.ratio is None else f" ({alert.ratio:.1f} times)"
    return (
        f"{alert.state:<9}{alert.kind:<8}{figures.series_name(alert.series)} since {figures.moment(alert.onset_ms, zone)}: "
        f"{figures.count(alert.observed)} contacts, expected {figures.count(alert.expected)}{ratio}, {alert.severity}. "
        f"{alert.recommendation}{parts(alert)}{seen(alert)}{held_back(alert, zone)}"
    )


def past(alert: Alert, zone: ZoneInfo) -> str:
    """'2024-03-01 09:12  38 min  resolved spike   billing: +53 contacts, warning. Acknowledged by anna: on it.'."""
    minutes = ((alert.resolved_ms or alert.updated_ms) - alert.onset_ms) // 60_000
    size = f"{alert.excess:+,.0f} contacts"
    if alert.kind == "threshold":
        size = f"{alert.metric} {alert.value}, limit {alert.limit}"
    if alert.kind == "shortage":
        size = f"{alert.excess:.0f} contacts beyond capacity foreseen"
    elif alert.usual is not None:
        size = f"{alert.metric} {alert.value}, usually {alert.usual}"
    what = f"{alert.state:<9}{alert.kind:<10}{figures.series_name(alert.series)}"
    why = f"{seen(alert)}{held_back(alert, zone)}"
    return f"{figures.moment(alert.onset_ms, zone)}  {minutes:>4} min  {what}: {size}, {alert.severity}.{why}"


def seen(alert: Alert) -> str:
    """' Acknowledged by anna: on it.', nothing where nobody has."""
    if alert.acknowledged is None:
        return ""
    comment = f": {alert.acknowledged.comment}" if alert.acknowledged.comment else ""
    return f" Acknowledged by {alert.acknowledged.by}{comment}."


def held_back(alert: Alert, zone: ZoneInfo) -> str:
    """' Held back by maintenance backup until 2024-03-03 04:00.', nothing where it isn't, nor was when it ended."""
    held = alert.held_back
    return "" if held is None else f" Held back by {held.why} until {figures.moment(held.until_ms, zone)}."


def parts(alert: Alert) -> str:
    """' Parts: refund · north 92 % (usually 4 %), …', nothing where none is known."""
    told = [
        f"{figures.series_name(part.series)} {100 * part.share:.0f} % (usually {100 * part.usual_share:.0f} %)"
        for part in alert.contribution
    ]
    return f" Parts: {', '.join(told)}." if told else ""


def _changes(settings: "Settings") -> Iterator[Alert]:
    """Every record of the topic, from its start on, for ever."""
    from streams.edge.reader import follow  # heavy

    decoder = msgspec.json.Decoder(Alert)
    for message in follow(settings, settings.topics.alerts):
        value = None if message is None else message.value()
        if value is not None:
            yield decoder.decode(value)
