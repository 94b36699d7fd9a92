"""How cost grows: processor time per event against the number of series, open interactions and cuts; a table and a picture.

`make bench-growth`. Intake alone, in a process of its own for each point: what it has to remember is put in first, then the same
100,000 events are applied and drained five times, as a worker does four times a second. Processor time hardly depends on what
else runs, so neither do these figures. Partitions are elsewhere: `make bench ONLY=engine PARTITIONS=64`, on real Kafka.
"""

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer
from intake_fakes import RecordFake, make_rules
from rich.console import Console
from rich.table import Table

from bench import interactions
from bench.contestants import HERE
from bench.interactions import Found, Plan
from streams.core.intake import Intake
from streams.engine.collection import Freezing

EVENTS = 100_000
DRAIN_EVENTS = 20_000  # as many as a flush of a quarter of a second holds at 80,000 events a second
BATCH = 10_000
START_MS = interactions.START_MS
CUTS = (
    *("total", "channel", "queue", "issue", "product", "segment", "region", "language"),
    *("channel+queue", "channel+issue", "channel+segment", "issue+region", "queue+issue", "queue+region", "queue+segment"),
    *("channel+product", "channel+region", "issue+product", "segment+region", "product+language"),
)
GROWTH = {
    "series": (100, 1_000, 10_000, 100_000, 1_000_000),
    "open interactions": (1_000, 10_000, 100_000, 1_000_000),
    "cuts": (1, 2, 5, 10, 20),
}


class Point(NamedTuple):
    """One measurement: processor time per event of applying and draining, the process's memory, the collector's longest run."""

    size: int
    apply_us: float
    drain_us: float
    mebibytes: float
    pause_ms: float


class Pauses:
    """Processor time of the longest run of the garbage collector."""

    def __init__(self) -> None:
        self.longest = self._began = 0.0

    def __call__(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.process_time()
        else:
            self.longest = max(self.longest, time.process_time() - self._began)


class Setup(NamedTuple):
    """What is put in first, and what is then measured."""

    cuts: tuple[str, ...]
    before: Iterator[bytes]
    measured: Iterator[bytes]


def event(kind: str, name: str, at_ms: int, queue: str) -> bytes:
    """A small event."""
    return (
        f'{{"id":"{name}-{kind}","source":"bench","type":"{kind}","time":{at_ms},'
        f'"interaction_id":"{name}","channel":"voice","queue":"{queue}"}}'
    ).encode()


def series(size: int) -> Setup:
    """So many queues, each with a contact before; the measured contacts go round among them."""
    before = (event("offered", f"b-{n}", START_MS + n % 1000, f"q-{n}") for n in range(size))
    measured = (event("offered", f"m-{n}", START_MS + 1000 + n // 100, f"q-{n * 7919 % size}") for n in range(EVENTS))
    return Setup(("queue",), before, measured)


def still_open(size: int) -> Setup:
    """So many contacts that wait; the measured ones come and go."""
    before = (event("offered", f"b-{n}", START_MS + n % 1000, f"q-{n % 10}") for n in range(size))
    return Setup(("total", "channel", "queue", "channel+queue"), before, _made(Plan(start_ms=START_MS + 1000)))


def cuts(size: int) -> Setup:
    """So many cuts of the benchmark's topic."""
    return Setup(CUTS[:size], iter(()), _made(Plan()))


def _made(plan: Plan) -> Iterator[bytes]:
    return (made.value for made in islice(interactions.make(EVENTS, Found(), plan), EVENTS))


SETUPS: dict[str, Callable[[int], Setup]] = {"series": series, "open interactions": still_open, "cuts": cuts}


def point(name: str, size: int) -> Point:
    """Measure once, in this process."""
    setup = SETUPS[name](size)
    store: dict[bytes, bytes] = {}
    intake = Intake(0, store, make_rules(cuts=setup.cuts, cut_series_max=2_000_000))
    gc.callbacks.append(Freezing())  # as in a worker
    for _spent in _applied(intake, setup.before):
        pass
    pauses = Pauses()
    gc.callbacks.append(pauses)
    spent = list(_applied(intake, setup.measured))
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    apply_us, drain_us = (sum(seconds) / EVENTS * 1e6 for seconds in zip(*spent, strict=True))
    return Point(size, apply_us, drain_us, int(resident.split()[1]) / 1024, pauses.longest * 1000)


def _applied(intake: Intake, values: Iterator[bytes]) -> Iterator[tuple[float, float]]:
    """Apply all, drained now and then: processor seconds of both."""
    read_ms = START_MS + 24 * 3600 * 1000
    while batches := [batch for _ in range(DRAIN_EVENTS // BATCH) if (batch := [RecordFake(v) for v in islice(values, BATCH)])]:
        began = time.process_time()
        for batch in batches:
            intake.apply(batch, read_ms)
        applied = time.process_time()
        intake.drain(read_ms, 1)
        yield applied - began, time.process_time() - applied


def picture(found: dict[str, list[Point]], path: Path) -> None:
    """One chart per kind of growth, side by side: a PNG by Debian's Chromium."""
    from chromium import launched
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=1, cols=len(found), subplot_titles=[f"µs per event by {name}" for name in found])
    for column, points in enumerate(found.values(), 1):
        sizes = [point.size for point in points]
        for label, values in (("apply", [p.apply_us for p in points]), ("drain", [p.drain_us for p in points])):
            line = Scatter(x=sizes, y=values, name=label, legendgroup=label, showlegend=column == 1)
            line.line.color = "#1f77b4" if label == "apply" else "#ff7f0e"
            figure.add_trace(line, row=1, col=column)
        figure.update_xaxes(type="log", row=1, col=column)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(template="plotly_white", margin={"l": 40, "r": 20, "t": 40, "b": 40})
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 360})
        page.set_content(figure.to_html(include_plotlyjs=True))
        page.wait_for_selector(".main-svg")
        page.screenshot(path=path)


def main(
    only: Annotated[str, typer.Option(help=f"One of {', '.join(GROWTH)}; all by default.")] = "",
    path: Annotated[Path, typer.Option(help="Where the picture goes.")] = HERE / "pictures" / "growth.png",
) -> None:
    """Measure all points, print and draw them."""
    names = [only] if only else list(GROWTH)
    found: dict[str, list[Point]] = {name: [] for name in names}
    table = Table("", "size", "apply µs", "drain µs", "MiB", "longest collection ms")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for name, size in [(each, size) for each in names for size in GROWTH[each]]:
            one = pool.submit(point, name, size).result()
            costs = f"{one.apply_us:.2f}", f"{one.drain_us:.2f}", f"{one.mebibytes:,.0f}", f"{one.pause_ms:,.0f}"
            sys.stderr.write(f"{name} {size:,}: {' '.join(costs)}\n")
            table.add_row(name, f"{size:,}", *costs)
            found[name].append(one)
    Console().print(table)
    path.parent.mkdir(exist_ok=True)
    picture(found, path)
    sys.stdout.write(msgspec.json.encode(found).decode() + os.linesep)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
