"""`streams rejected`: what intake and ingest refused, by reason, with examples as they came.

The surprise: this prints raw records, which may hold personal data; nothing else in the system does.
"""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, NamedTuple

import orjson
import typer
from rich.console import Console

from streams.commands.options import ConfigOption, JsonOption, load
from streams.core.aside import payload_of

if TYPE_CHECKING:
    from confluent_kafka import Message

# An example is cut after so many characters: enough to see which field is wrong.
EXAMPLE_CHARACTERS = 300


class Refused(NamedTuple):
    """What was refused: why, where it stood in the topic of interactions or was pushed to (/ingest/zendesk), and what it was."""

    reason: str
    detail: str
    topic: str
    partition: str
    offset: str
    value: str


def rejected(
    reason: Annotated[str, typer.Option(help="Only this reason, e.g. bad_time.")] = "",
    examples: Annotated[int, typer.Option(min=0, help="Examples to show of each reason, the newest.")] = 3,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Count refused records by reason and show examples. With --json: every one of them."""
    from streams.edge.reader import read  # heavy

    settings = load(config)
    counts: Counter[str] = Counter()
    newest: defaultdict[str, list[Refused]] = defaultdict(list)
    for message in read(settings, settings.topics.rejected):
        refused = _refused(message)
        if reason in ("", refused.reason):
            counts[refused.reason] += 1
            newest[refused.reason] = [*newest[refused.reason], refused][-examples:] if examples else []
            if as_json:
                typer.echo(orjson.dumps(refused._asdict()).decode())
    if not as_json:
        _show(counts, newest)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(rejected)


def _refused(message: "Message") -> Refused:
    """From the record and its headers, which intake or ingest writes: reason, detail, and where the original stands."""
    payload = payload_of(message)
    headers = {name: _text(value) for name, value in dict(message.headers() or {}).items()}
    if payload is not None:
        headers["topic"] = f"/ingest/{payload.source}"
    reason, detail, topic, partition, offset = (headers.get(name, "") for name in Refused._fields[:-1])
    return Refused(reason, detail, topic, partition, offset, _text(message.value()))


def _text(raw: bytes | str | None) -> str:
    return raw if isinstance(raw, str) else (raw or b"").decode(errors="replace")


def _show(counts: Counter[str], newest: dict[str, list[Refused]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not counts:
        console.print("nothing was rejected")
    for reason, n in counts.most_common():
        console.print(f"{reason}: {n:,}", style="bold")
        for refused in newest[reason]:
            place = f" {refused.partition}/{refused.offset}" if refused.partition else ""
            console.print(f"  {refused.detail}   at {refused.topic}{place}", markup=False)
            console.print(f"    {refused.value[:EXAMPLE_CHARACTERS]}", markup=False, style="dim")
