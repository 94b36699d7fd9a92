"""`streams simulate`: events of a contact centre that doesn't exist: the past until now, a day of one's choice, or live.

The surprise: events may not be ahead of the clock (intake refuses those), so a simulation that ends now is cut off now and leaves
contacts open, as a real one would; only with --start is every contact told to its end.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from streams.commands.options import ConfigOption, load
from streams.commands.sending import send
from streams.core.errors import StreamsError
from streams.sources.heartbeat import closing_heartbeat, heartbeat
from streams.sources.row import CanonicalEvent, time_of
from streams.sources.simulator import simulate as simulated
from streams.sources.simulator_incidents import Incident, demo_incidents, parse_incident
from streams.sources.simulator_world import DAY_MS, QUEUES, Profile, busy_at

if TYPE_CHECKING:
    from streams.edge.replay import Pace

MINUTE_MS = 60_000


class Plan(NamedTuple):
    """What to simulate: arrivals in [start_ms, end_ms), endless where None; the first heartbeat a second; cut off at `cut_ms`."""

    start_ms: int
    end_ms: int | None
    live_ms: int | None
    cut_ms: int | None
    incidents_from_ms: int
    profile: Profile


def simulate(
    rate: Annotated[float, typer.Option(min=0.01, help="Contacts per minute at the busiest hour.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed and times give the same contacts.")] = 7,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="How long; a day, or until Ctrl-C where it is live.")] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(help="KIND:+START:DURATION[:xFACTOR][:queue=NAME][:issue=NAME], e.g. spike:+5m:10m:x3; may be repeated."),
    ] = None,
    start: Annotated[
        datetime | None, typer.Option(help="Begin at this time (UTC) of the past and tell every contact to its end.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0, help="1 is real time, 60 a minute a second, 0 as fast as possible.")] = 0,
    live: Annotated[bool, typer.Option("--live", help="Begin now, in real time.")] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Yesterday (UTC) and today as fast as possible, then live, with incidents.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Send a simulated contact centre to the topic of interactions: by default the last day until now."""
    from streams.edge.clock import now_ms
    from streams.edge.replay import as_it_happens, at_speed  # heavy

    settings = load(config)
    if sum((live, demo, start is not None)) > 1:
        raise StreamsError("--live, --demo and --start exclude each other: give one of them.")
    plan = _plan(now_ms(), minutes, start, speed, live, demo, Profile(contacts_per_minute=rate))
    incidents: Iterable[Incident] = _incidents(incident or [], plan.incidents_from_ms)
    if demo:
        incidents = merge(incidents, demo_incidents(seed, plan.incidents_from_ms), key=lambda one: one.start_ms)
    pace: Pace = as_it_happens if live or demo else at_speed(speed)
    events = _cut(simulated(seed, plan.start_ms, plan.end_ms, plan.profile, incidents, plan.live_ms), plan.cut_ms)
    closing = _closing(plan, now_ms()) if start is not None else None
    sent = send(settings, events, pace, None, "simulate", closing)
    typer.echo(f"{sent.events:,} events and {sent.heartbeats:,} heartbeats in {sent.seconds:.1f} s")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(simulate)


def _plan(
    now_ms: int, minutes: float | None, start: datetime | None, speed: float, live: bool, demo: bool, profile: Profile
) -> Plan:
    length_ms = DAY_MS if minutes is None else round(minutes * MINUTE_MS)
    if live:
        end_ms = None if minutes is None else now_ms + length_ms
        return Plan(now_ms, end_ms, now_ms, end_ms, now_ms, busy_at(profile, now_ms))
    if demo:
        start_ms = now_ms - length_ms
        if minutes is None:
            start_ms -= start_ms % DAY_MS  # a whole day first: after it there is a forecast
        return Plan(start_ms, None, now_ms, None, now_ms, busy_at(profile, now_ms))
    if start is not None:
        start_ms = round(start.replace(tzinfo=UTC).timestamp() * 1000)
        if start_ms + length_ms > now_ms:
            raise StreamsError("--start plus --minutes is in the future: events must not be ahead of the clock.")
        return Plan(start_ms, start_ms + length_ms, None, None, start_ms, profile)
    end_ms = now_ms + (round(length_ms / speed) if speed else 0)
    return Plan(end_ms - length_ms, end_ms, None, end_ms, end_ms - length_ms, profile)


def _incidents(texts: list[str], from_ms: int) -> list[Incident]:
    """Incidents of the command line in order of start; one in a queue that doesn't exist would silently do nothing."""
    incidents = [parse_incident(text, from_ms) for text in texts]
    queues = {queue.name for queue in QUEUES}
    issues = {name for queue in QUEUES for name, _ in queue.issues}
    for one in incidents:
        if one.queue is not None and one.queue not in queues:
            raise StreamsError(f"no queue '{one.queue}' in the simulator. There are {', '.join(sorted(queues))}.")
        if one.issue is not None and one.issue not in issues:
            raise StreamsError(f"no issue '{one.issue}' in the simulator. There are {', '.join(sorted(issues))}.")
    return sorted(incidents, key=lambda one: one.start_ms)


def _cut(events: Iterator[CanonicalEvent], cut_ms: int | None) -> Iterator[CanonicalEvent]:
    """Events before `cut_ms`, and a heartbeat there."""
    if cut_ms is None:
        yield from events
        return
    last: CanonicalEvent | None = None
    for event in takewhile(lambda event: time_of(event) < cut_ms, events):
        last = event
        yield event
    if last is not None:
        yield heartbeat(last, cut_ms)


def _closing(plan: Plan, now_ms: int) -> CanonicalEvent | None:
    """The heartbeat that makes every window of a simulated past final, unless that moment is still to come."""
    assert plan.end_ms is not None, "a past that was chosen has an end"
    # Contacts that come last are over within hours; the heartbeat is days later.
    closing = closing_heartbeat({"source": "simulator", "time": plan.end_ms})
    return closing if time_of(closing) <= now_ms else None
