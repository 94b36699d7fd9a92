"""Slots of local days: which one a moment belongs to, and when those of a day begin.

Days are planned by the clock on the wall, so a slot is a quarter of an hour of local time. The surprise: where the clock goes
forward the slots of an hour don't exist, and of an hour that comes twice only the first counts.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_slot(time_ms: int, zone: ZoneInfo, slot_minutes: int) -> tuple[date, int]:
    """The local day and slot that hold a moment."""
    local = (_EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)
    return local.date(), (local.hour * 60 + local.minute) // slot_minutes


def slot_starts(day: date, zone: ZoneInfo, slots: int, slot_minutes: int) -> list[int | None]:
    """When each slot of a day begins (ms); None for those that the clock skips."""
    found: list[int | None] = []
    for slot in range(slots):
        hour, minute = divmod(slot * slot_minutes, 60)
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        start_ms = (local.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
        found.append(start_ms if local_slot(start_ms, zone, slot_minutes) == (day, slot) else None)
    return found
