"""The file formats that replay knows, by name, and which of them needs a mapping."""

from collections.abc import Iterable
from difflib import get_close_matches

from streams.core.errors import StreamsError
from streams.sources import bank1999, mapped
from streams.sources.mapping import FileMapping
from streams.sources.row import Feed, collect

FORMATS = {
    "bank1999": "the Anonymous Bank's calls, tab-separated",
    "csv": "your own columns, with --mapping",
    "jsonl": "your own JSON objects, one per line, with --mapping",
    "events": "canonical events, one JSON object per line",
}
_MAPPED = ("csv", "jsonl")


def check_format(name: str, with_mapping: bool) -> None:
    """StreamsError if there is no such format, or if it needs a mapping and has none, or has one and needs none."""
    if name not in FORMATS:
        near = get_close_matches(name, FORMATS, 1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise StreamsError(f"unknown format '{name}'.{hint} Known are {', '.join(FORMATS)}.")
    if name in _MAPPED and not with_mapping:
        raise StreamsError(f"format '{name}' needs --mapping FILE, which says what the columns mean (streams/sources/README.md).")
    if name not in _MAPPED and with_mapping:
        raise StreamsError(f"format '{name}' takes no --mapping; formats {' and '.join(_MAPPED)} do.")


def read_feed(lines: Iterable[str], format_name: str, mapping: FileMapping | None, file_name: str) -> Feed:
    """A whole file as a feed in time order; `check_format` has passed. StreamsError if columns are missing."""
    if format_name == "bank1999":
        return collect(bank1999.read_rows(lines, file_name))
    if format_name == "events":
        return collect(mapped.read_events(lines))
    assert mapping is not None, f"format {format_name} without a mapping"
    if format_name == "jsonl":
        return collect(mapped.read_jsonl(lines, mapping))
    return collect(mapped.read_csv(lines, mapping, file_name))
