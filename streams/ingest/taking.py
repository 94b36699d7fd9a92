"""From a payload to the records of its events, or to the reason why not. Pure: the clock is an argument.

Each event goes the way that intake will send it, so that whoever pushed hears of it at once. The surprise: a payload is one
piece. Where one of its events is refused, none is taken.
"""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from streams.core.decode import read
from streams.core.event import Rejection
from streams.core.rules import IntakeRules
from streams.settings import Names
from streams.sources.formats import PAYLOADS
from streams.sources.names import named
from streams.sources.row import CanonicalEvent


class _Value(NamedTuple):
    """The value of a record that is yet to be written, as core reads it."""

    bytes_: bytes

    def value(self) -> bytes:
        return self.bytes_

    def key(self) -> None:
        return None

    def headers(self) -> None:
        return None

    def offset(self) -> None:
        return None


class Taken(NamedTuple):
    """Key and value of each event's record, and the source's rules that were applied, e.g. for what isn't counted."""

    records: list[tuple[bytes, bytes]]
    rules: tuple[str, ...]


def take(source: str, body: bytes, rules: IntakeRules, names: Names, now_ms: int) -> Taken | Rejection:
    """The records of a payload."""
    row = PAYLOADS[source](body)
    if isinstance(row, Rejection):
        return row
    events = named(row.events, names)
    refused = _refused(events, rules, now_ms)
    return refused or Taken([(str(event["interaction_id"]).encode(), orjson.dumps(event)) for event in events], row.rules)


def _refused(events: Sequence[CanonicalEvent], rules: IntakeRules, now_ms: int) -> Rejection | None:
    """Why intake would refuse one of the events."""
    for event in events:
        found = read(_Value(orjson.dumps(event)), rules, now_ms)
        if isinstance(found, Rejection):
            return found
    return None
