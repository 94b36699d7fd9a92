"""`streams rejected`: what intake refused, by reason, with examples as they came.

The surprise: this prints raw records, which may hold personal data; nothing else in the system does.
"""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Annotated, NamedTuple

import orjson
import typer
from rich.console import Console

from streams.commands.options import ConfigOption, JsonOption, load

if TYPE_CHECKING:
    from confluent_kafka import Message

# An example is cut after so many characters: enough to see which field is wrong.
EXAMPLE_CHARACTERS = 300


class Refused(NamedTuple):
    """A refused record: why, where it stood in the topic of interactions, and what it was."""

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
    """From the record and its headers, which intake writes: reason, detail, and where the original stands."""
    headers = {name: _text(value) for name, value in dict(message.headers() or {}).items()}
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
            console.print(f"  {refused.detail}   at {refused.topic} {refused.partition}/{refused.offset}", markup=False)
            console.print(f"    {refused.value[:EXAMPLE_CHARACTERS]}", markup=False, style="dim")
