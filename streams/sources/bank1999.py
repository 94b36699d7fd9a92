"""The Anonymous Bank's call-by-call file of 1999 (Technion): one row → offered, queued, answered, abandoned, completed.

Durations are the truth and stamps only anchor them: the file's own clocks disagree by seconds (`ser_start` is mostly a second
before `q_exit`), but the wait is `q_time` and the talk is `ser_time`, to the millisecond. The rules for dirty rows are
listed, with their numbers, in README.md beside this file.
"""

from collections.abc import Iterable, Iterator, Mapping
from csv import DictReader
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.core.errors import StreamsError
from streams.core.event import Reason, Rejection
from streams.sources.row import CanonicalEvent, Row

SOURCE = "bank1999"
COLUMNS = (
    *("vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time"),
    *("q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server"),
)
_ZONE = ZoneInfo("Asia/Jerusalem")
_NEVER = "0:00:00"
# No call in the file lasts above 90 minutes and no clock is off by more than 8: a stamp that seems half a day early is
# past midnight, one that seems a little early is skew.
_HALF_A_DAY = timedelta(hours=12)
# Nearly all callers of priority 0 are unknown (19,558 of 19,602 in February), those of 1 and 2 are known customers.
_SEGMENTS = {"0": "unidentified", "1": "regular", "2": "priority"}
_OUTCOMES = ("AGENT", "HANG", "PHANTOM")


class Rule(StrEnum):
    """What was done about a dirty row; counted by name."""

    PHANTOM = "phantom"
    MENU_ENTRY_TOO_LATE = "menu_entry_too_late"
    PAST_MIDNIGHT = "past_midnight"
    CLOCK_SKEW = "clock_skew"
    LEFT_IN_MENU = "left_in_menu"
    LEFT_AT_ONCE = "left_at_once"
    HANG_WITH_SERVICE = "hang_with_service"
    ANSWERED_WITHOUT_SERVICE = "answered_without_service"
    ANSWERED_WITHOUT_SERVER = "answered_without_server"


class _Call(NamedTuple):
    """One row, parsed; local times, `queue_start` None where the call never was in a queue."""

    entry: datetime
    exit: datetime
    queue_start: datetime | None
    queue_seconds: int
    service_start: datetime | None
    service_seconds: int
    outcome: str


class _FieldError(Exception):
    """A field that can't be read; becomes a Rejection at the end of `read_row`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(reason, detail)


def read_rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, Row | Rejection]]:
    """Rows of the tab-separated file with their line numbers; a missing column raises StreamsError."""
    reader = DictReader(lines, delimiter="\t")
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        count = f"{len(missing)} of its {len(COLUMNS)} tab-separated columns"
        raise StreamsError(f"{name} is no bank1999 file: {count} are missing, first '{missing[0]}'.")
    for row in reader:
        yield reader.line_num, read_row(row)


def read_row(row: Mapping[str, str | None]) -> Row | Rejection:
    """One row as canonical events in the order of the call's life; unreadable fields give a Rejection."""
    try:
        call = _parse(row)
        context = _context(row)
    except _FieldError as bad:
        return bad.rejection
    if call.outcome == "PHANTOM":
        return Row([], (Rule.PHANTOM,))
    return Row(_life(call, context, _field(row, "server")), tuple(_rules(call, _field(row, "server"))))


def _life(call: _Call, context: CanonicalEvent, server: str) -> list[CanonicalEvent]:
    """The events of a call: a call that was never in a queue is queued and answered when it leaves the menu."""
    waits = call.queue_start or call.exit
    offered_ms, waits_ms = _epoch_ms(min(call.entry, call.exit, waits)), _epoch_ms(waits)
    leaves_ms = waits_ms + call.queue_seconds * 1000
    offered = _event(context, "offered", offered_ms)
    if call.outcome == "HANG" and call.queue_start is None:
        return [offered, _event(context, "abandoned", waits_ms)]
    queued = _event(context, "queued", waits_ms)
    if call.outcome == "HANG":
        return [offered, queued, _event(context, "abandoned", leaves_ms)]
    answered = _event(context, "answered", leaves_ms)
    if server != "NO_SERVER":
        answered["agent_id"] = server
    completed = _event(context, "completed", leaves_ms + call.service_seconds * 1000)
    completed["talk_seconds"] = call.service_seconds
    return [offered, queued, answered, completed]


def _event(context: CanonicalEvent, event_type: str, time_ms: int) -> CanonicalEvent:
    return {**context, "id": f"{context['interaction_id']}/{event_type}", "type": event_type, "time": time_ms}


