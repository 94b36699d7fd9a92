"""From a payload to the records of its events, or to the reason why not. Pure: the clock is an argument.

Each event goes the way that intake will send it, so that whoever pushed hears of it at once. The surprise: a payload is one
piece. Where one of its events is refused, none is taken; only a source may say that parts of it stand alone.
"""

from typing import NamedTuple

import orjson

from streams.core.agent_state import read_state
from streams.core.decode import read
from streams.core.event import Rejection
from streams.core.rules import IntakeRules
from streams.settings import Names
from streams.sources.formats import PAYLOADS
from streams.sources.names import named
from streams.sources.row import Refused, is_state, key_of


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
    """Key and value of the record of each event and of each agent's state, the rules applied, and parts that are refused."""

    records: list[tuple[bytes, bytes]]
    states: list[tuple[bytes, bytes]]
    rules: tuple[str, ...]
    refused: tuple[Refused, ...]


def take(source: str, body: bytes, rules: IntakeRules, names: Names, now_ms: int) -> Taken | Rejection:
    """The records of a payload."""
    row = PAYLOADS[source](body)
    if isinstance(row, Rejection):
        return row
    records: list[tuple[bytes, bytes]] = []
    states: list[tuple[bytes, bytes]] = []
    for event in named(row.events, names):
        value, state = orjson.dumps(event), is_state(event)
        found = _read(value, rules, now_ms, state=state)
        if isinstance(found, Rejection):
            return found
        (states if state else records).append((key_of(event), value))
    return Taken(records, states, row.rules, row.refused)


def _read(value: bytes, rules: IntakeRules, now_ms: int, *, state: bool) -> object:
    """An event as intake, a state of an agent as agents will read it; a Rejection where that would refuse it."""
    record = _Value(value)
    return read_state(record, rules.sources, now_ms + rules.ahead_ms) if state else read(record, rules, now_ms)
