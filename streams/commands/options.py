"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from streams import settings
from streams.settings import Settings

ConfigOption = Annotated[
    list[Path] | None, typer.Option("--config", "-c", help="Settings file laid over config/default.toml; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line, for scripts.")]


def load(config: list[Path] | None) -> Settings:
    """The settings in force for a command."""
    return settings.load(config or [], os.environ)
