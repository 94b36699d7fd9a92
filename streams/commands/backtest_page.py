"""The results of a backtest as one HTML page: plots by Plotly, whose JavaScript is in the page, so that it opens anywhere."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from plotly import graph_objects
from plotly.offline import get_plotlyjs

from streams.commands import figures
from streams.commands.backtest_results import Results, Run
from streams.commands.backtest_tables import NAMES, ahead
from streams.core.frame import MinuteFrame
from streams.core.measure import OFFERED
from streams.core.series import TOTAL

_SLOT_MS = 15 * 60_000  # a point of the first plot
_STYLE = "body{font:16px system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}h1,h2{font-weight:600}"


def page(results: Results, minutes: Sequence[MinuteFrame]) -> str:
    """A whole HTML document."""
    first = results.runs[0]
    plots = [
        (f"What happened: {len(first.alerts)} alerts in {first.days} days", _course(results, first, minutes)),
        ("Injected incidents: what was found", _found(results.runs)),
        ("Injected incidents: after how many minutes", _delays(first)),
        ("Forecasts: error by how far ahead", _errors(results)),
        ("Forecasts: share of slots within the bands", _coverage(results)),
    ]
    body = "".join(f"<h2>{escape(title)}</h2>{_html(figure)}" for title, figure in plots if figure.data)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Backtest</title><style>{_STYLE}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><h1>Backtest of {results.contacts:,} contacts</h1>{body}</body></html>"
    )


def _html(figure: Any) -> str:
    figure.update_layout(template="plotly_white", margin={"l": 60, "r": 20, "t": 20, "b": 50}, height=380)
    text: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False})
    return text


def _course(results: Results, run: Run, minutes: Sequence[MinuteFrame]) -> Any:
    """All contacts by quarter of an hour, and alerts where they began."""
    zone = ZoneInfo(results.time_zone)
    slots: Counter[int] = Counter()
    for frame in minutes:
        for row in frame.rows:
            if row.series == TOTAL:
                slots[row.start_ms // _SLOT_MS * _SLOT_MS] += row.cell.get(OFFERED, 0)
    figure = graph_objects.Figure()
    if slots:
        starts_ms = range(min(slots), max(slots) + 1, _SLOT_MS)
        times = [datetime.fromtimestamp(start_ms / 1000, zone) for start_ms in starts_ms]
        figure.add_scatter(x=times, y=[slots[start_ms] for start_ms in starts_ms], mode="lines", name="contacts in 15 minutes")
    for severity, colour in (("info", "#7a7a7a"), ("warning", "#d98500"), ("critical", "#c62828")):
        told = [alert for alert in run.alerts if alert.severity == severity]
        figure.add_scatter(
            x=[datetime.fromtimestamp(alert.onset_ms / 1000, zone) for alert in told],
            y=[slots[alert.onset_ms // _SLOT_MS * _SLOT_MS] for alert in told],
            text=[f"{alert.kind} {alert.metric}, {figures.series_name(alert.series)}, ×{alert.ratio}" for alert in told],
            mode="markers",
            marker={"size": 11, "color": colour, "symbol": "triangle-up"},
            name=f"alert, {severity}",
        )
    return figure


def _found(runs: Sequence[Run]) -> Any:
    """Share of each kind that was found, a group of bars for each budget."""
    figure = graph_objects.Figure()
    for run in runs:
        kinds = [kind for kind in run.kinds if kind.injected]
        if kinds:
            alerts = len(run.alerts) / max(run.days, 1)
            figure.add_bar(
                x=[NAMES[kind.kind] for kind in kinds],
                y=[kind.found / kind.injected for kind in kinds],
                text=[f"{kind.found} of {kind.injected}" for kind in kinds],
                name=f"{run.false_alarms_per_day:g} a day allowed: {alerts:.2f} alerts a day",
            )
    return figure.update_layout(yaxis={"range": [0, 1], "tickformat": ".0%"}, barmode="group")


def _delays(run: Run) -> Any:
    figure = graph_objects.Figure()
    for kind, name in NAMES.items():
        delays = [one.delay_minutes for one in run.incidents if one.incident.kind == kind and one.delay_minutes is not None]
        if delays:
            figure.add_box(y=delays, name=name, boxpoints="all", jitter=0.5)
    return figure.update_layout(yaxis={"title": "minutes", "rangemode": "tozero"}, showlegend=False)


def _errors(results: Results) -> Any:
    figure = graph_objects.Figure()
    for cut in dict.fromkeys(one.cut for one in results.forecasts):
        told = [one for one in results.forecasts if one.cut == cut]
        figure.add_scatter(x=[ahead(one.minutes) for one in told], y=[one.error for one in told], name=cut, mode="lines+markers")
    return figure.update_layout(yaxis={"title": "sum of |error| ÷ contacts", "tickformat": ".0%", "rangemode": "tozero"})


def _coverage(results: Results) -> Any:
    figure = graph_objects.Figure()
    for cut in dict.fromkeys(one.cut for one in results.forecasts):
        told = [one for one in results.forecasts if one.cut == cut]
        for level, shares in ((80, [one.within_80 for one in told]), (95, [one.within_95 for one in told])):
            figure.add_scatter(x=[ahead(one.minutes) for one in told], y=shares, name=f"{cut}, {level} %", mode="lines+markers")
    for share in (0.8, 0.95):
        figure.add_hline(y=share, line={"dash": "dot", "color": "#7a7a7a"})
    return figure.update_layout(yaxis={"tickformat": ".0%"}) if results.forecasts else graph_objects.Figure()
