"""The mapping by which a file of one's own becomes canonical events: what may stand in its TOML, and what is wrong with it.

How a row goes through it is in mapped.py; an example is in README.md. Conditions are kept simple on purpose: a column equals
a text, equals one of several, is empty ("") or is anything but empty ("*"), and all of them must hold.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from streams.core.errors import StreamsError
from streams.core.event import Event, EventType

Scalar: TypeAlias = str | int | float | bool
Condition: TypeAlias = str | tuple[str, ...]

DURATIONS = ("talk_seconds", "hold_seconds", "wrap_seconds")
_OTHERWISE_GIVEN = ("source", "type", "time_ms", "talk_ms", "hold_ms", "wrap_ms")
# The canonical fields that a column or a constant may fill, as a source spells them.
FIELDS = (*(field for field in Event.__struct_fields__ if field not in _OTHERWISE_GIVEN), *DURATIONS)
TIME_FORMATS = ("iso", "epoch_s", "epoch_ms")


class EventMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event of a row. `time` names a column, `plus_seconds` one with seconds to add to it; columns and constants are laid
    over those of the file."""

    type: EventType
    time: str
    plus_seconds: str = ""
    when: dict[str, Condition] = msgspec.field(default_factory=dict)
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    constants: dict[str, Scalar] = msgspec.field(default_factory=dict)


class FileMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows become events: canonical field → column, canonical field → constant, and the events of a row.

    time_format: iso, epoch_s, epoch_ms or a strptime pattern; time_zone: of times that carry no offset.
    """

    source: str
    time_format: str = "iso"
    time_zone: str = "UTC"
    delimiter: str = ","
    columns: dict[str, str]
    constants: dict[str, Scalar] = msgspec.field(default_factory=dict)
    events: tuple[EventMapping, ...]


def load_mapping(text: str, name: str) -> FileMapping:
    """A mapping from TOML text; `name` is its file, for messages. StreamsError says in one line what is wrong."""
    try:
        mapping = msgspec.toml.decode(text, type=FileMapping)
    except msgspec.DecodeError as error:
        raise StreamsError(f"{name}: {error}") from error
    for problem in _problems(mapping):
        raise StreamsError(f"{name}: {problem}")
    return mapping


def used_columns(mapping: FileMapping) -> list[str]:
    """Every column that the mapping reads, each once, in the order of the mapping."""
    columns = [*mapping.columns.values()]
    for event in mapping.events:
        columns += [event.time, event.plus_seconds, *event.when, *event.columns.values()]
    return [column for column in dict.fromkeys(columns) if column]


def check_header(mapping: FileMapping, header: Iterable[str], name: str) -> None:
    """StreamsError if a CSV file lacks a column that its mapping reads."""
    found = list(header)
    missing = [column for column in used_columns(mapping) if column not in found]
    if missing:
        raise StreamsError(f"{name}: no column {', '.join(missing)}. The file has {', '.join(found)}.")


def _problems(mapping: FileMapping) -> Iterator[str]:
    """What types can't say, one sentence each."""
    if len(mapping.delimiter) != 1:
        yield "delimiter must be one character"
    if mapping.time_format not in TIME_FORMATS and "%" not in mapping.time_format:
        yield f"time_format must be {', '.join(TIME_FORMATS)} or a pattern like %Y-%m-%d %H:%M:%S"
    if not _zone_exists(mapping.time_zone):
        yield f"time_zone '{mapping.time_zone}' is not a known IANA time zone"
    if not mapping.events:
        yield "no events: give at least one [[events]] table"
    parts: tuple[FileMapping | EventMapping, ...] = (mapping, *mapping.events)
    for part in parts:
        yield from (_unknown(field) for field in (*part.columns, *part.constants) if field not in FIELDS)
    if any("interaction_id" not in {**mapping.columns, **event.columns} for event in mapping.events):
        yield "interaction_id has no column: give one in [columns]"
    yield from (f"event type '{event.type}' is sent by replay itself" for event in mapping.events if event.type == "heartbeat")


def _unknown(field: str) -> str:
    near = get_close_matches(field, FIELDS, 1)
    hint = f" Did you mean '{near[0]}'?" if near else f" Known are {', '.join(FIELDS)}."
    return f"'{field}' is no field of an event.{hint}"


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
