"""Roster: who will be at work in each queue, learned from who was; how long contacts take, and how many an agent has at once.

Nobody tells of rosters, and that who is there now stays isn't true before opening and before a shift ends. So people at work are
kept by weekday and slot, as they were last. The surprise: a slot to come has its usual people and as many more or fewer as are
there now, so a day on which some are ill is short all day, and a morning on which one comes late is short of one.
"""

from collections.abc import Collection, Mapping, MutableMapping
from zoneinfo import ZoneInfo

import msgspec

from streams.core.forecast_clock import MINUTE_MS, local_slot
from streams.core.measure import AFTER_CONTACT_MS, AVAILABLE_MS, HANDLED, HOLD_MS, ON_CONTACT_MS, TALK_MS, WRAP_MS, Cell
from streams.core.series import series_cut, series_of, series_values
from streams.core.staffing import HANDLED_MIN

META_KEY, DAY_PREFIX = b"_roster", b"_roster."
CUT, CHANNELS_CUT = "queue", "channel+queue"
DAY_MINUTES = 24 * 60
WEEKDAYS, WORKDAYS = 7, 5
HALF_LIFE_MINUTES = (
    240  # of handle times and channels: long enough for ten contacts of a small queue, short enough for a new tool
)
_UNKNOWN = -1.0
_WORKING = (AVAILABLE_MS, ON_CONTACT_MS, AFTER_CONTACT_MS)
_HANDLING = (TALK_MS, HOLD_MS, WRAP_MS)


class _Meta(msgspec.Struct, array_like=True):
    """The slot that fills: its layout and local day, so many minutes of it seen, the last of them, working time by queue;
    resting: queues of which nothing is learned. handled: contacts and milliseconds by queue, channels: contacts by queue and
    channel, both fading."""

    layout: str
    day: str = ""
    slot: int = 0
    minutes: int = 0
    last_ms: int = 0
    working: dict[str, int] = {}
    handled: dict[str, tuple[float, float]] = {}
    channels: dict[str, dict[str, float]] = {}
    resting: list[str] = []


_ENCODER = msgspec.msgpack.Encoder()
_META = msgspec.msgpack.Decoder(_Meta)
_DAY = msgspec.msgpack.Decoder(list[float])


