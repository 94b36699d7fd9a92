"""The results of a backtest as tables for a terminal."""

from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Column, Table

from streams.commands import figures
from streams.commands.backtest_results import Horizon, Results, Run
from streams.core.alert import Alert

_ALERTS_MAX = 20  # the page and --json have all
NAMES = {
    "surge": "twice the contacts of a queue, 30 minutes",
    "outage": "no contact at all, 15 minutes",
    "handle_time": "handle time of a queue + 30 %, 2 hours",
    "abandonment": "twice the share abandoned in a queue, 2 hours",
}


def show(results: Results) -> None:
    """Alerts of each budget, incidents found, forecasts."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for one in results.runs:
        per_day = len(one.alerts) / max(one.days, 1)
        console.print(
            f"{results.contacts:,} contacts of {one.days} days, "
            f"with a budget of {one.false_alarms_per_day:g} a day for false alarms: {len(one.alerts)} alerts, {per_day:.2f} a day"
        )
        if one.calm_days:
            console.print(f"on {one.calm_days} days without an injected incident: {one.calm_alerts} alerts")
        if one.kinds:
            console.print(incidents_table(one))
    first = results.runs[0]
    if first.alerts:
        console.print(alerts_table(first, ZoneInfo(results.time_zone)))
    if results.thresholds:
        console.print(thresholds_table(results.thresholds, ZoneInfo(results.time_zone)))
    if results.forecasts:
        console.print(forecasts_table(results.forecasts))


def incidents_table(run: Run) -> Table:
    """What was injected and found."""
    columns = (Column(name, justify="right") for name in ("injected", "found", "median delay", "size told ÷ true"))
    table = Table("injected incidents", *columns, box=None, pad_edge=False)
    for kind in run.kinds:
        delay = "–" if kind.delay_minutes is None else f"{kind.delay_minutes:.0f} min"
        share = "–" if kind.told_share is None else f"{kind.told_share:.2f}"
        table.add_row(NAMES[kind.kind], str(kind.injected), str(kind.found), delay, share)
    return table


def alerts_table(run: Run, zone: ZoneInfo) -> Table:
    """What fires in the history as it was."""
    title = "alerts of what happened" + (f", the first {_ALERTS_MAX}" if len(run.alerts) > _ALERTS_MAX else "")
    table = Table("fired", "series", "kind", "severity", Column("seen", justify="right"), Column("expected", justify="right"))
    table.title, table.box, table.pad_edge = title, None, False
    for alert in run.alerts[:_ALERTS_MAX]:
        seen, expected = f"{alert.observed:,}", f"{alert.expected:,.1f}"
        name = figures.series_name(alert.series)
        fired = figures.moment(alert.fired_ms or alert.detected_ms, zone)
        table.add_row(fired, name, f"{alert.kind} {alert.metric}", alert.severity, seen, expected)
    return table


def thresholds_table(alerts: list[Alert], zone: ZoneInfo) -> Table:
    """What static limits say of the history as it was: not among the alerts above, nor in any figure of a budget."""
    title = "alerts of static thresholds" + (f", the first {_ALERTS_MAX} of {len(alerts)}" if len(alerts) > _ALERTS_MAX else "")
    columns = (Column(name, justify="right") for name in ("minutes", "limit"))
    table = Table("fired", "series", "threshold", "severity", *columns, title=title, box=None, pad_edge=False)
    for alert in alerts[:_ALERTS_MAX]:
        minutes = (alert.updated_ms - alert.onset_ms) // 60_000
        name, limit = figures.series_name(alert.series), f"{alert.metric} {alert.limit:g}"
        table.add_row(figures.moment(alert.detected_ms, zone), name, alert.rule, alert.severity, str(minutes), limit)
    return table


def forecasts_table(forecasts: list[Horizon]) -> Table:
    """Error, coverage and width by horizon."""
    names = ("error", "in 80 %", "in 95 %", "width 80 %", "width 95 %", "slots")
    table = Table("forecasts of", "ahead", *(Column(name, justify="right") for name in names), box=None, pad_edge=False)
    for one in forecasts:
        shares = (one.error, one.within_80, one.within_95, one.width_80, one.width_95)
        table.add_row(one.cut, ahead(one.minutes), *(f"{share:.1%}" for share in shares), f"{one.slots:,}")
    return table


def ahead(minutes: int) -> str:
    """15 → '15 min', 180 → '3 h', 10080 → '7 d'."""
    if minutes % 1440 == 0:
        return f"{minutes // 1440} d"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
