"""The registry of sources: the payloads that can be pushed or filed, the file formats that replay knows, who needs a mapping.

A payload is what a vendor sends in one piece, e.g. the body of a webhook. A file of them has one a line, or they follow on each
other in any way that JSON can.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from streams.core.errors import StreamsError
from streams.core.event import Rejection
from streams.sources import amazon_connect, asterisk, bank1999, canonical, freshdesk, genesys, intercom, mapped, twilio, zendesk
from streams.sources.documents import documents
from streams.sources.mapping import FileMapping
from streams.sources.row import Feed, Row, collect

# Whoever is in here is served by `streams ingest` as /ingest/NAME and read by `streams replay --format NAME`. No reader raises.
PAYLOADS: dict[str, Callable[[bytes], Row | Rejection]] = {
    "events": canonical.read,
    "amazon-connect": amazon_connect.read,
    "asterisk": asterisk.read,
    "freshdesk": freshdesk.read,
    "genesys": genesys.read,
    "intercom": intercom.read,
    "twilio": twilio.read,
    "zendesk": zendesk.read,
}

FORMATS = {
    "bank1999": "the Anonymous Bank's calls, tab-separated",
    "csv": "your own columns, with --mapping",
    "jsonl": "your own JSON objects, one per line, with --mapping",
    "events": "canonical events, one JSON object per line",
    "amazon-connect": "contact events, contact records, agent events, Contact Lens",
    "asterisk": "Asterisk's queue_log",
    "freshdesk": "what automation rules of Freshdesk send",
    "genesys": "notifications and conversation details of Genesys Cloud",
    "intercom": "Intercom's webhooks",
    "twilio": "TaskRouter's event callbacks and Event Streams",
    "zendesk": "ticket event webhooks and ticket metric events",
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
    if format_name in PAYLOADS:
        read = PAYLOADS[format_name]
        return collect((number, read(document)) for number, document in documents("".join(lines)))
    assert mapping is not None, f"format {format_name} without a mapping"
    if format_name == "jsonl":
        return collect(mapped.read_jsonl(lines, mapping))
    return collect(mapped.read_csv(lines, mapping, file_name))
