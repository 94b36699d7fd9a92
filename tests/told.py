"""What the payloads of a vendor come to: their events through the real intake, in the order in which they are told."""

import json
from collections.abc import Callable, Iterable, Sequence

from intake_fakes import READ_MS, RecordFake, Sums, make_rules, measures, sums

from streams.core.agent_state import state_of
from streams.core.decode import decode
from streams.core.event import Rejection
from streams.core.frame import Frame
from streams.core.intake import Intake
from streams.sources.row import Row, is_state

DAY_MS = 24 * 60 * 60 * 1000
_YEAR_10000_MS = 253_402_300_800_000
Read = Callable[[bytes], Row | Rejection]


def records(read: Read, payloads: Iterable[object]) -> list[RecordFake]:
    """The events of payloads as Kafka would have them; fails on one that is refused, by the source or later by intake."""
    found = []
    for payload in payloads:
        row = read(json.dumps(payload).encode())
        assert isinstance(row, Row), row
        for event in row.events:
            if is_state(event):  # of an agent: not intake's, and checked as its stage does
                assert not isinstance(state_of({**event}), Rejection)
                continue
            record = RecordFake(json.dumps(event).encode(), key_=str(event["interaction_id"]).encode())
            assert not isinstance(decode(record, make_rules(), _YEAR_10000_MS), Rejection)  # a source has no clock, intake does
            found.append(record)
    return found


def contribution(told: Sequence[RecordFake]) -> tuple[Sums, dict[str, int]]:
    """What events add to every pane and series, and the contradictions in them; nothing is late, whatever the order."""
    frames, odd = _taken(told)
    return sums(frames), odd


def totals(told: Sequence[RecordFake]) -> dict[str, int]:
    """The measures of all interactions together by name."""
    return measures(_taken(told)[0])


def _taken(told: Sequence[RecordFake]) -> tuple[list[Frame], dict[str, int]]:
    cuts = ("total", "channel", "queue", "issue", "channel+queue", "segment")
    intake = Intake(0, {}, make_rules(disorder_ms=DAY_MS, cuts=cuts))
    intake.apply(told, READ_MS)
    changes = intake.drain(READ_MS, 0)
    return list(changes.frames), {str(kind): n for kind, n in changes.counts.contradictions.items() if n}
