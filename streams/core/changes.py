"""What intake gives back at a drain: frames for merge, refused and late records, and counts. Everything since the last drain."""

from collections.abc import Iterable

import msgspec

from streams.core.aside import Kept
from streams.core.contact import Contact, Pulse
from streams.core.event import Reason
from streams.core.frame import Frame


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A refused record as it came, and why."""

    record: Kept
    reason: Reason
    detail: str


class Late(msgspec.Struct, frozen=True, gc=False):
    """A record as it came that was too late for some windows: the kinds that had closed over it, shortest first."""

    record: Kept
    windows: tuple[str, ...]


class IntakeCounts(msgspec.Struct, kw_only=True):
    """What became of the records: consumed = accepted + duplicates + too_late + the sum of rejected.

    An accepted record went into at least one window (or is a heartbeat); one that was too late for some is also in `late`, by
    window. `too_late` were too late for all: they are in `late` under each window, and count nowhere else. contradictions: by
    kind. capped: series that a full cut turned into 'other', by cut.
    """

    consumed: int = 0
    accepted: int = 0
    duplicates: int = 0
    too_late: int = 0
    rejected: dict[str, int] = {}
    late: dict[str, int] = {}
    contradictions: dict[str, int] = {}
    capped: dict[str, int] = {}


class IntakeChanges(msgspec.Struct, frozen=True, kw_only=True):
    """One drain. frames: one per merge shard, in one round or more; none where nothing changed and the last ones are fresh.

    contacts: for journey, before the pulse, which comes with frames.
    """

    frames: list[Frame]
    rejected: list[Rejected]
    late: list[Late]
    counts: IntakeCounts
    contacts: list[Contact]
    pulse: Pulse | None


def count(counts: dict[str, int], names: Iterable[str]) -> None:
    """One more for each name."""
    for name in names:
        counts[name] = counts.get(name, 0) + 1
