"""`streams ack`: acknowledge an alert that fires, so that nobody else is called for it."""

import getpass
import re
from typing import Annotated

import msgspec
import typer

from streams.commands.alerts import read_alerts
from streams.commands.options import ConfigOption, load
from streams.core.acknowledgement import Notice, Order, acknowledged
from streams.core.alert import Alert
from streams.core.errors import StreamsError

_UNITS_MINUTES = {"m": 1, "h": 60, "d": 1440}
_SPAN = re.compile(r"([1-9]\d*)([mhd])")


def ack(
    alert_id: Annotated[str, typer.Argument(help="As `streams alerts --json` and the board show it; its beginning is enough.")],
    by: Annotated[str, typer.Option(help="Who takes care of it; your login name if you don't say.")] = "",
    comment: Annotated[str, typer.Option(help="What others should know.")] = "",
    lasting: Annotated[str, typer.Option("--for", help="How long it holds: 30m, 2h, 1d; else until the end.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take an acknowledgement back.")] = False,
    config: ConfigOption = None,
) -> None:
    """Acknowledge an alert: Alertmanager is silent about it until it ends, grows worse, or the time is up."""
    from streams.edge.clock import now_ms
    from streams.edge.ordering import send_order  # heavy

    settings = load(config)
    notice = notice_of(by or getpass.getuser(), comment, span(lasting))
    alert = chosen(read_alerts(settings), alert_id)
    seen = None if undo else acknowledged(notice, now_ms())
    send_order(settings, Order(alert_id=alert.alert_id, acknowledgement=seen))
    what = "no longer acknowledged" if seen is None else f"acknowledged by {seen.by}"
    typer.echo(f"alert {alert.alert_id} is {what} as soon as a worker reads this; `streams alerts` shows it.")


def notice_of(by: str, comment: str, for_minutes: int | None) -> Notice:
    """What the options say; StreamsError where they say too much."""
    try:
        return msgspec.convert({"by": by, "comment": comment, "for_minutes": for_minutes}, Notice)
    except msgspec.ValidationError as error:
        said = str(error).replace("`$.", "`--").replace("`--for_minutes", "`--for")
        raise StreamsError(f"the acknowledgement can't be sent: {said}") from error


def chosen(alerts: list[Alert], alert_id: str) -> Alert:
    """The one firing alert whose id begins so; StreamsError where there is none, or more than one."""
    found = [alert for alert in alerts if alert.alert_id.startswith(alert_id)]
    firing = [alert for alert in found if alert.state == "firing"]
    if len(firing) == 1:
        return firing[0]
    if firing:
        raise StreamsError(f"alert {alert_id}: {len(firing)} alerts that fire begin so: give more of the id")
    if found:
        raise StreamsError(f"alert {alert_id} is {found[0].state}: only an alert that fires can be acknowledged")
    raise StreamsError(f"alert {alert_id}: there is none; `streams alerts --json` shows the ids")


def span(text: str) -> int | None:
    """Minutes: '2h' → 120; '' → None; StreamsError for anything else."""
    if not text:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise StreamsError(f"--for {text}: expected a number of minutes, hours or days like 30m, 2h or 1d")
    return int(found[1]) * _UNITS_MINUTES[found[2]]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(ack)
