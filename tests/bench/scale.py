"""Scale on paper: what 10 thousand to 10 million events a second would take, and whether merge agrees for 16, 64 and 256 sources.

`make bench-scale`. All measured constants are in `Constants`, each with where it comes from; the formulas are pure. What can be
checked on one machine is run through the real merge (scale_merge.py) beside the formula. scale.md holds the last result.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from math import ceil, exp
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from bench.scale_merge import EVENTS_PER_INTERACTION, FLUSH_MS, Measured, measure

HERE = Path(__file__).parent
RATES = (10_000, 100_000, 1_000_000, 10_000_000)
SOURCES = (16, 64, 256)
CHECK_RATE = 10_000
FLUSHES = 1000 / FLUSH_MS  # a second


class Constants(NamedTuple):
    """What was measured on two cores shared with other work: processor time, so that the machine's load matters less."""

    intake_us: float = 11.0  # per event, apply and drain: by the benchmark on a quiet machine
    frame_us: float = 2.5  # merge, per frame without changes: scale_merge.py, apply_empty
    change_us: float = 10.0  # merge, per change: decode and apply, scale_merge.py
    trend_us: float = 140.0  # merge, per trend record: drain and encode, scale_merge.py
    frame_bytes: float = 40.0  # without changes
    change_bytes: float = 110.0
    event_bytes: float = 354.0  # interactions.py
    state_bytes: float = 2_500.0  # of memory per remembered interaction, whole lives: 19,800 of interactions.py in one intake
    changed_bytes: float = 345.0  # per changelog record of an interaction, one per event of a live feed; from the same
    series: int = 63  # of the default cuts in interactions.py; a large centre has thousands
    panes: float = 1.0  # that a flush of a live feed touches
    touched: float = 2.2  # series that an event changes; many change nothing. Both fitted to scale_merge.py
    records_per_series: float = 15.0  # trends a second of a series that is always busy: 4 + 3 x 1 + 2 x 4
    remembered_seconds: float = 3_900.0  # a life of five minutes and [intake] linger_minutes
    core_share: float = 0.6  # of a core that a stage may use, so that a catch-up is one


class Plan(NamedTuple):
    """What a rate takes. Traffic and load per second."""

    events: float
    intake_cores: float
    partitions: int
    shards: int
    merge_core: float  # of one shard
    frames: float
    inner_megabytes: float
    input_megabytes: float
    changelog_megabytes: float
    state_gigabytes: float
    workers: int
    transactions: float


def changes_per_flush(events_per_second: float, c: Constants) -> float:
    """Series × panes that one source partition touches in a flush: few events touch all their own, many touch each of all."""
    kinds = c.series * c.panes
    return kinds * (1 - exp(-events_per_second / FLUSHES * c.touched / kinds))


def merge_core(partitions: int, shards: int, events_per_second: float, c: Constants) -> float:
    """Share of a core that one shard needs."""
    changes = partitions * changes_per_flush(events_per_second / partitions, c) * FLUSHES / shards
    trends = c.series * c.records_per_series / shards
    return (partitions * FLUSHES * c.frame_us + changes * c.change_us + trends * c.trend_us) / 1e6


def plan(events: float, c: Constants) -> Plan:
    """Workers with one core each; partitions so that each has two; shards doubled until one fits its share of a core."""
    intake_cores = events * c.intake_us / 1e6 / c.core_share
    partitions = max(4, 2 * ceil(intake_cores))
    shards = 1
    while merge_core(partitions, shards, events, c) > c.core_share and shards < c.series:
        shards *= 2
    frames = partitions * shards * FLUSHES
    changes = partitions * changes_per_flush(events / partitions, c) * FLUSHES
    workers = ceil(intake_cores + shards * merge_core(partitions, shards, events, c) / c.core_share)
    return Plan(
        events=events,
        intake_cores=intake_cores,
        partitions=partitions,
        shards=shards,
        merge_core=merge_core(partitions, shards, events, c),
        frames=frames,
        inner_megabytes=(frames * c.frame_bytes + changes * c.change_bytes) / 1e6,
        input_megabytes=events * c.event_bytes / 1e6,
        changelog_megabytes=events * c.changed_bytes / 1e6,
        state_gigabytes=events / EVENTS_PER_INTERACTION * c.remembered_seconds * c.state_bytes / 1e9,
        workers=workers,
        transactions=workers * 3 * FLUSHES,
    )


def table(plans: list[Plan]) -> Table:
    """One column per rate."""
    shown = Table("", *(f"{one.events:,.0f}/s" for one in plans))
    for name in Plan._fields[1:]:
        shown.add_row(
            name.replace("_", " "), *(f"{getattr(one, name):,.{0 if getattr(one, name) >= 10 else 2}f}" for one in plans)
        )
    return shown


def checks(found: list[Measured], c: Constants) -> Table:
    """Formula beside measurement, one row per number of sources."""
    shown = Table("sources", "shards", "changes a flush", "formula", "ms a flush", "formula", "trends/s", "bytes a flush", "MiB")
    for one in found:
        changes = one.sources * changes_per_flush(one.events_per_second / one.sources, c) / one.shards
        spent = one.decode + one.apply + one.drain + one.encode
        paper = merge_core(one.sources, one.shards, one.events_per_second, c) / FLUSHES
        numbers = (one.changes, changes, spent * 1e3, paper * 1e3, one.trends * FLUSHES, one.frame_bytes, one.mebibytes)
        shown.add_row(str(one.sources), str(one.shards), *(f"{number:,.0f}" for number in numbers))
    return shown


def picture(found: list[Measured], path: Path) -> None:
    """Processor time of a flush by sources, part by part: a PNG by Debian's Chromium."""
    from chromium import launched
    from plotly.graph_objects import Bar, Figure

    one_shard = [one for one in found if one.shards == 1]
    names = [f"{one.sources} sources" for one in one_shard]
    parts = ("decode", "apply", "drain", "encode")
    figure = Figure([Bar(name=part, x=names, y=[getattr(one, part) * 1e3 for one in one_shard]) for part in parts])
    title = f"merge: processor ms per flush, {CHECK_RATE:,} events/s in all"
    figure.update_layout(barmode="stack", template="plotly_white", title=title, margin={"l": 40, "r": 20, "t": 50, "b": 40})
    with launched() as browser:
        page = browser.new_page(viewport={"width": 700, "height": 360})
        page.set_content(figure.to_html(include_plotlyjs=True))
        page.wait_for_selector(".main-svg")
        page.screenshot(path=path)


def main() -> None:
    """Print the plan for each rate, check it against merge, draw what was found."""
    constants = Constants()
    points = [(sources, 1) for sources in SOURCES] + [(64, 4)]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        found = [pool.submit(measure, sources, shards, CHECK_RATE).result() for sources, shards in points]
    console = Console(width=130)
    console.print(table([plan(rate, constants) for rate in RATES]))
    console.print(checks(found, constants))
    (HERE / "pictures").mkdir(exist_ok=True)
    picture(found, HERE / "pictures" / "scale.png")
    sys.stdout.write(msgspec.json.encode([one._asdict() for one in found]).decode() + "\n")


if __name__ == "__main__":
    main()
