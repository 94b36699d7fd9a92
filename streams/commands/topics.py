"""`streams topics`: make and show the topics that the system uses."""

import typer
from rich.console import Console
from rich.table import Table

from streams.commands.options import ConfigOption, load

MARKS = {"created": "[green]created[/]", "exists": "[green]exists[/]", "missing": "[red]missing[/]", "differs": "[red]differs[/]"}


def create(config: ConfigOption = None) -> None:
    """Create the topics that are missing, with partitions and replication from the settings. Safe to repeat."""
    from streams.edge.kafka import create_topics  # heavy, as below

    reports = create_topics(load(config))
    created = [report.name for report in reports if report.state == "created"]
    typer.echo(f"{len(created)} topics created, {len(reports) - len(created)} existed already")
    for name in created:
        typer.echo(f"  {name}")


def list_(config: ConfigOption = None) -> None:
    """Show each topic of the system as the broker has it; exit status 1 if one is missing or differs from the settings."""
    from streams.edge.kafka import list_topics, topic_specs

    settings = load(config)
    reports = list_topics(settings)
    table = Table("topic", "partitions", "state", "configuration")
    for report, spec in zip(reports, topic_specs(settings), strict=True):
        partitions = str(report.partitions) if report.state != "differs" else f"{report.partitions}, wanted {spec.partitions}"
        table.add_row(
            report.name, partitions, MARKS[report.state], " ".join(f"{key}={value}" for key, value in spec.configs.items())
        )
    Console().print(table)
    if any(report.state in ("missing", "differs") for report in reports):
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    topics = typer.Typer(help="Create or list the topics on Kafka.", no_args_is_help=True)
    topics.command("create")(create)
    topics.command("list")(list_)
    app.add_typer(topics, name="topics")
