"""The law of merge's followers: no window closes before journey has said its part, however far behind intake it is read.

Intake falls idle and wakes with events of much later; journey, which is one stage behind, has then still said that all is idle.
"""

from collections import Counter
from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import HOUR, make_rules
from journey_oracle import DAY, KINDS, START, Call, W, calls, pulse, record
from laws import examples
from merge_feed import RULES

from streams.core.frame import Frame
from streams.core.journey import Journey, JourneyRules
from streams.core.measure_journey import NAMES
from streams.core.merge import Merge, MergeChanges
from streams.core.trend import TUMBLING

COUNTING = make_rules(cuts=("total", "queue"), shards=1)
JOURNEY = JourneyRules(counting=COUNTING, sources=1, repeat_ms=W)
MERGE = msgspec.structs.replace(RULES, sources=2, followers=1, time_zone="UTC", graces_ms=COUNTING.graces_ms)
END = START + 20 * DAY
BY_DAY = range(63, 76)  # customers, whose week and month are told as something else

Finals = dict[tuple[str, str, int], dict[str, int]]


class Flush(NamedTuple):
    """What a transaction of intake says: contacts that have ended since the last one, and how far it is."""

    ended: list[Call]
    until_ms: int
    idle: bool


@st.composite
def flushes(draw: st.DrawFn) -> list[Flush]:
    """An hour to a day of event time each."""
    waiting = sorted(draw(calls(5)), key=lambda call: call.ended_ms)
    found, until_ms = [], START
    while waiting:
        until_ms += draw(st.sampled_from((HOUR, 5 * HOUR, DAY)))
        ended = [call for call in waiting if call.ended_ms < until_ms]
        waiting = waiting[len(ended) :]
        found.append(Flush(ended, until_ms, draw(st.booleans())))
    return [*found, Flush([], END, idle=False)]


def frames_of(told: list[Flush]) -> tuple[list[Frame], list[list[Frame]]]:
    """Of each flush the frame of intake, and what journey makes of it."""
    journey, own, theirs = Journey(1, {}, JOURNEY), [], []
    for number, flush in enumerate(told, 1):
        own.append(Frame(source=0, number=number, watermark_ms=flush.until_ms, idle=flush.idle, read_ms=1, sent_ms=1, changes=[]))
        journey.apply([record(call, 2, call.ended_ms) for call in flush.ended], 0)
        journey.apply([pulse(flush.until_ms, idle=flush.idle)], 0)
        theirs.append(journey.drain(number, 0).frames)
    return own, theirs


def recount(frames: list[list[Frame]]) -> Finals:
    """What journey's contributions come to in each window that is open to them."""
    total: dict[tuple[str, str, int], Counter[str]] = {}
    for change in (change for of_flush in frames for frame in of_flush for change in frame.changes):
        for kind in range(change.closed, len(KINDS)):
            key = (TUMBLING[kind], change.series, change.pane_ms // KINDS[kind] * KINDS[kind])
            named = {NAMES[code]: n for code, n in change.cell.items() if code not in BY_DAY}
            total.setdefault(key, Counter()).update(named)
    return _whole(total)


def finals_of(drained: list[MergeChanges]) -> Finals:
    records = [(series, trend) for changes in drained for series, trend in changes.trends if trend.final]
    names = {name for code, name in NAMES.items() if code < BY_DAY.start}
    tumbling = [(series, trend) for series, trend in records if trend.window.kind in TUMBLING]
    return _whole(
        {
            (trend.window.kind, series, trend.window.start_ms): Counter({k: n for k, n in trend.measures.items() if k in names})
            for series, trend in tumbling
        }
    )


def _whole(total: dict[tuple[str, str, int], Counter[str]]) -> Finals:
    cells = {key: {name: n for name, n in cell.items() if n} for key, cell in total.items()}
    return {key: cell for key, cell in cells.items() if cell}


@examples(80)
@given(flushes(), st.data())
def test_final_windows_hold_all_that_journey_says_of_them_however_late_it_is_read(told: list[Flush], data: st.DataObject) -> None:
    own, theirs = frames_of(told)
    # Journey is so many flushes behind.
    behind = data.draw(st.lists(st.integers(0, 3), min_size=len(told), max_size=len(told)))
    turns = sorted([(number, 0, number) for number in range(len(own))] + [(n + b, 1, n) for n, b in enumerate(behind)])
    in_order = iter(theirs)  # whichever is due; the frames of a source come in order
    merge, drained = Merge(0, {}, MERGE), []
    for now, (_, source, number) in enumerate(turns):
        merge.apply(next(in_order) if source else [own[number]])
        drained.append(merge.drain(now))
    drained += [merge.drain(1_000 + now) for now in range(10)]
    assert [changes.late for changes in drained if changes.late] == []
    assert finals_of(drained) == recount(theirs)
