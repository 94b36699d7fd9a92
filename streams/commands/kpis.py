"""`streams kpis`: what each KPI means, with the variants that the settings choose; or the page that documents all of them."""

from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.kpi_page import page
from streams.core.kpi_table import in_force


def kpis(
    markdown: Annotated[bool, typer.Option("--markdown", help="The page streams/core/KPIS.md, all variants.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show each KPI: its formula, and at which moment a contact counts for it."""
    if markdown:
        typer.echo(page(), nl=False)
        return
    settings = load(config).kpi
    table = Table("name", "KPI", "unit", "numerator / denominator", "counts", box=None, pad_edge=False)
    for kpi in in_force(settings.service_level_variant, settings.abandonment_variant):
        fields = {"name": kpi.name, "title": kpi.title, "unit": kpi.unit, "formula": kpi.formula, "attribution": kpi.attribution}
        if as_json:
            typer.echo(msgspec.json.encode(fields).decode())
        else:
            table.add_row(*fields.values())
    if not as_json:
        Console().print(table)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(kpis)