class Roster:
    """All queues that ever had an agent. Rebuilds itself from `store`, which `drain` brings up to date."""

    def __init__(self, store: MutableMapping[bytes, bytes], slot_minutes: int, time_zone: str) -> None:
        self._store = store
        self._slot_minutes = slot_minutes
        self._zone = ZoneInfo(time_zone)
        self._meta = _Meta(layout=f"{slot_minutes} {time_zone}")
        self._days: dict[bytes, list[float]] = {}  # by key: people at work in each slot of a weekday
        self._now: dict[str, tuple[float, float | None]] = {}  # in the slot that ended last: people, and as many as usual
        self._changed: set[bytes] = set()
        self.queues: set[str] = set()
        self._restore()

    def take(self, start_ms: int, cells: Mapping[str, Cell], contacts: Mapping[str, int], resting: Collection[str] = ()) -> bool:
        """A minute that is over: cells of queues, contacts offered by series; nothing is learned of `resting` queues. True if a
        slot ended with it seen to its end."""
        day, slot = local_slot(start_ms, self._zone, self._slot_minutes)
        meta, ended = self._meta, False
        if (day.isoformat(), slot) != (meta.day, meta.slot):
            ended = start_ms - meta.last_ms == MINUTE_MS and 2 * meta.minutes >= self._slot_minutes
            self._end_slot(learn=ended)
            meta.day, meta.slot, meta.minutes, meta.working, meta.resting = day.isoformat(), slot, 0, {}, []
        meta.minutes += 1
        meta.last_ms = start_ms
        meta.resting += [series for series in resting if series not in meta.resting]
        for series, cell in cells.items():
            if series not in resting:
                self._add(series, cell)
        for series, offered in contacts.items():
            if series_cut(series) == CHANNELS_CUT:
                values = series_values(series)
                by_channel = meta.channels.setdefault(series_of(CUT, values["queue"]), {})
                by_channel[values["channel"]] = by_channel.get(values["channel"], 0.0) + offered
        self._changed.add(META_KEY)
        return ended

    def people(self, series: str, at_ms: int) -> float | None:
        """People expected at work in a slot to come; None where nobody knows: neither today nor on such a day before, or where
        all who are usual now are missing, which is more often a feed that fails than a strike."""
        usual = self._usual(series, at_ms)
        now, usual_now = self._now.get(series, (0.0, None))
        if usual is None or usual_now is None or (now == 0 and usual_now > 0):
            return None
        share = min(1.0, usual / usual_now) if usual_now else 1.0
        return max(0.0, usual + share * (now - usual_now))

    def handle_seconds(self, series: str) -> float | None:
        """What a contact takes lately; None of too few contacts."""
        contacts, spent_ms = self._meta.handled.get(series, (0.0, 0.0))
        return spent_ms / contacts / 1000 if contacts >= HANDLED_MIN and spent_ms > 0 else None

    def at_once(self, series: str, concurrency: Mapping[str, float]) -> float:
        """Contacts that an agent of a queue has at once, by the channels that its contacts come by."""
        by_channel = self._meta.channels.get(series, {})
        apart = sum(contacts / concurrency.get(channel, 1.0) for channel, contacts in by_channel.items())
        return sum(by_channel.values()) / apart if apart else 1.0

    def end_ms(self) -> int:
        """When the newest minute ended."""
        return self._meta.last_ms + MINUTE_MS

    def drain(self) -> None:
        """Write what changed into the store."""
        for key in self._changed:
            self._store[key] = _ENCODER.encode(self._meta if key == META_KEY else self._days[key])
        self._changed = set()

    def _add(self, series: str, cell: Cell) -> None:
        meta = self._meta
        working = sum(cell.get(code, 0) for code in _WORKING)
        if working:
            meta.working[series] = meta.working.get(series, 0) + working
        contacts, spent_ms = cell.get(HANDLED, 0), sum(cell.get(code, 0) for code in _HANDLING)
        if contacts or spent_ms:
            before = meta.handled.get(series, (0.0, 0.0))
            meta.handled[series] = (before[0] + contacts, before[1] + spent_ms)

    def _end_slot(self, *, learn: bool) -> None:
        """Who was at work in the slot is who is at work now, and who is usual in it from next time on."""
        meta, self._now = self._meta, {}
        kept = 0.5 ** (self._slot_minutes / HALF_LIFE_MINUTES)
        meta.handled = {queue: (kept * contacts, kept * ms) for queue, (contacts, ms) in meta.handled.items()}
        meta.channels = {
            queue: {channel: kept * contacts for channel, contacts in found.items()} for queue, found in meta.channels.items()
        }
        if not learn:
            return
        self.queues |= meta.working.keys()
        weekday = local_slot(meta.last_ms, self._zone, self._slot_minutes)[0].weekday()
        for series in self.queues - set(meta.resting):
            people = meta.working.get(series, 0) / (meta.minutes * MINUTE_MS)
            self._now[series] = (people, self._usual(series, meta.last_ms))
            key = _key(weekday, series)
            self._days.setdefault(key, [_UNKNOWN] * (DAY_MINUTES // self._slot_minutes))[meta.slot] = round(people, 2)
            self._changed.add(key)

    def _usual(self, series: str, at_ms: int) -> float | None:
        """As many as were there on the last such weekday, or else on the newest day before that is a working day as well, or a
        day of a weekend as well."""
        day, slot = local_slot(at_ms, self._zone, self._slot_minutes)
        weekday = day.weekday()
        before = [(weekday - days) % WEEKDAYS for days in range(WEEKDAYS)]
        for one in before:
            known = self._days.get(_key(one, series))
            if (one < WORKDAYS) == (weekday < WORKDAYS) and known is not None and known[slot] != _UNKNOWN:
                return known[slot]
        return None

    def _restore(self) -> None:
        """What was learned, unless it is laid out for other slots: then all is learned anew."""
        if META_KEY not in self._store:
            return
        meta = _META.decode(self._store[META_KEY])
        keys = [key for key in self._store if key.startswith(DAY_PREFIX)]
        if meta.layout != self._meta.layout:
            for key in (META_KEY, *keys):
                del self._store[key]
            return
        self._meta = meta
        self._days = {key: _DAY.decode(self._store[key]) for key in keys}
        self.queues = {key[len(DAY_PREFIX) + 1 :].decode() for key in keys}


def _key(weekday: int, series: str) -> bytes:
    return DAY_PREFIX + f"{weekday}{series}".encode()
