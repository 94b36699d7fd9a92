"""`streams worker`: run the pipeline's stages as a member of the consumer groups."""

import os
from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    list[Path] | None, typer.Option("--config", "-c", help="Settings file laid over config/default.toml; may be repeated.")
]


def worker(config: ConfigOption = None) -> None:
    """Run a worker: intake, merge, detect and publish. Start as many as you like; they share the work."""
    from streams import settings, worker  # heavy: Faust and librdkafka

    raise typer.Exit(worker.run(settings.load(config or [], os.environ)))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(worker)
