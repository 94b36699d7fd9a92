"""`streams replay`: send a file of contacts as events, at any speed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from streams.commands.feeds import feed_of
from streams.commands.options import ConfigOption, load
from streams.commands.resending import resend_rejected
from streams.commands.sending import send, shift_to_now_ms
from streams.core.errors import StreamsError
from streams.sources.formats import FORMATS
from streams.sources.heartbeat import closing_heartbeat, shifted, with_heartbeats
from streams.sources.names import named
from streams.sources.row import Feed, time_of

if TYPE_CHECKING:
    from streams.edge.replay import Sent


def replay(
    file: Annotated[Path | None, typer.Argument(help="The file to send.")] = None,
    file_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "events",
    mapping: Annotated[Path | None, typer.Option(help="TOML file that says what the columns of csv or jsonl mean.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="1 is real time, 60 a minute a second, 0 as fast as possible.")] = 0,
    shift_to_now: Annotated[bool, typer.Option("--shift-to-now", help="Move the events in time so that they end now.")] = False,
    close: Annotated[bool, typer.Option("--close/--no-close", help="End with a heartbeat that makes every window final.")] = True,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="No FILE: send in again what intake refused, after a fix; each record once.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Send FILE to the topic of interactions. Rows that can't be read are counted and left out."""
    from streams.edge.clock import now_ms
    from streams.edge.replay import at_speed  # heavy

    settings = load(config)
    if rejected:
        alone = file is None and mapping is None and file_format == "events" and not speed and not shift_to_now and close
        resend_rejected(settings, alone=alone)
        return
    if file is None:
        raise StreamsError("nothing to send: give a FILE, or --rejected for what intake refused.")
    feed = feed_of(file, file_format, mapping)
    if not feed.events:
        raise StreamsError(f"{file}: no events in {feed.rows} rows. {_first_rejection(feed)}".rstrip())
    events = named(feed.events, settings.names)
    if shift_to_now:
        events = list(shifted(events, shift_to_now_ms(time_of(events[0]), time_of(events[-1]), speed, now_ms())))
    closing = closing_heartbeat(events[-1]) if close else None
    if closing is not None and time_of(closing) > now_ms():
        closing = None  # intake would refuse it: no event may be ahead of the clock
    paced = with_heartbeats(events, fill=speed > 0)
    sent = send(settings, paced, at_speed(speed), len(events), f"replay {file.name}", closing)
    _report(feed, sent, closing is not None, settings.topics.interactions)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(replay)


def _report(feed: Feed, sent: "Sent", closed: bool, topic: str) -> None:
    console = Console(soft_wrap=True)
    console.print(
        f"{sent.events:,} events of {feed.rows:,} rows to '{topic}' in {sent.seconds:.1f} s, {sent.heartbeats:,} heartbeats; "
        + ("every window becomes final" if closed else "the last windows stay provisional"),
        highlight=False,
    )
    if feed.rules:
        table = Table("rule", "rows", title="rules applied to dirty rows")
        for rule, rows in sorted(feed.rules.items()):
            table.add_row(rule, f"{rows:,}")
        console.print(table)
    for reason, rows in sorted(feed.rejected.items()):
        console.print(f"rejected: {rows:,} rows, {reason}", style="yellow", highlight=False)
    if feed.rejected:
        console.print(_first_rejection(feed), style="yellow", markup=False, highlight=False)


def _first_rejection(feed: Feed) -> str:
    return f"The first rejected: {feed.first_rejection}" if feed.first_rejection else ""
