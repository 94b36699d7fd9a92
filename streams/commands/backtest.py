"""`streams backtest`: what the alerts and forecasts of a centre would have been, from a file of its contacts, without any broker.

The surprise: incidents are put into whole contacts, so what finds them is everything from intake to detect, as live.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console

from streams import rules
from streams.commands.backtest_results import Results, Round, Run, horizons_of, run_of
from streams.commands.backtest_tables import show
from streams.commands.feeds import feed_of
from streams.commands.options import ConfigOption, load
from streams.core import history
from streams.core.alert import Alert
from streams.core.errors import StreamsError
from streams.core.forecast import horizons
from streams.core.forecast_score import DayScore
from streams.core.frame import MinuteFrame
from streams.sources.formats import FORMATS
from streams.sources.heartbeat import closing_heartbeat
from streams.sources.injected import Injected, contacts_of, inject, plan
from streams.sources.names import named
from streams.sources.row import CanonicalEvent, Feed, collect

if TYPE_CHECKING:
    from streams.settings import Settings


def backtest(
    file: Annotated[Path | None, typer.Argument(help="The file of contacts, as for replay.")] = None,
    file_format: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "events",
    mapping: Annotated[Path | None, typer.Option(help="TOML file that says what the columns of csv or jsonl mean.")] = None,
    from_topic: Annotated[bool, typer.Option("--from-topic", help="No FILE: what Kafka still has of the interactions.")] = False,
    rounds: Annotated[int, typer.Option(min=0, help="How often incidents are injected, one a day; 0: only what happened.")] = 1,
    budget: Annotated[
        list[float] | None, typer.Option(min=0.001, help="What if [detect] false_alarms_per_day were this? May be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed injects the same incidents.")] = 1,
    html: Annotated[Path | None, typer.Option(help="Write a page with plots there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for scripts.")] = False,
    config: ConfigOption = None,
) -> None:
    """Replay history: which alerts it gives, which injected incidents are found and how soon, how good forecasts are."""
    settings = load(config)
    if from_topic == (file is not None):
        raise StreamsError("nothing to replay: give a FILE, or --from-topic, and not both.")
    with _saying("reading"):
        feed = _topic(settings) if file is None else feed_of(file, file_format, mapping)
    if not feed.events:
        raise StreamsError(f"no events in {feed.rows} rows. {feed.first_rejection}".rstrip())
    budgets = budget or [settings.detect.false_alarms_per_day]
    results, minutes = run(settings, named(feed.events, settings.names), rounds, budgets, seed)
    if html is not None:
        from streams.commands.backtest_page import page  # heavy

        html.write_text(page(results, minutes), encoding="utf-8")
    if as_json:
        typer.echo(msgspec.json.encode(results).decode())
    else:
        show(results)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(backtest)


def run(
    settings: "Settings", events: list[CanonicalEvent], rounds: int, budgets: list[float], seed: int
) -> tuple[Results, list[MinuteFrame]]:
    """The whole backtest of events in order of time; beside it the minutes as they were."""
    zone = ZoneInfo(settings.merge.time_zone)
    contacts = contacts_of(events)
    counting = rules.intake_rules(settings), rules.merge_rules(settings)

    def counted(told: list[CanonicalEvent]) -> list[MinuteFrame]:
        return history.minutes_of([*told, closing_heartbeat(told[-1])], counting)

    with _saying("counting what happened"):
        plain = counted(events)
    injected: list[tuple[list[Injected], list[MinuteFrame]]] = []
    for number in range(rounds):
        with _saying(f"injecting incidents, round {number + 1} of {rounds}"):
            chance = Random(seed + number)
            incidents = plan(contacts, number, zone, chance)
            injected.append((incidents, counted(inject(contacts, incidents, chance))))
    runs: list[Run] = []
    scores: list[DayScore] = []
    limits: list[Alert] = []
    for budget in budgets:
        with _saying(f"watching, with a budget of {budget:g} a day for false alarms"):
            watching = msgspec.structs.replace(rules.detect_rules(settings), false_alarms_per_day=budget)
            as_it_was = history.judge(plain, watching)
            found = [Round(incidents, history.judge(frames, watching)) for incidents, frames in injected]
            runs.append(run_of(budget, contacts, as_it_was, found, zone))
            # The budget doesn't change these.
            scores, limits = as_it_was.scores, list(as_it_was.thresholds.values())
    told = horizons_of(scores, horizons(settings.forecast.slot_minutes, settings.forecast.days_ahead))
    return Results(contacts=len(contacts), time_zone=zone.key, runs=runs, thresholds=limits, forecasts=told), plain


def _topic(settings: "Settings") -> Feed:
    """What the topic of interactions has; records that are no canonical event are counted as rejected."""
    from streams.edge.reader import read  # heavy
    from streams.sources import canonical

    values = (message.value() for message in read(settings, settings.topics.interactions))
    return collect((number, canonical.read(value)) for number, value in enumerate(values, 1) if value)


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """What is being done, on the terminal's other stream: a month of a small centre takes a minute a round."""
    with Console(stderr=True).status(what):
        yield
