"""What `make bench-journey` found, as a table and as a picture."""

import os
import sys
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Gap(msgspec.Struct):
    """After hours without a contact: for how many customers W was over, processor time of each, and of the longest flush."""

    customers: int
    customer_us: float
    flush_seconds_max: float


class Filled(msgspec.Struct):
    """stocked_us: processor time to put a customer down; then of a contact, half of them repeats. disk_…_max: on the way."""

    stocked_us: float
    contacts_per_second: float
    contact_us: float
    gap: Gap
    peak_mebibytes: float
    disk_mebibytes: float
    disk_mebibytes_max: float
    entries: int


class Opened(msgspec.Struct):
    """Opening; `anew`: from records of the changelog. counted: of the seconds, those for counting entries."""

    seconds: float
    counted_seconds: float
    peak_mebibytes: float


class Size(msgspec.Struct):
    """What one number of customers has shown."""

    customers: int
    filled: Filled
    opened: Opened
    anew: Opened


BLUE, ORANGE = "#1f77b4", "#ff7f0e"
Charts = dict[str, tuple[list[float], list[float]]]  # title → values in blue and in orange, by size


def charts(sizes: list[Size]) -> Charts:
    """What the picture shows."""
    filled, opened, made = [s.filled for s in sizes], [s.opened for s in sizes], [s.anew for s in sizes]
    return {
        "processor µs: contact · put down": ([f.contact_us for f in filled], [f.stocked_us for f in filled]),
        "peak MiB: taking in · anew": ([f.peak_mebibytes for f in filled], [m.peak_mebibytes for m in made]),
        "disk, MiB: end · largest": ([f.disk_mebibytes for f in filled], [f.disk_mebibytes_max for f in filled]),
        "ready, s: opened · anew": ([o.seconds for o in opened], [m.seconds for m in made]),
    }


def picture(sizes: list[Size], path: Path) -> None:
    """Charts against the number of customers, side by side: a PNG by Debian's Chromium."""
    from chromium import launched
    from plotly.graph_objects import Scatter
    from plotly.subplots import make_subplots

    shown = charts(sizes)
    figure = make_subplots(rows=1, cols=len(shown), subplot_titles=list(shown))
    for column, both in enumerate(shown.values(), 1):
        for values, colour in zip(both, (BLUE, ORANGE), strict=True):
            line = Scatter(x=[size.customers for size in sizes], y=values, line={"color": colour}, showlegend=False)
            figure.add_trace(line, row=1, col=column)
        figure.update_xaxes(type="log", row=1, col=column)
        figure.update_yaxes(rangemode="tozero", row=1, col=column)
    figure.update_layout(template="plotly_white", margin={"l": 40, "r": 20, "t": 40, "b": 40})
    with launched() as browser:
        page = browser.new_page(viewport={"width": 1200, "height": 320})
        page.set_content(figure.to_html(include_plotlyjs=True))
        page.wait_for_selector(".main-svg")
        page.screenshot(path=path)


def show(sizes: list[Size]) -> None:
    """A table, and all of it as JSON on the last line."""
    names = (
        "customers",
        "put down µs",
        "contacts/s",
        "contact µs",
        "W over: customers · µs · longest flush s",
        "peak MiB",
        "disk MiB",
        "largest",
        "opened s · MiB",
        "anew s · MiB",
    )
    table = Table(*names)
    for size in sizes:
        filled, opened, made = size.filled, size.opened, size.anew
        table.add_row(
            f"{size.customers:,}",
            f"{filled.stocked_us:.0f}",
            f"{filled.contacts_per_second:,.0f}",
            f"{filled.contact_us:.0f}",
            f"{filled.gap.customers:,} · {filled.gap.customer_us:.0f} · {filled.gap.flush_seconds_max:.1f}",
            f"{filled.peak_mebibytes:,.0f}",
            f"{filled.disk_mebibytes:,.0f}",
            f"{filled.disk_mebibytes_max:,.0f}",
            f"{opened.seconds:.2f} · {opened.peak_mebibytes:,.0f}",
            f"{made.seconds:.1f} · {made.peak_mebibytes:,.0f}",
        )
    Console(width=160).print(table)
    sys.stdout.write(msgspec.json.encode(sizes).decode() + os.linesep)
