"""`streams worker`: run the pipeline's stages as a member of the consumer groups."""

import typer

from streams.commands.options import ConfigOption, load


def worker(config: ConfigOption = None) -> None:
    """Run a worker: intake, merge, detect and publish. Start as many as you like; they share the work."""
    from streams.worker import run  # heavy: Faust and librdkafka

    run(load(config))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(worker)
