"""Partial frames: what intake hands to merge, the changes of one flush of one source partition.

A frame goes to every merge shard in every flush, empty or not, so that each shard hears each source partition's watermark.
Frames of one source partition are numbered without gaps; merge asserts it. Encoding: MessagePack arrays, versioned. The surprise:
a flush may take several frames, each with a number, because a record has a limit; only the last moves the watermark.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec

from streams.core.measure import Cell

VERSION = 1
# A frame at least this often tells merge that a source partition lives; the board calls the pipeline stale after 3 s.
PULSE_MS = 1_000


class PaneChange(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A change to one series in one pane [pane_ms, pane_ms + pane length).

    `closed` says how many window kinds, counted from the shortest, had closed over this pane for this source partition when
    the contacts came: they go into the longer ones only. 0 is on time.
    """

    pane_ms: int
    closed: int
    series: str
    cell: Cell


class WaitingLevel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is now, in one series: contacts that wait in a queue, and since when the oldest of them does (ms since the epoch).

    agents: how many are available, on a contact, at work after one, on a break; from the partitions of `agents` only.
    """

    series: str
    waiting: int
    oldest_ms: int
    agents: tuple[int, ...] | None = None


class Frame(msgspec.Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """One flush of one source partition for one merge shard.

    watermark_ms: no window that ends before it gets another on-time contact from this partition; None before the first event.
    idle: nothing to read and nothing heard for `idle_seconds`: don't wait for this partition.
    read_ms: when the oldest event in `changes` was read from Kafka; sent_ms: when the flush began (wall clock).
    waiting: all waiting levels of this partition and shard, replacing the earlier ones; None where nothing changed.
    ended_ms: the feed has ended at this event time and no contact has come since; silence after it means nothing.
    backlog: by series the contacts that are open, in the same way as `waiting`.
    """

    version: int = VERSION
    source: int
    number: int
    watermark_ms: int | None
    idle: bool
    read_ms: int | None
    sent_ms: int
    changes: list[PaneChange]
    waiting: list[WaitingLevel] | None = None
    ended_ms: int | None = None
    backlog: dict[str, int] | None = None


def shard_of(series: str, shards: int) -> int:
    """The merge shard that owns a series; stable across processes and releases."""
    return crc32(series.encode()) % shards


# A record may have 8 MiB. Half is left for what comes with the changes of a frame: who waits, in up to some thousand series.
CHANGES_BYTES_MAX = 4 * 1024 * 1024
FEW_CHANGES = 200  # so few fit whatever they are: 20 kB each is more than the longest names and a full sketch take


def parts_of(shards: Sequence[list[PaneChange]], bytes_max: int = CHANGES_BYTES_MAX) -> list[list[list[PaneChange]]]:
    """The changes of each shard, in as many rounds as it takes for a frame to fit into a record; at least one."""
    cut = [[changes] if len(changes) <= FEW_CHANGES else list(_cut(changes, bytes_max)) for changes in shards]
    return [[pieces[part] if part < len(pieces) else [] for pieces in cut] for part in range(max(map(len, cut)))]


def _cut(changes: list[PaneChange], bytes_max: int) -> Iterator[list[PaneChange]]:
    piece: list[PaneChange] = []
    size = 0
    for change in changes:
        # At most so much as MessagePack: 24 for what is always there, 12 for a code and its number, 4 for a character.
        more = 24 + 12 * len(change.cell) + len(change.series) * (1 if change.series.isascii() else 4)
        if piece and size + more > bytes_max:
            yield piece
            piece, size = [], 0
        piece.append(change)
        size += more
    yield piece


class Said(NamedTuple):
    """What a flush says beside its changes; fields as in Frame."""

    watermark_ms: int | None
    idle: bool
    ended_ms: int | None


class Framing:
    """What one source partition has told merge so far: the last frame number, and the watermark under it."""

    def __init__(self, source: int, number: int, watermark_ms: int | None) -> None:
        self.number, self.watermark_ms = number, watermark_ms
        self._source = source
        self._said: Said | None = None
        self._sent_ms = 0

    def frames(
        self,
        said: Said,
        shards: Sequence[list[PaneChange]],
        waiting: Sequence[list[WaitingLevel] | None],
        read_ms: int | None,
        now_ms: int,
        backlog: Sequence[dict[str, int]] | None = None,
    ) -> list[Frame]:
        """The changes of a flush as frames, one for each shard, in rounds where there is much, each under the next number.

        None where nothing is new and the last flush is younger than PULSE_MS. What comes before the last round says nothing new
        but its changes, under the watermark told before: no window may close between the rounds.
        """
        is_quiet = said == self._said and not any(shards) and all(levels is None for levels in waiting) and backlog is None
        if is_quiet and now_ms - self._sent_ms < PULSE_MS:
            return []
        self._said, self._sent_ms = said, now_ms
        *parts, last = parts_of(shards)
        frames = []
        for part in parts:
            frames += self._round(Said(self.watermark_ms, idle=False, ended_ms=None), part, [None] * len(part), read_ms, now_ms)
        self.watermark_ms = said.watermark_ms
        return [*frames, *self._round(said, last, waiting, read_ms, now_ms, backlog)]

    def _round(
        self,
        said: Said,
        part: Sequence[list[PaneChange]],
        waiting: Sequence[list[WaitingLevel] | None],
        read_ms: int | None,
        now_ms: int,
        backlog: Sequence[dict[str, int]] | None = None,
    ) -> list[Frame]:
        self.number += 1
        levels_of: Sequence[dict[str, int] | None] = [None] * len(part) if backlog is None else backlog
        return [
            Frame(
                source=self._source,
                number=self.number,
                watermark_ms=said.watermark_ms,
                idle=said.idle,
                read_ms=read_ms if changes else None,
                sent_ms=now_ms,
                changes=changes,
                waiting=levels,
                ended_ms=said.ended_ms,
                backlog=open_contacts,
            )
            for changes, levels, open_contacts in zip(part, waiting, levels_of, strict=True)
        ]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Frame)


def encode_frame(frame: Frame) -> bytes:
    """A frame as bytes."""
    return _ENCODER.encode(frame)


def decode_frame(data: bytes) -> Frame:
    """Bytes of `encode_frame` as a frame; asserts the version, because inner topics are written by this program only."""
    frame = _DECODER.decode(data)
    assert frame.version == VERSION, f"frame version {frame.version}, this program reads {VERSION}: upgrade all workers"
    return frame


class MinuteRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One series in one closed minute [start_ms, start_ms + 60,000): its cell. A series without a row had no contacts."""

    series: str
    start_ms: int
    cell: Cell


class MinuteFrame(msgspec.Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """What merge hands to detect: the minutes that one shard closed in one flush, for the watched cuts.

    Detect needs every series side by side (hierarchy, contribution), so the topic `minutes` has one partition. Every minute that
    ends at or before `closed_ms` is closed on this shard. Frames of one shard are numbered without gaps. ended_ms: all source
    partitions have ended, the last at this event time.
    """

    version: int = VERSION
    shard: int
    shards: int
    number: int
    closed_ms: int
    rows: list[MinuteRow]
    ended_ms: int | None = None


_MINUTE_DECODER = msgspec.msgpack.Decoder(MinuteFrame)


def encode_minutes(frame: MinuteFrame) -> bytes:
    """A minute frame as bytes."""
    return _ENCODER.encode(frame)


def decode_minutes(data: bytes) -> MinuteFrame:
    """Bytes of `encode_minutes` as a frame; asserts the version."""
    frame = _MINUTE_DECODER.decode(data)
    assert frame.version == VERSION, f"minutes version {frame.version}, this program reads {VERSION}: upgrade all workers"
    return frame
