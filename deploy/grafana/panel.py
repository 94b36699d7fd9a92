"""What a panel is, and PromQL that several panels share."""

from typing import NamedTuple

PLACE = '{channel=~"$channel", queue=~"$queue"}'
RATE = "$__rate_interval"


class Query(NamedTuple):
    """One PromQL expression and how its series are called."""

    expr: str
    legend: str


class Panel(NamedTuple):
    """One panel. `limits` (moderate, low) colour a figure; `down` says that smaller is better."""

    title: str
    queries: tuple[Query, ...]
    text: str
    unit: str = "short"
    kind: str = "lines"
    width: int = 8
    limits: tuple[float, float] | None = None
    down: bool = False


class Row(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def figure(
    title: str, expr: str, text: str, unit: str = "short", limits: tuple[float, float] | None = None, down: bool = False
) -> Panel:
    """A single number."""
    return Panel(title, (Query(expr, title),), text, unit, "figure", 3, limits, down)


def lines(title: str, text: str, unit: str, *queries: Query) -> Panel:
    """Series over time."""
    return Panel(title, queries, text, unit)


def total(metric: str) -> str:
    """Today's total of the chosen channels and queues."""
    return f"sum({metric}{PLACE})"


def rate_by(label: str, metric: str) -> str:
    """Contacts per minute by a label."""
    return f"60 * sum by ({label}) (rate({metric}{PLACE}[{RATE}]))"


def quantile_by(label: str, quantile: float, metric: str, place: str = "") -> str:
    """A quantile of a histogram by a label."""
    by = f"{label}, le" if label else "le"
    return f"histogram_quantile({quantile}, sum by ({by}) (rate({metric}_bucket{place}[{RATE}])))"
