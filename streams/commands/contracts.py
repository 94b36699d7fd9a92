"""`streams contracts`: the AsyncAPI document, or one JSON Schema of it, for whoever writes or reads the topics."""

from importlib.metadata import version
from typing import Annotated

import msgspec
import typer

from streams.core.contracts import asyncapi, schemas
from streams.core.errors import StreamsError


def contracts(
    schema: Annotated[str, typer.Option(help="Only that of Event, Trend, Clock, Expectation, Alert or ForecastDay.")] = "",
) -> None:
    """Print what may be written to the topics and what can be read from them, as AsyncAPI 3."""
    document = asyncapi(version("interaction-streams")) if not schema else _alone(schema)
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _alone(name: str) -> dict[str, object]:
    known = schemas()
    if name not in known:
        raise StreamsError(f"--schema {name}: expected one of {', '.join(known)}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"#/components/schemas/{name}",
        "components": {"schemas": known},
    }


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(contracts)
