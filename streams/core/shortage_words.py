"""What an alert of a shortage says: when, by how much, and what to do, in sentences that whoever runs the floor acts on."""

from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

from streams.core.alert import Alert
from streams.core.staffing import StaffingRules


def advice(alert: Alert, rules: StaffingRules, time_zone: str) -> str:
    """'At 14:15 billing will exceed its staff: 130 contacts in 15 min expected, 99 can be taken by 13.0 people with …'."""
    seen, zone = alert.foreseen, ZoneInfo(time_zone)
    assert seen is not None, "an alert of a shortage foresees something"
    assert alert.value is not None, "it has the worst slot's contacts"
    assert alert.limit is not None, "it has what is taken of them"
    queue, target = alert.series["queue"], rules.target(alert.series)
    missing = max(1, ceil(round(seen.people_needed - seen.people, 2)))
    start, end, worst = (_at(time_ms, zone) for time_ms in (seen.start_ms, seen.end_ms, seen.worst_ms))
    at_worst = "then" if worst == start else f"at {worst}"
    return (
        f"At {start} {queue} will exceed its staff, until {end}: {alert.value:.0f} contacts in {seen.slot_minutes} min expected "
        f"{at_worst}, {alert.value - alert.limit:.0f} more than the {seen.people:.1f} people at work take with "
        f"{100 * target.share:.0f} % in {target.seconds:g} s ({100 * seen.chance:.0f} % sure); "
        f"{seen.people_needed:.1f} are needed, "
        f"{missing} missing. Move or call in {missing}, or offer call-backs: `streams recommend` says who can help."
    )


def _at(time_ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, zone):%H:%M}"
