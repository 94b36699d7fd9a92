"""Writes the Grafana dashboards (JSON) from panels.py: `make dashboards`, or with a folder as argument to write them elsewhere.

The JSON is committed, because Grafana reads it from files; a test compares it with what this program writes.
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from panel import Panel
from panels import ROWS

GREEN, AMBER, RED = "green", "orange", "red"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
FIGURE_HEIGHT, LINES_HEIGHT = 5, 8  # grid units of 30 pixels: all figures and a row of charts fit on a 1080p screen


def operations() -> dashboard.Dashboard:
    """Contacts as they come, wait and end, and whether the pipeline that counts them is well."""
    board = (
        dashboard.Dashboard("Contact centre operations")
        .uid("streams-operations")
        .description("Made by deploy/grafana/dashboards.py from panels.py; changes made here are lost.")
        .tags(["streams"])
        .refresh("15s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_choice("channel", "Channel"))
        .with_variable(_choice("queue", "Queue"))
    )
    for row in ROWS:
        board = board.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            board = board.with_panel(_figure(panel) if panel.kind == "figure" else _lines(panel))
    return board


def _choice(label: str, title: str) -> dashboard.QueryVariable:
    """A chooser of label values, several or all."""
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return (
        dashboard.QueryVariable(label)
        .label(title)
        .datasource(SOURCE)
        .query(f"label_values(streams_contacts_offered_total, {label})")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(everything)
    )


def _queries(panel: Panel) -> list[prometheus.Dataquery]:
    letters = "ABCDEFGH"
    return [
        prometheus.Dataquery().ref_id(letter).expr(query.expr).legend_format(query.legend)
        for letter, query in zip(letters, panel.queries, strict=False)
    ]


def _figure(panel: Panel) -> stat.Panel:
    built = (
        stat.Panel()
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .no_value("–")
        .span(panel.width)
        .height(FIGURE_HEIGHT)
        .thresholds(_thresholds(panel))
        .color_mode(common_models.BigValueColorMode.VALUE)
        .graph_mode(common_models.BigValueGraphMode.AREA if panel.limits else common_models.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    for query in _queries(panel):
        built = built.with_target(query)
    return built


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    """Green, amber, red by the limits; one colour without limits."""
    steps = [models.Threshold(value=None, color="text")]
    if panel.limits and panel.down:
        moderate, low = panel.limits
        steps = [models.Threshold(None, GREEN), models.Threshold(moderate, AMBER), models.Threshold(low, RED)]
    elif panel.limits:
        high, moderate = panel.limits
        steps = [models.Threshold(None, RED), models.Threshold(moderate, AMBER), models.Threshold(high, GREEN)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _lines(panel: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(panel.width)
        .height(LINES_HEIGHT)
        .line_width(1.5)
        .fill_opacity(0)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI).sort(common_models.SortOrder.DESCENDING))
    )
    for query in _queries(panel):
        built = built.with_target(query)
    if any(query.legend == "band, high" for query in panel.queries):
        built = _with_band(built)
    return built


def _with_band(panel: timeseries.Panel) -> timeseries.Panel:
    """Grey between 'band, low' and 'band, high'; a dashed line for what was expected."""
    grey = models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "#8e8e8e"})
    thin = models.DynamicConfigValue("custom.lineWidth", 0)
    return (
        panel.override_by_name("band, low", [grey, thin])
        .override_by_name(
            "band, high",
            [
                grey,
                thin,
                models.DynamicConfigValue("custom.fillBelowTo", "band, low"),
                models.DynamicConfigValue("custom.fillOpacity", 20),
            ],
        )
        .override_by_name("expected", [grey, models.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]})])
    )


def write(directory: Path) -> None:
    """Write every dashboard into the folder, a file each."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        json.loads(JSONEncoder(sort_keys=True).encode(operations().build())), indent=2, sort_keys=True, ensure_ascii=False
    )
    (directory / "operations.json").write_text(text + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "dashboards")