def _context(row: Mapping[str, str | None]) -> CanonicalEvent:
    """What every event of the call carries. `call_id` starts again on each line and day, so it needs both to be unique."""
    priority = _field(row, "priority")
    if priority not in _SEGMENTS:
        raise _FieldError(Reason.BAD_VALUE, "priority: expected 0, 1 or 2")
    context: CanonicalEvent = {
        "source": SOURCE,
        "interaction_id": f"{_field(row, 'vru+line')}-{_field(row, 'call_id')}-{_field(row, 'date')}",
        "channel": "voice",
        "queue": _field(row, "type"),
        "segment": _SEGMENTS[priority],
        "direction": "inbound",
    }
    if _field(row, "customer_id") != "0":
        context["customer_id"] = _field(row, "customer_id")
    return context


def _rules(call: _Call, server: str) -> Iterator[Rule]:
    """Names of the rules that a call needed."""
    stamps = [stamp for stamp in (call.exit, call.queue_start, call.service_start) if stamp is not None]
    waits = call.queue_start or call.exit
    leaves = waits + timedelta(seconds=call.queue_seconds)
    end = leaves if call.service_start is None else call.service_start + timedelta(seconds=call.service_seconds)
    if min(call.exit, waits) < call.entry:
        yield Rule.MENU_ENTRY_TOO_LATE
    if max(*stamps, leaves, end).date() > call.entry.date():
        yield Rule.PAST_MIDNIGHT
    if call.outcome == "HANG":
        if call.queue_start is None:
            yield Rule.LEFT_IN_MENU
        elif call.queue_seconds == 0:
            yield Rule.LEFT_AT_ONCE
        if call.service_seconds:
            yield Rule.HANG_WITH_SERVICE
        return
    if call.service_start is not None and call.service_start != leaves:
        yield Rule.CLOCK_SKEW
    if not call.service_seconds:
        yield Rule.ANSWERED_WITHOUT_SERVICE
    if server == "NO_SERVER":
        yield Rule.ANSWERED_WITHOUT_SERVER


def _parse(row: Mapping[str, str | None]) -> _Call:
    """Times of day become local times: the date is the menu entry's, and each later stamp may lie past midnight."""
    outcome = _field(row, "outcome")
    if outcome not in _OUTCOMES:
        raise _FieldError(Reason.BAD_VALUE, f"outcome: expected {', '.join(_OUTCOMES)}")
    queue_seconds, service_seconds = _seconds(row, "q_time"), _seconds(row, "ser_time")
    entry = _midnight(row) + _time_of_day(row, "vru_entry")
    leaves_menu = _after(entry, _time_of_day(row, "vru_exit"))
    # 0:00:00 in both stamps means that it did not happen; a queue entered at midnight has an exit or a duration.
    waited = bool(queue_seconds) or not _never(row, "q_start", "q_exit")
    queue_start = _after(leaves_menu, _time_of_day(row, "q_start")) if waited else None
    served = bool(service_seconds) or not _never(row, "ser_start", "ser_exit")
    service_start = _after(queue_start or leaves_menu, _time_of_day(row, "ser_start")) if served else None
    return _Call(entry, leaves_menu, queue_start, queue_seconds, service_start, service_seconds, outcome)


def _never(row: Mapping[str, str | None], start: str, end: str) -> bool:
    return _field(row, start) == _NEVER and _field(row, end) == _NEVER


def _after(previous: datetime, time_of_day: timedelta) -> datetime:
    """The local time with this time of day that belongs to `previous`: the next day's where it seems half a day early."""
    midnight = previous.replace(hour=0, minute=0, second=0)
    stamp = midnight + time_of_day
    return stamp + timedelta(days=1) if stamp < previous - _HALF_A_DAY else stamp


def _epoch_ms(local: datetime) -> int:
    return int(local.replace(tzinfo=_ZONE).timestamp()) * 1000


def _midnight(row: Mapping[str, str | None]) -> datetime:
    try:
        return datetime.strptime(_field(row, "date"), "%y%m%d")
    except ValueError as error:
        raise _FieldError(Reason.BAD_TIME, "date: expected yymmdd") from error


def _time_of_day(row: Mapping[str, str | None], name: str) -> timedelta:
    hours, _, rest = _field(row, name).partition(":")
    minutes, _, seconds = rest.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and seconds.isdecimal()):
        raise _FieldError(Reason.BAD_TIME, f"{name}: expected h:mm:ss")
    if int(hours) > 23 or int(minutes) > 59 or int(seconds) > 59:
        raise _FieldError(Reason.BAD_TIME, f"{name}: expected a time of day")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))


def _seconds(row: Mapping[str, str | None], name: str) -> int:
    text = _field(row, name)
    if not text.isdecimal():
        raise _FieldError(Reason.BAD_TYPE, f"{name}: expected whole seconds, 0 or more")
    return int(text)


def _field(row: Mapping[str, str | None], name: str) -> str:
    text = (row.get(name) or "").strip()
    if not text:
        raise _FieldError(Reason.MISSING_FIELD, f"{name}: expected a value")
    return text
