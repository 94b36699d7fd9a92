"""How good rarity is on series of the Numenta Anomaly Benchmark: `make bench-detect`, a minute, needs no server.

Fourteen series of ../shared/data/nab, scored by ../shared/tools/nab_score.py, which follows the benchmark's published rules, with
one threshold for all series. The surprise: parameters were chosen on four of the seven series of counts and on copies of them,
so the three others say how good it is; so do their copies: begun at another time, thinned to three in ten, scaled.
"""

import csv
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import typer

from streams.core.rarity import Rarity

SHARED = Path(__file__).parents[3] / "shared"
NAB = SHARED / "data" / "nab"
CHOSEN_ON = (
    "realTweets/Twitter_volume_AAPL.csv",
    "realTweets/Twitter_volume_CVS.csv",
    "realAWSCloudwatch/elb_request_count_8c0756.csv",
    "realTraffic/occupancy_6005.csv",
)
LOOKED_AT_ONCE = (
    "realTweets/Twitter_volume_AMZN.csv",
    "realTweets/Twitter_volume_CRM.csv",
    "realTraffic/occupancy_t4013.csv",
)
COPIES = ("rotated", "thinned", "scaled")
THINNED, SCALES = 0.3, (0.2, 5.0)
EDGE_ROWS = 50  # a series isn't cut so near to a labelled window
DAY_MINUTES, STEP_MINUTES = 1440, 5
# Beside rarity itself, chosen on the same series: a fall must be so much rarer; and what the life of an alert does where detect
# uses rarity: after an alarm a score counts this part for so many rows, or this share of those seen.
FALL_MARGIN = 4.0
ALARM = 3.5
DAMPED, REST_ROWS, REST_SHARE = 0.1, 100, 0.1
THRESHOLD = 3.4  # the best one for CHOSEN_ON and its copies together
PROFILES = ("standard", "low_fp")
FloatArray = npt.NDArray[np.float64]
Window = tuple[int, int]  # rows, both inside


class Series(NamedTuple):
    """Rows of a series: minutes since the epoch, values; the labelled windows."""

    minutes: FloatArray
    values: FloatArray
    windows: list[Window]


def scoring() -> Any:
    """The module that scores, from where the data are."""
    spec = importlib.util.spec_from_file_location("nab_score", SHARED / "tools" / "nab_score.py")
    if spec is None or spec.loader is None or not NAB.exists():
        sys.exit(f"{NAB} isn't there: nothing to measure on")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(name: str) -> Series:
    """One series with its windows."""
    with (NAB / name).open() as lines:
        rows = list(csv.DictReader(lines))
    times = [row["timestamp"] for row in rows]
    windows = [
        (times.index(begin.split(".")[0]), times.index(end.split(".")[0]))
        for begin, end in json.loads((NAB / "windows.json").read_text())[name]
    ]
    epoch = datetime(1970, 1, 1)  # local, as the times of the files are; of which zone isn't told
    minutes = [(datetime.fromisoformat(time) - epoch).total_seconds() / 60 for time in times]
    return Series(np.array(minutes), np.array([float(row["value"]) for row in rows]), windows)


