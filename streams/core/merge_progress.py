"""How far merge is: what it heard of each source partition, and the watermark that follows from it.

The global watermark is the minimum over the source partitions that are not idle. *Followers*, journey's and agents' partitions,
take the time from intake's pulses and are always waited for. The surprise: a source partition never heard from holds the
watermark where it is, so that a fresh start can't close windows before everybody has spoken.
"""

import msgspec

from streams.core.errors import StreamsError
from streams.core.frame import Frame


class MergeError(StreamsError):
    """The frames of a source partition don't follow each other: something was lost or written twice."""


class Heard(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The last frame of one source partition: its number, watermark, idleness, and when it was sent (wall clock)."""

    number: int
    watermark_ms: int | None
    idle: bool
    sent_ms: int
    ended_ms: int | None = None


class Progress:
    """One per shard. `watermark_ms` is the last one that `advance` gave; it never goes back. followers: how many, the last ones.

    A follower says idle when all of intake is, and still does when intake has woken with what is hours later: who didn't wait for
    it then closed windows before it had said its part of them.
    """

    def __init__(self, heard: list[Heard | None], watermark_ms: int | None, event_ms: int | None, followers: int = 0) -> None:
        self.heard = heard
        self._leaders = len(heard) - followers
        self.watermark_ms = watermark_ms
        self.event_ms = event_ms

    def hear(self, frame: Frame) -> None:
        """Take note of a frame; raises MergeError where it doesn't follow the last one of its source partition."""
        if not 0 <= frame.source < len(self.heard):
            raise MergeError(
                f"source {frame.source}: expected one of 0 to {len(self.heard) - 1}; is topics.partitions up to date?"
            )
        last = self.heard[frame.source]
        expected = last.number + 1 if last else 1
        if frame.number != expected:
            raise MergeError(f"source {frame.source}: expected frame {expected}, found frame {frame.number}")
        self.heard[frame.source] = Heard(frame.number, frame.watermark_ms, frame.idle, frame.sent_ms, frame.ended_ms)
        if frame.watermark_ms is not None and not frame.idle:  # an idle source's watermark may follow the clock
            self._see(frame.watermark_ms)
        if frame.changes:
            self._see(max([change.pane_ms for change in frame.changes]))

    def advance(self) -> int | None:
        """The global watermark now: of followers and those who aren't idle, else of all; None before the first."""
        heard = [source for source in self.heard if source is not None]
        if len(heard) < len(self.heard):
            return self.watermark_ms
        leaders = self._leaders
        waited_for = [source.watermark_ms for number, source in enumerate(heard) if number >= leaders or not source.idle]
        if not waited_for:  # all idle: where intake lets them follow the clock, quiet nights go on closing windows
            waited_for = [source.watermark_ms for source in heard if source.watermark_ms is not None]
        if waited_for and None not in waited_for:
            lowest = min(watermark for watermark in waited_for if watermark is not None)
            self.watermark_ms = lowest if self.watermark_ms is None else max(self.watermark_ms, lowest)
        return self.watermark_ms

    def heard_ms(self) -> int | None:
        """When the longest-silent source partition last sent a frame; None until all were heard."""
        sent = [source.sent_ms for source in self.heard if source is not None]
        return min(sent) if len(sent) == len(self.heard) else None

    def ended_ms(self) -> int | None:
        """Where the last source partition ended; None unless all have."""
        ends = [source.ended_ms for source in self.heard if source is not None and source.ended_ms is not None]
        return max(ends) if ends and len(ends) == len(self.heard) else None

    def _see(self, time_ms: int) -> None:
        if self.event_ms is None or time_ms > self.event_ms:
            self.event_ms = time_ms
