"""A centre of four channels, eight issues and three queues, for tests of its mix. Minutes as merge hands them on, all of a seed.

Contacts are negative binomial (variance μ + 0.02 μ²) around a day's curve, or steady. Shares aren't quite the same from hour to
hour: each hour's are drawn around them (Dirichlet, as of `CONCENTRATION` contacts); chat has more of the evening's.
"""

from collections.abc import Iterator, Mapping
from math import pi, sin
from typing import NamedTuple

import numpy as np

from streams.core.alert import Alert
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import OFFERED

START_MS = 1_700_006_400_000  # a Wednesday, midnight UTC
MINUTE_MS = 60_000
DAY = 1440
CONCENTRATION = 2000.0  # an hour's share of 0.2 is 0.2 ± 0.009: at 30 contacts a minute chance adds as much
CHANNELS = {"voice": 0.6, "chat": 0.2, "email": 0.15, "sms": 0.05}
ISSUES = {
    "invoice": 0.3,
    "login": 0.2,
    "delivery": 0.2,
    "refund": 0.1,
    "contract": 0.1,
    "address": 0.06,
    "sepa": 0.03,
    "app": 0.01,
}
QUEUES = {"billing": 0.5, "orders": 0.3, "sales": 0.2}
SHARES: Mapping[str, Mapping[str, float]] = {"channel": CHANNELS, "issue": ISSUES, "queue": QUEUES}


class Change(NamedTuple):
    """Minutes [begin, end). moved: (cut, from, to, part of the contacts of `from`). more: contacts a minute of an issue, beside
    the others. every: all contacts so many times."""

    begin: int
    end: int
    moved: tuple[str, str, str, float] | None = None
    more: tuple[str, float] | None = None
    every: float = 1.0


def curve(minute: int) -> float:
    """From 0.1 at night to 1 in the middle of the day."""
    return max(0.1, sin(pi * (minute % DAY - 420) / 780)) if 420 < minute % DAY < 1200 else 0.1


def frames(
    first: int, end: int, seed: int, rate: float, change: Change | None = None, *, steady: bool = False
) -> Iterator[MinuteFrame]:
    """Minutes [first, end); rate: contacts a minute in the busiest hour."""
    random = np.random.default_rng((seed, first))
    hours: dict[str, dict[str, float]] = {}
    for number in range(first, end):
        if number % 60 == 0 or not hours:
            hours = {cut: _of_hour(random, shares, number, steady=steady) for cut, shares in SHARES.items()}
        now = change if change is not None and change.begin <= number < change.end else None
        yield _minute(random, number, rate * (1.0 if steady else curve(number)), hours, now)


def _of_hour(random: np.random.Generator, shares: Mapping[str, float], minute: int, *, steady: bool) -> dict[str, float]:
    evening = 1.5 if "chat" in shares and not steady and minute % DAY >= 1080 else 1.0
    drawn = random.dirichlet([CONCENTRATION * share * (evening if name == "chat" else 1.0) for name, share in shares.items()])
    return dict(zip(shares, drawn.tolist(), strict=True))


def _minute(
    random: np.random.Generator, number: int, rate: float, hours: Mapping[str, Mapping[str, float]], change: Change | None
) -> MinuteFrame:
    mean = rate * (change.every if change else 1.0)
    contacts, more = int(random.poisson(mean * random.gamma(50, 1 / 50))), 0
    if change and change.more:
        more = int(random.poisson(change.more[1] * rate))
    cells = {"total": contacts + more}
    for cut, shares in hours.items():
        now = dict(shares)
        if change and change.moved and change.moved[0] == cut:
            _, source, target, part = change.moved
            now[target] = now.get(target, 0.0) + part * now[source]
            now[source] *= 1 - part
        drawn = random.multinomial(contacts, [*now.values()]) + (
            random.multinomial(more, [*now.values()]) if cut != "issue" else 0
        )
        cells |= {f"{cut}\x1f{name}": int(n) for name, n in zip(now, drawn, strict=True)}
    if change and change.more:
        series = f"issue\x1f{change.more[0]}"
        cells[series] = cells.get(series, 0) + more
    start_ms = START_MS + number * MINUTE_MS
    rows = [MinuteRow(series, start_ms, {OFFERED: n}) for series, n in cells.items() if n]
    return MinuteFrame(shard=0, shards=1, number=number, closed_ms=start_ms + MINUTE_MS, rows=rows)


def last(alerts: list[Alert]) -> list[Alert]:
    """The last version of each alert that fired."""
    return [*{alert.alert_id: alert for alert in alerts if alert.has_fired}.values()]