def copied(series: Series, how: str, random: np.random.Generator) -> Series:
    """A copy of a series: its second part first, or three in ten of its counts, or another unit."""
    minutes, values, windows = series
    if how == "thinned":
        return series._replace(values=random.binomial(np.rint(values).astype(int), THINNED).astype(float))
    if how == "scaled":
        return series._replace(values=values * random.choice(SCALES))
    cut = 0
    while not cut or any(begin - EDGE_ROWS <= cut <= end + EDGE_ROWS for begin, end in windows):
        cut = int(random.uniform(0.15, 0.85) * len(values))
    gaps = np.diff(minutes)
    turned = np.cumsum([0.0, *gaps[cut:], STEP_MINUTES, *gaps[: cut - 1]])
    moved = sorted(((begin - cut) % len(values), (end - cut) % len(values)) for begin, end in windows)
    return Series(minutes[0] // DAY_MINUTES * DAY_MINUTES + minutes[cut] % DAY_MINUTES + turned, np.roll(values, -cut), moved)


def scores(some: Sequence[Series]) -> list[FloatArray]:
    """The score of each row, made of it and what was before."""
    rarity = Rarity()
    rarity.enrol(len(some))
    rows = max(len(series.values) for series in some)
    found, quiet = np.zeros((rows, len(some))), np.full(len(some), np.inf)
    for row in range(rows):
        columns = np.array([place for place, series in enumerate(some) if row < len(series.values)])
        values = np.log1p(np.array([some[place].values[row] for place in columns]))
        minutes = np.array([some[place].minutes[row] for place in columns])
        up, down = rarity.step(columns, values, minutes, minutes % DAY_MINUTES, np.ones(len(columns), dtype=np.bool_))
        score = np.maximum(up, down - FALL_MARGIN)
        rests = quiet[columns] < min(REST_ROWS, REST_SHARE * (row + 1))
        score = np.where(rests, DAMPED * score, score)
        quiet[columns] = np.where(score >= ALARM, 0, quiet[columns] + 1)
        found[row, columns] = score
    return [found[: len(series.values), place] for place, series in enumerate(some)]


def points(module: Any, some: Sequence[Series], scored: Sequence[FloatArray]) -> list[Any]:
    """What the benchmark makes of scores, for `sweep`."""
    probation = [min(int(0.15 * len(series.values)), module.PROBATION_ROWS_MAX) for series in some]
    found: list[Any] = []
    for number, (series, score) in enumerate(zip(some, scored, strict=True)):
        # A window that a rotated copy has in its first rows can't be found: it doesn't count.
        windows = [window for window in series.windows if window[0] >= probation[number]]
        rows = [str(row) for row in range(len(score))]
        found += module.points(str(number), rows, score, [(str(begin), str(end)) for begin, end in windows])
    return found


def normalised(module: Any, found: Sequence[Any], profile: str, threshold: float | None) -> float:
    """The benchmark's score: 100 is perfect, 0 never fires; with the best threshold, or a given one."""
    weights = module.PROFILES[profile]
    rows = list(module.sweep(found, weights))
    null, windows = rows[0][1], len({window for _, _, window in found if window})
    reached = [row for row in rows if threshold is None or row[0] >= threshold]
    chosen = max(reached, key=lambda row: row[1]) if threshold is None else reached[-1]
    return float(100 * (chosen[1] - null) / (windows * weights[0] - null))


def sets() -> Iterator[tuple[str, list[Series]]]:
    """What is shown, by name."""
    random = np.random.default_rng(11)
    everything = sorted(json.loads((NAB / "windows.json").read_text()))
    parts: Mapping[str, Sequence[str]] = {"chosen on": CHOSEN_ON, "looked at once": LOOKED_AT_ONCE}
    yield "counts", [read(name) for name in (*CHOSEN_ON, *LOOKED_AT_ONCE)]
    for part, names in parts.items():
        yield part, [read(name) for name in names]
        for how in COPIES:
            yield f"{part}, {how}", [copied(read(name), how, random) for name in names for _ in range(3)]
    yield "all", [read(name) for name in everything]


def main() -> None:
    """Print the table."""
    module = scoring()
    typer.echo(f"| series | best threshold | {THRESHOLD} for all |\n|---|---|---|")
    shown = list(sets())
    scored = iter(scores([series for _, some in shown for series in some]))
    for name, some in shown:
        found = points(module, some, [next(scored) for _ in some])
        best, fixed = ([normalised(module, found, p, t) for p in PROFILES] for t in (None, THRESHOLD))
        typer.echo(f"| {name} | {best[0]:.1f} / {best[1]:.1f} | {fixed[0]:.1f} / {fixed[1]:.1f} |")


if __name__ == "__main__":
    main()
