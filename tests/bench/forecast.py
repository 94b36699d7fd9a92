"""How good forecasts are on the bank's calls, beside simple ones: `make bench-forecast`, two minutes, needs no server.

Prints the tables of README.md. Where the bank's file isn't there it says so and ends.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import typer

from bench.forecast_protocol import BANK, CHOSEN, HORIZONS, REST, TESTED, FloatArray, Scores, read_bank, run, thinned

MEANS = (0.3, 3.0, 30.0)


def same_weekday(days: Sequence[date], counts: FloatArray, weeks: int, tested: range) -> tuple[float, float, float]:
    """WAPE in per cent of the mean of the last so many same weekdays: slots, slots of the rest of the day, its total."""
    errors = np.zeros(3)
    volumes = np.zeros(3)
    for number in tested:
        before = [other for other in range(number) if days[other].weekday() == days[number].weekday()][-weeks:]
        told, found = counts[before].mean(axis=0), counts[number]
        apart, came, left = np.abs(found - told), np.cumsum(found[::-1])[::-1], np.cumsum(told[::-1])[::-1]
        rest = np.arange(len(found))  # how many origins a slot is after
        errors += apart.sum(), (rest * apart).sum(), np.abs(came - left)[1:].sum()
        volumes += found.sum(), (rest * found).sum(), came[1:].sum()
    slots, rest_slots, total = 100 * errors / volumes
    return slots, rest_slots, total


def head(name: str, columns: Sequence[str]) -> None:
    """The beginning of a table."""
    typer.echo("")
    say(name, columns)
    typer.echo("|" + "---|" * (1 + len(columns)))


def say(name: str, cells: Iterable[str]) -> None:
    """A line of a table."""
    typer.echo(f"| {name} | {' | '.join(cells)} |")


def show_errors(name: str, scores: Scores, series: int = 0) -> None:
    """A line of the first table."""
    say(name, (f"{scores.wape[one][series]:.2f}" for one in (*HORIZONS, *REST)))


def show_bands(scores: Scores, series: int = 0) -> None:
    """Two lines of the second table."""
    for place, level in enumerate((80, 95)):
        cells = (
            f"{100 * covered:.1f} · {100 * width:.1f}"
            for covered, width in zip(scores.covered[place, :, series], scores.width[place, :, series], strict=True)
        )
        say(f"{level} %", cells)


def main() -> None:
    """All tables."""
    if not BANK.exists():
        sys.exit(f"{BANK} isn't there: nothing to measure on")
    days, counts = read_bank()
    head("WAPE %", (*HORIZONS, *REST))
    for name, weeks in (("same weekday last week", 1), ("mean of last four same weekdays", 4)):
        slots, rest, total = same_weekday(days, counts, weeks, TESTED)
        say(name, [*[f"{slots:.2f}"] * len(HORIZONS), f"{rest:.2f}", f"{total:.2f}", f"{slots:.2f}"])
    whole = counts[:, None, :]
    for name, effects in (("ours without calendar", False), ("**ours**", True)):
        scores = run(days, whole, [-1], effects=effects, tested=TESTED, rest=True)
        show_errors(name, scores)
    show_errors("ours, on the days of choice", run(days, whole, [-1], effects=True, tested=CHOSEN, rest=True))
    head("covered % · width % of volume", HORIZONS)
    show_bands(scores)
    parts = thinned(counts, MEANS)
    with_total = run(days, parts, [-1, 0, 0, 0], effects=True, tested=TESTED)
    alone = run(days, parts, [-1, -1, -1, -1], effects=True, tested=TESTED)
    head("WAPE %", HORIZONS)
    for series, mean in enumerate(MEANS, 1):
        note = "borrows" if with_total.borrowed[series] else "its own"
        say(f"{mean:g} a slot, beside its total ({note})", (f"{with_total.wape[one][series]:.2f}" for one in HORIZONS))
        say(f"{mean:g} a slot, share of the total's forecast", (f"{with_total.scaled[one][series]:.2f}" for one in HORIZONS))
        say(f"{mean:g} a slot, alone", (f"{alone.wape[one][series]:.2f}" for one in HORIZONS))


if __name__ == "__main__":
    main()
