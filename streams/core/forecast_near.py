"""Near: the forecast of the next hours only, of the few series that somebody asks for.

What leaves the system is made record by record with paths of whole days (forecast_record.py), at 2 ms each; whoever wants to know
each quarter of an hour whether a queue has people enough needs neither. Means and bands are the same to the last digit.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.core.forecast import Forecaster
from streams.core.forecast_clock import MINUTE_MS, slot_starts
from streams.core.forecast_record import chance_beyond
from streams.core.profile import DAYS_MIN


class NearSlot(NamedTuple):
    """A slot to come and the contacts expected in it; place: day and slot in the forecaster."""

    start_ms: int
    place: tuple[int, int]
    mean: float


class Near:
    """The next slots as seen from one origin. It reads the forecaster: ask before that goes on."""

    def __init__(self, forecaster: Forecaster, today: tuple[date, ZoneInfo], rows: Mapping[str, int], minutes: int) -> None:
        self._rows = rows
        self._ready = forecaster.ready & (forecaster.days_behind() >= DAYS_MIN)
        self._means = forecaster.means()[:2]
        self._margins = forecaster.margins()
        day, zone = today
        starts = [
            (start_ms, (number, slot))
            for number in (0, 1)
            for slot, start_ms in enumerate(
                slot_starts(day + timedelta(days=number), zone, forecaster.slots, forecaster.slot_minutes)
            )
            if start_ms is not None and (number, slot) >= (0, forecaster.slot)
        ]
        end_ms = min((start_ms for start_ms, _ in starts), default=0) + minutes * MINUTE_MS
        self._starts = [each for each in starts if each[0] < end_ms]

    def slots(self, series: str) -> list[NearSlot]:
        """The slots of a series; none where it has no profile yet: the shape of one day is known too roughly to call somebody."""
        row = self._rows.get(series)
        if row is None or not self._ready[row]:
            return []
        return [NearSlot(start_ms, place, float(self._means[place[0], row, place[1]])) for start_ms, place in self._starts]

    def chance_above(self, series: str, slot: NearSlot, capacity: float) -> float:
        """P(contacts of a slot > capacity)."""
        (day, number), row = slot.place, self._rows[series]
        (low_80, high_80), (low_95, high_95) = self._margins.bounds((day, row), self._means[day, row])[:, :, number]
        return chance_beyond((float(low_95), float(low_80), slot.mean, float(high_80), float(high_95)), capacity)
