"""The KPI table as a page for people: KPIS.md beside this file, written by `streams kpis --markdown` and held to it by a test."""

from collections.abc import Iterable, Mapping

from streams.core.kpi_table import ABANDONMENTS, KPIS, SERVICE_LEVELS, Kpi, Shape

# What is said of how sure a value is, by shape.
INTERVALS: Mapping[Shape, str] = {
    "ratio": "Wilson",
    "net": "adjusted Wald",
    "score": "normal, from 30 answers on",
}
_HEAD = """# KPIs

Written by `streams kpis --markdown` from `kpi_table.py`; `/api/v1/kpis` and the tiles' tooltips on the board say the same,
with the variants that the settings choose. Ratios are 0..1, times seconds. Each value comes with `n`, its denominator; with
`n = 0` it is null, never 0; counts of 0 stay 0. `interval` is the 95 % one, `low` to `high`. Means of times and of sentiment
have none: times are too skewed for a normal one to hold 95 %, and of sentiment only the sum is kept. Target bands are set per
KPI in `[bands.…]`.

"""
_VARIANTS = """
## Variants

`[kpi] service_level_variant`, with the target of `[kpi] service_level_seconds` or of the queue; flowed out: left the queue by a
transfer, a completion or a time-out while waiting.

"""
_COLUMNS = ("name", "KPI", "unit", "numerator / denominator", "counts", "interval")


def page() -> str:
    """The whole page as Markdown."""
    variants = [(name, kpi.formula, kpi.attribution) for name, kpi in SERVICE_LEVELS.items()]
    abandonments = [(name, kpi.formula, kpi.attribution) for name, kpi in ABANDONMENTS.items()]
    return "".join(
        (
            _HEAD,
            _table(_COLUMNS, (_row(kpi) for kpi in KPIS)),
            _VARIANTS,
            _table(("service level", "formula", "counts"), variants),
            "\n`[kpi] abandonment_variant`, with the threshold of `[kpi] short_abandon_seconds`:\n\n",
            _table(("abandonment", "formula", "counts"), abandonments),
        )
    )


def _row(kpi: Kpi) -> tuple[str, ...]:
    return f"`{kpi.name}`", kpi.title, kpi.unit, kpi.formula, kpi.attribution, INTERVALS.get(kpi.shape, "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
