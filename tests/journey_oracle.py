"""Contacts of a few customers by chance, as records of intake's, and what they come to.

It shares no code with journey: it looks at all contacts of a customer at once.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import blake2b
from typing import NamedTuple

from hypothesis import strategies as st
from intake_fakes import HOUR, MINUTE, RecordFake, Sums, make_rules

from streams.core.contact import PULSE_KEY, Contact, Pulse, encode_contact
from streams.core.journey import JourneyRules
from streams.core.watermark import NEVER

DAY = 24 * HOUR
START = 20_000 * DAY  # a midnight
W = 2 * DAY
KINDS = (MINUTE, 15 * MINUTE, HOUR, DAY)
NAMES = {"a": "AAAAAAAAAAAAAAAA", "b": "BBBBBBBBBBBBBBBB"}
GRACES = ("1m", "15m", "1h", "1d")


class Call(NamedTuple):
    """A contact; revision 1 says another queue and no escalation."""

    customer: str
    name: str
    ended_ms: int
    queue: str
    issue: str | None
    back_ms: int | None
    escalated: bool


@st.composite
def calls(draw: st.DrawFn, days: int) -> list[Call]:
    """Contacts of two customers, often close together."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        ended_ms = START + draw(st.integers(0, days * 24)) * HOUR + draw(st.sampled_from((0, 1, 30_000, 20 * MINUTE)))
        back_ms = ended_ms + draw(st.sampled_from((1_000, HOUR, 3 * DAY))) if draw(st.integers(0, 4)) == 0 else None
        queue, issue = draw(st.sampled_from(("billing", "sales"))), draw(st.sampled_from(("invoice", "outage", None)))
        found.append(Call(draw(st.sampled_from("ab")), f"i{number}", ended_ms, queue, issue, back_ms, draw(st.booleans())))
    return found


def oracle(found: list[Call]) -> Sums:
    """(pane, closed level, series) → what all contacts come to when every W is over."""
    total: dict[tuple[int, int, str], Counter[int]] = {}
    for call in found:
        own = sorted((c for c in found if c.customer == call.customer), key=lambda c: (c.ended_ms, _order(c)))
        same = [c for c in own if c.issue == call.issue]
        families = [(50, own)] + ([(55, same)] if call.issue is not None else [])
        for code, line in families:
            before, after = line[: line.index(call)], line[line.index(call) + 1 :]
            _count(total, call, 0, call.ended_ms, code)
            if before and call.ended_ms - before[-1].ended_ms < W:
                _count(total, call, 0, call.ended_ms, code + 1)
                if code == 50:
                    _count(total, call, 0, call.ended_ms, 60, call.ended_ms - before[-1].ended_ms)
                    _count(total, call, 0, call.ended_ms, 61, int(call.escalated))
                continue
            back = [c.ended_ms for c in after[:1]] + ([] if call.back_ms is None else [call.back_ms])
            followed = bool(back) and min(back) - call.ended_ms < W
            _count(total, call, 0, call.ended_ms + W, code + 3)
            _count(total, call, 0, call.ended_ms + W, code + 4, int(followed))
            level = next((k for k, ms in enumerate(KINDS) if back and min(back) // ms == call.ended_ms // ms), len(KINDS))
            if followed and level < len(KINDS):
                _count(total, call, level, call.ended_ms, code + 2)
    for key, cell in customers(found).items():
        total.setdefault(key, Counter()).update(cell)
    return whole(total)


def customers(found: list[Call]) -> Sums:
    """The part of it that is of a day's, week's and month's customers, by the number of their contacts."""
    total: dict[tuple[int, int, str], Counter[int]] = {}
    places: dict[tuple[int, int, str, str], list[int]] = {}  # code, period, series, customer → days of the contacts
    for call in found:
        for series in ("total", f"queue\x1f{call.queue}"):
            day = call.ended_ms // DAY * DAY
            week = (call.ended_ms // DAY + 3) // 7  # 1970 began on a Thursday
            month = date(1970, 1, 1) + timedelta(days=call.ended_ms // DAY)
            for code, period in ((63, day), (67, week), (71, 12 * month.year + month.month)):
                places.setdefault((code, period, series, call.customer), []).append(day)
    for (code, _, series, _), days in places.items():
        for times, day in enumerate(sorted(days)[:4], 1):
            total.setdefault((day, 3, series), Counter())[code + times] += 1
            total[day, 3, series][code + times - 1] -= times > 1
    return whole(total)


def whole(total: Mapping[tuple[int, int, str], Mapping[int, int]]) -> Sums:
    """Without what comes to nothing."""
    cells = {key: {code: n for code, n in cell.items() if n} for key, cell in total.items()}
    return {key: cell for key, cell in cells.items() if cell}


def _order(call: Call) -> bytes:
    return blake2b(call.name.encode(), digest_size=8).digest()


def _count(total: dict[tuple[int, int, str], Counter[int]], call: Call, level: int, time_ms: int, code: int, n: int = 1) -> None:
    for series in ("total", f"queue\x1f{call.queue}"):
        total.setdefault((time_ms - time_ms % 10_000, level, series), Counter())[code] += n


def rules(grace_ms: int, *more_cuts: str) -> JourneyRules:
    """With one grace for all windows."""
    counting = make_rules(cuts=("total", "queue", *more_cuts), graces_ms=tuple((kind, grace_ms) for kind in GRACES))
    return JourneyRules(counting=counting, sources=1, repeat_ms=W)


def record(call: Call, revision: int, known_ms: int = NEVER, removed: bool = False) -> RecordFake:
    """A contact as intake tells it, in one of its versions; removed: it turned out to be another customer's."""
    queue, escalated = (call.queue, call.escalated) if revision >= 2 else ("unsorted", False)
    back_ms = call.back_ms if revision >= 2 else None
    contact = Contact(
        customer=NAMES[call.customer],
        interaction_id=call.name,
        revision=revision,
        ended_ms=call.ended_ms,
        back_ms=back_ms,
        escalated=escalated,
        queue=queue,
        issue=call.issue,
        removed=removed,
        known_ms=known_ms,
    )
    return RecordFake(encode_contact(contact), key_=NAMES[call.customer].encode())


def pulse(time_ms: int, source: int = 0, *, idle: bool = False) -> RecordFake:
    """How far a partition of intake is."""
    told = Pulse(source=source, watermark_ms=time_ms, idle=idle, ended_ms=None, sent_ms=0)
    return RecordFake(encode_contact(told), key_=PULSE_KEY)
