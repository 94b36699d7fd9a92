"""A queue of 40 agents, 50 at its peak, for tests of shortages: contacts, staff, and what detect keeps of four usual days."""

from collections.abc import Callable
from itertools import pairwise

from contribution_rules import NO_CONTRIBUTION
from detect_rules import DETECT
from forecast_rules import FORECAST
from msgspec.structs import replace

from streams import rules, settings
from streams.core import measure as m
from streams.core.alert import Alert
from streams.core.detect import Detect, DetectRules
from streams.core.forecasting import Forecasting
from streams.core.frame import MinuteFrame, MinuteRow
from streams.core.measure import Cell
from streams.core.roster import Roster
from streams.core.shortage_verdict import ShortageRules

MINUTE_MS, DAY = 60_000, 1440
MONDAY_MS = 1_709_510_400_000  # 4 March 2024, UTC
BILLING = "queue\x1fbilling"
DEFAULT = rules.shortage_rules(settings.load([], {}))
assert DEFAULT is not None
SHORTAGE: ShortageRules = DEFAULT
RULES = replace(
    DETECT,
    cuts=("total", "queue"),
    forecast=replace(FORECAST, cuts=("total", "queue")),
    contribution=replace(NO_CONTRIBUTION, cuts=("channel+queue",)),
    shortage=SHORTAGE,
)


def at(day: int, clock: str) -> int:
    """Minutes since the first Monday's midnight: (2, '14:15')."""
    hour, minute = clock.split(":")
    return day * DAY + int(hour) * 60 + int(minute)


NOW = at(4, "11:00")


def contacts_at(minute: int) -> int:
    """Four a minute from 8 to 20, eight from 14 to 15: 120 a quarter of an hour."""
    of_day = minute % DAY
    return (8 if 840 <= of_day < 900 else 4) if 480 <= of_day < 1200 else 0


def staff_at(minute: int) -> int:
    """40 from 8 to 20, 50 from 14 to 15; three come a quarter before 8."""
    of_day = minute % DAY
    if 465 <= of_day < 480:
        return 3
    return (50 if 840 <= of_day < 900 else 40) if 480 <= of_day < 1200 else 0


Staff = Callable[[int], int]


def frame(minute: int, staff: Staff, channel: str = "voice") -> MinuteFrame:
    """A minute of billing: contacts of five minutes each, so many agents at work and five on a break."""
    contacts, people, start_ms = contacts_at(minute), staff(minute), MONDAY_MS + minute * MINUTE_MS
    of_contacts = {m.OFFERED: contacts, m.HANDLED: contacts, m.TALK_MS: contacts * 300_000} if contacts else {}
    of_agents: Cell = {m.AVAILABLE_MS: people * 20_000, m.ON_CONTACT_MS: people * 40_000} if people else {}
    rows = [MinuteRow(BILLING, start_ms, of_contacts | of_agents | {m.BREAK_MS: 300_000})]
    if contacts:
        rows += [MinuteRow("total", start_ms, {m.OFFERED: contacts})]
        rows += [MinuteRow(f"channel+queue\x1f{channel}\x1fbilling", start_ms, {m.OFFERED: contacts})]
    return MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)


Store = dict[bytes, bytes]


def go_on(store: Store, staff: Staff, begin: int, end: int, rules: DetectRules = RULES) -> list[Alert]:
    """Shortages told in [begin, end); the store goes on with it."""
    detect = Detect(store, rules)
    for minute in range(begin, end):
        detect.apply([frame(minute, staff)])
    return [alert for alert in detect.drain(0).alerts if alert.kind == "shortage"]


def learned(until: int) -> Store:
    """What detect keeps of so many minutes with the usual staff, as far as it matters here."""
    store: Store = {}
    forecasting, roster = Forecasting(store, RULES.forecast), Roster(store, 15, "UTC")
    for minute in range(until):
        of_minute, start_ms = frame(minute, staff_at), MONDAY_MS + minute * MINUTE_MS
        contacts = {row.series: row.cell[m.OFFERED] for row in of_minute.rows if m.OFFERED in row.cell}
        roster.take(start_ms, {row.series: row.cell for row in of_minute.rows if row.series == BILLING}, contacts)
        if minute % 15 == 0:
            forecasting.take(start_ms, {series: 15 * number for series, number in contacts.items()})
    forecasting.drain(0)
    roster.drain()
    return store


def friday(usual: Store, staff: Staff, until: str, rules: DetectRules = RULES) -> list[Alert]:
    """Shortages told from now on."""
    return go_on(usual.copy(), staff, NOW, at(4, until), rules)


def fewer(missing: int, begin: str, end: str = "23:59") -> Staff:
    """The usual staff but so many on Friday in [begin, end)."""
    return lambda minute: max(0, staff_at(minute) - (missing if at(4, begin) <= minute < at(4, end) else 0))


def states(alerts: list[Alert]) -> list[tuple[str, int]]:
    """State and minute of each change of state."""
    found = ["", *(alert.state for alert in alerts)]
    changes = zip(alerts, pairwise(found), strict=True)
    return [(alert.state, (alert.updated_ms - MONDAY_MS) // MINUTE_MS) for alert, (before, now) in changes if before != now]
