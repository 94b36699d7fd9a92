"""`streams staffing`: how many agents an interval needs, by Erlang C or A. Needs no broker."""

from math import inf
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.erlang import Load, Service, Target, agents_needed, rostered, serve
from streams.core.errors import StreamsError

NEIGHBOURS = 2  # rows of the table above and below the answer: what one agent more or less would do


class Plan(msgspec.Struct, frozen=True):
    """What is needed: people to plan, and what the agents among them give."""

    people: int
    needed: Service


def staffing(
    contacts: Annotated[float, typer.Option(min=0, help="Contacts that come in the interval.")],
    aht: Annotated[float, typer.Option(min=0.001, help="Average handle time, wrap-up included, in seconds.")],
    minutes: Annotated[float, typer.Option(min=0.001, help="Length of the interval.")] = 30,
    target: Annotated[
        str | None, typer.Option(help="Share/seconds, e.g. 0.8/20; without it [staffing] and [kpi] of the settings.")
    ] = None,
    patience: Annotated[float | None, typer.Option(min=0, help="Mean patience in seconds (Erlang A); 0: endless.")] = None,
    shrinkage: Annotated[float | None, typer.Option(min=0, max=0.99, help="Share of paid time not on contacts.")] = None,
    concurrency: Annotated[float, typer.Option(min=1, help="Contacts that an agent has at once, for chat.")] = 1,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say how many agents are needed, and what one more or less would change."""
    settings = load(config)
    plan = settings.staffing
    patience = plan.patience_seconds if patience is None else patience
    goal = Target(share=plan.service_level, seconds=settings.kpi.service_level_seconds, occupancy_max=plan.occupancy_max)
    if target is not None:
        share, seconds = parse_target(target)
        goal = Target(share=share, seconds=seconds, occupancy_max=plan.occupancy_max)
    load_ = Load(
        contacts=contacts, interval_seconds=minutes * 60, aht_seconds=aht, patience_seconds=patience if patience > 0 else inf
    )
    needed = agents_needed(load_, goal)
    people = rostered(needed.agents, plan.shrinkage if shrinkage is None else shrinkage, concurrency)
    if as_json:
        typer.echo(msgspec.json.encode(Plan(people, needed)).decode())
    else:
        _show(load_, goal, needed, people)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(staffing)


def parse_target(text: str) -> tuple[float, float]:
    """'0.8/20' → (0.8, 20.0)."""
    try:
        share, seconds = (float(part) for part in text.split("/"))
    except ValueError as error:
        raise StreamsError(f"--target is '{text}', expected share/seconds, e.g. 0.8/20") from error
    if not (0 < share < 1 and 0 <= seconds < inf):
        raise StreamsError(f"--target is '{text}', expected a share between 0 and 1 and seconds from 0 up")
    return share, seconds


def _show(load_: Load, goal: Target, needed: Service, people: int) -> None:
    model = "Erlang C" if load_.patience_seconds == inf else f"Erlang A, patience {load_.patience_seconds:g} s"
    names = ("at once", f"in {goal.seconds:g} s %", "mean wait s", "busy %", "give up %")
    table = Table(*(Column(name, justify="right") for name in names), box=None, pad_edge=False, title=model)
    for agents in range(max(1, needed.agents - NEIGHBOURS), needed.agents + NEIGHBOURS + 1):
        service = serve(load_, agents, goal.seconds)
        style = "bold" if agents == needed.agents else None
        table.add_row(
            str(agents),
            f"{service.service_level * 100:.2f}",
            "no end" if service.asa_seconds == inf else f"{service.asa_seconds:.1f}",
            f"{service.occupancy * 100:.1f}",
            f"{service.abandonment * 100:.1f}",
            style=style,
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{needed.agents} contacts at once must be possible: plan {people} people")
