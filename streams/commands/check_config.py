"""`streams check-config`: which settings are in force, where each comes from, and (with --connect) whether the others answer.

Secrets are never shown. Answering is tried one by one, all of them, so that one run shows everything that is down.
"""

import asyncio
import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from streams.commands.options import ConfigOption
from streams.core.errors import StreamsError
from streams.core.trend import Clock
from streams.settings import Loaded, Settings, fingerprint, load_with_origins
from streams.settings_sources import masked

ANSWER_SECONDS = 5  # how long an Alertmanager may take: it answers in milliseconds when it is well


class Setting(NamedTuple):
    """One key as it is shown: 'kafka.sasl_password', its masked value, the layer it comes from."""

    key: str
    value: Any
    origin: str


class Answer(NamedTuple):
    """Whether one outside thing answers, and what it said."""

    name: str
    ok: bool
    detail: str


def check_config(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
    connect: Annotated[bool, typer.Option("--connect", help="Also say whether Kafka, Redis and Alertmanager answer.")] = False,
) -> None:
    """Show the settings in force and where each comes from; exit status 1 if --connect finds something down."""
    loaded = load_with_origins(config or [], os.environ)
    answers = list(_answers(loaded.settings)) if connect else []
    if as_json:
        typer.echo(json.dumps(_document(loaded, answers), indent=2))
    else:
        _show(loaded, answers)
    if not all(answer.ok for answer in answers):
        raise typer.Exit(1)


def settings_in_force(loaded: Loaded) -> Iterator[Setting]:
    """Every key with its masked value and origin, in the order of config/default.toml."""
    yield from _flat((), msgspec.to_builtins(loaded.settings), loaded.origins)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(name="check-config")(check_config)


def _flat(prefix: tuple[str, ...], table: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[Setting]:
    for key, value in table.items():
        path = (*prefix, key)
        if isinstance(value, dict) and value:
            yield from _flat(path, value, origins)
        else:
            yield Setting(".".join(path), masked(path, value), origins.get(".".join(path), "default"))


def _document(loaded: Loaded, answers: list[Answer]) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint(loaded.settings),
        "settings": {setting.key: {"value": setting.value, "from": setting.origin} for setting in settings_in_force(loaded)},
        "answers": {answer.name: {"ok": answer.ok, "detail": answer.detail} for answer in answers},
    }


def _show(loaded: Loaded, answers: list[Answer]) -> None:
    console = Console()
    columns = (Column("setting", no_wrap=True), Column("value", overflow="fold"), Column("from", overflow="fold"))
    table = Table(*columns, title=f"settings in force, fingerprint {fingerprint(loaded.settings)}")
    section = ""
    for setting in settings_in_force(loaded):
        name = setting.key.partition(".")[0]
        if section and name != section:
            table.add_section()
        section = name
        style = None if setting.origin == "default" else "bold"
        table.add_row(setting.key, Text(_text(setting.value)), setting.origin, style=style)
    console.print(table)
    for answer in answers:
        console.print(
            f"{'✓' if answer.ok else '✗'} {answer.name}: {answer.detail}", style="green" if answer.ok else "red", markup=False
        )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in ("", {}) else str(value)


def _answers(settings: Settings) -> Iterator[Answer]:
    yield _kafka(settings)
    if settings.publish.redis_url:
        yield _redis(settings.publish.redis_url)
    for number, url in enumerate(settings.publish.alertmanager_urls, 1):
        yield _alertmanager("alertmanager" if number == 1 else f"alertmanager_{number}", url)  # as in streams_publisher_up


def _kafka(settings: Settings) -> Answer:
    from streams.edge.kafka import client_settings  # heavy, and wanted by --connect only
    from streams.engine.probe import find_broker, knows_transactions

    client = client_settings(settings)
    seconds = settings.kafka.connect_timeout_seconds
    try:
        find_broker(client, seconds)
        known = knows_transactions(client, seconds)
    except StreamsError as error:
        return Answer("kafka", False, str(error))
    on = settings.kafka.transactions == "on" or (settings.kafka.transactions == "auto" and known)
    detail = f"{settings.kafka.bootstrap_servers} answers, transactions {'on' if on else 'off'}"
    return Answer("kafka", known or not on, detail if known else f"{detail}, the broker doesn't know them")


def _redis(url: str) -> Answer:
    try:
        clocks = asyncio.run(_pulse(url))
    except StreamsError as error:
        return Answer("redis", False, str(error))
    written = f"pulse of {len(clocks)} shards" if clocks else "no pulse: no worker has written yet, or not for an hour"
    return Answer("redis", True, f"{masked(('redis_url',), url)} answers, {written}")


async def _pulse(url: str) -> list[Clock]:
    from streams.edge.redis import LiveReader  # the only module that knows Redis

    reader = LiveReader(url)
    try:
        return await reader.clocks()
    finally:
        await reader.close()


def _alertmanager(name: str, url: str) -> Answer:
    shown = masked(("alertmanager_urls",), url)
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/api/v2/status", timeout=ANSWER_SECONDS) as response:
            version = json.load(response)["versionInfo"]["version"]
    except (OSError, ValueError, KeyError) as error:  # URLError is an OSError
        return Answer(name, False, f"{shown} doesn't answer as an Alertmanager: {error}")
    return Answer(name, True, f"{shown} answers, version {version}")
