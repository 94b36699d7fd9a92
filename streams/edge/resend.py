"""What was refused sent in again, after a fix or when `[events] sources` grew: records as they came, to the partition where they
stood; payloads that were pushed through their source, as if they were pushed again.

What was sent is remembered, so that a second run sends only what was refused since. The surprise: intake may refuse a record
again while this runs, and puts it at the end of the topic that is being read; so a run ends where the topic ended when it began.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from confluent_kafka import Message

from streams.core.aside import Payload, original, payload_headers, payload_of
from streams.core.event import Rejection
from streams.edge.bookmark import Bookmark, bookmark
from streams.edge.reader import read
from streams.edge.replay import Progress, Sender
from streams.settings import Names, Settings
from streams.sources.formats import PAYLOADS
from streams.sources.names import named

# Sent and remembered so many at once: what a run that is cut off sends again next time. Intake drops it by its id.
TOGETHER_RECORDS = 1_000
NAME = "replay-rejected"


class Resent(NamedTuple):
    """What was sent, by the reason for which it had been refused.

    left_out: records that could not be: cut, or empty altogether. refused: payloads that their source still refuses; kept.
    """

    sent: Mapping[str, int]
    left_out: int
    refused: int


@contextmanager
def resending(settings: Settings) -> Iterator[Callable[[Progress], Resent]]:
    """Connect; what comes is a function that sends everything that was refused and not sent again yet."""
    with bookmark(settings, settings.topics.rejected, NAME) as mark, Sender(settings) as sender:
        yield partial(_resend, settings, mark, sender)


def _resend(settings: Settings, mark: Bookmark, sender: Sender, progress: Progress) -> Resent:
    sent: Counter[str] = Counter()
    left_out, refused, under_way = 0, 0, 0
    positions: dict[int, int] = {}
    for message, partition, offset in _unsent(settings, mark):
        payload = payload_of(message)
        reason = (
            _send(sender, message, settings.topics.agents) if payload is None else _send_payload(sender, payload, settings.names)
        )
        sent.update([reason] if reason else [])
        refused += reason is None
        left_out += reason == ""
        positions[partition] = offset + 1
        under_way += 1
        if under_way == TOGETHER_RECORDS:
            _settle(sender, mark, positions)
            progress(under_way)
            under_way = 0
    _settle(sender, mark, positions)
    progress(under_way)
    return Resent(dict(sent), left_out, refused)


def _unsent(settings: Settings, mark: Bookmark) -> Iterator[tuple[Message, int, int]]:
    """Refused records with their partition and offset, up to where the topic ends now."""
    ends = mark.ends()
    for message in read(settings, settings.topics.rejected, positions=mark.starts()):
        partition, offset = message.partition(), message.offset()
        assert partition is not None, "a consumed record has a partition"
        assert offset is not None, "a consumed record has an offset"
        if offset < ends[partition]:
            yield message, partition, offset


def _send(sender: Sender, message: Message, agents: str) -> str:
    """The reason for which it had been refused; '' where it can't be sent."""
    came = original(message)
    if came is None or (came.key is None and came.value is None):
        return ""
    sender.put(came.value, came.key, came.partition, came.headers, to_agents=came.topic == agents)
    return came.reason


def _send_payload(sender: Sender, payload: Payload, names: Names) -> str | None:
    """The reason for which it had been refused; None where it still is."""
    read = PAYLOADS.get(payload.source)
    row = read(payload.body) if read else None
    if row is None:  # a source of another version of this program
        return ""
    if isinstance(row, Rejection):
        sender.refuse(payload.body, payload_headers(payload.source, row))
        return None
    for part in row.refused:
        sender.refuse(part.body, payload_headers(payload.source, part.why))
    for event in named(row.events, names):
        sender.send_one(event)
    return payload.reason


def _settle(sender: Sender, mark: Bookmark, positions: Mapping[int, int]) -> None:
    """The records are on the broker, then they count as sent."""
    sender.flush()
    if positions:
        mark.put(positions)
