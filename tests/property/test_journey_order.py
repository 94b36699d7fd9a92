"""The law of journey on two partitions of intake: how they were read, in which batches and with which restarts, changes nothing.

Contacts come late by up to two days, in two versions, and turn out to be another customer's. A final window holds what was known
of its customers when its own partition's watermark closed it; the oracle says so by looking at each window alone. Weeks and
months hold the customers of their days: whatever became known of a day that was closed is in none of them.
"""

from collections import Counter
from typing import NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import HOUR, MINUTE, RecordFake, Sums, make_rules, sums
from journey_oracle import DAY, KINDS, START, Call, W, calls, customers, oracle, pulse, record, whole
from laws import examples

from streams.core.journey import Journey, JourneyRules

GRACES_MS = (2 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR)
RULES = JourneyRules(counting=make_rules(cuts=("total", "queue")), sources=2, repeat_ms=W)
END = START + 40 * DAY  # when the month is over, too
AFTER_MS = (0, 1, 5 * MINUTE, 2 * HOUR, 26 * HOUR, 50 * HOUR)  # from one version to the next
CUSTOMERS = range(64, 76)  # codes of a day's, week's and month's
LATE_MS = (-30_000, -1, MINUTE, 20 * MINUTE, 3 * HOUR, 30 * HOUR, 48 * HOUR)


class Known(NamedTuple):
    """A version of a contact, and the watermark of its partition when it was known."""

    known_ms: int
    revision: int
    call: Call


@st.composite
def versions(draw: st.DrawFn) -> list[Known]:
    """One to three of each contact."""
    found = []
    for call in draw(calls(4)):
        first_ms = call.ended_ms + draw(st.sampled_from(LATE_MS))
        if draw(st.booleans()):
            found.append(Known(first_ms, 1, call))
            first_ms += draw(st.sampled_from(AFTER_MS))
        found.append(Known(first_ms, 2, call))
        if draw(st.integers(0, 3)) == 0:
            found.append(Known(first_ms + draw(st.sampled_from(AFTER_MS)), 3, call))
    return found


def records(known: Known) -> list[RecordFake]:
    """What intake says of a version; the third is that the contact was the other customer's."""
    if known.revision < 3:
        return [record(known.call, known.revision, known.known_ms)]
    return [record(known.call, 3, known.known_ms, removed=True), record(_moved(known.call), 3, known.known_ms)]


def _moved(call: Call) -> Call:
    return call._replace(customer="b" if call.customer == "a" else "a")


@st.composite
def logs(draw: st.DrawFn, found: list[Known], source: int) -> list[list[RecordFake]]:
    """What one partition of intake sends, by its flushes: contacts, then how far it is."""
    own = sorted((known for known in found if int(known.call.name[1:]) % 2 == source), key=lambda known: known[:2])
    flushes: list[list[RecordFake]] = [[pulse(START - DAY, source)]]
    for number, known in enumerate(own):
        flushes[-1][-1:-1] = records(known)
        told_ms = draw(st.sampled_from((known.known_ms, own[number + 1].known_ms if number + 1 < len(own) else END)))
        flushes[-1][-1] = pulse(told_ms, source)
        if draw(st.booleans()):
            flushes.append([pulse(told_ms, source)])
    return [*flushes, [pulse(END, source)]]


def windows(found: Sums) -> dict[tuple[int, int, str], dict[int, int]]:
    """(pane, kind, series) → what the pane gives to its window of the kind: contributions of all levels up to it."""
    total: dict[tuple[int, int, str], Counter[int]] = {}
    for (pane_ms, level, series), cell in found.items():
        for kind in range(level, len(KINDS)):
            total.setdefault((pane_ms, kind, series), Counter()).update(cell)
    return whole(total)


def expected(found: list[Known]) -> dict[tuple[int, int, str], dict[int, int]]:
    """The same, of each window by what was known when it closed."""
    panes = {key[0] for state in _states(found) for key in oracle(state)}
    total: dict[tuple[int, int, str], Counter[int]] = {}
    for pane_ms in panes:
        for kind, length_ms in enumerate(KINDS):
            for key, cell in windows(oracle(_at_close(found, pane_ms, kind))).items():
                if key[:2] == (pane_ms, kind):
                    total[key] = Counter({code: n for code, n in cell.items() if length_ms < DAY or code not in CUSTOMERS})
    days = {call.ended_ms // DAY * DAY for _, _, call in found}
    of_days = [call for day in days for call in _at_close(found, day, 3) if call.ended_ms // DAY * DAY == day]
    for key, cell in customers(of_days).items():
        total.setdefault(key, Counter()).update(cell)
    return whole(total)


def _at_close(found: list[Known], pane_ms: int, kind: int) -> list[Call]:
    """What was known when the window of a pane closed."""
    closed_ms = pane_ms // KINDS[kind] * KINDS[kind] + KINDS[kind] + GRACES_MS[kind]
    return _state([known for known in found if known.known_ms < closed_ms])


def _states(found: list[Known]) -> list[list[Call]]:
    return [_state([known for known in found if known.known_ms <= until_ms]) for until_ms in {known.known_ms for known in found}]


def _state(found: list[Known]) -> list[Call]:
    """The newest version of each contact."""
    newest: dict[str, Call] = {}
    for known in sorted(found, key=lambda known: known.revision):
        call = known.call
        first = call._replace(queue="unsorted", escalated=False, back_ms=None)
        newest[call.name] = (first, call, _moved(call))[known.revision - 1]
    return list(newest.values())


@examples(80)
@given(versions(), st.data())
def test_final_windows_hold_what_was_known_when_they_closed_however_partitions_were_read(
    found: list[Known], data: st.DataObject
) -> None:
    one, other = data.draw(logs(found, 0)), data.draw(logs(found, 1))
    turns = data.draw(st.permutations([0] * len(one) + [1] * len(other)))
    drains = data.draw(st.lists(st.booleans(), min_size=1, max_size=5))
    store: dict[bytes, bytes] = {}
    own = msgspec.structs.replace(RULES, customers_max=data.draw(st.sampled_from((1, 10_000))))
    journey, frames, ways = Journey(2, store, own), [], (iter(one), iter(other))
    for number, source in enumerate(turns):
        journey.apply(next(ways[source]), 0)
        if drains[number % len(drains)]:
            frames += journey.drain(number, 0).frames
            journey = Journey(2, store, own)
    while not frames or frames[-1].watermark_ms != END:
        frames += journey.drain(1_000_000, 0).frames
    assert windows(sums(frames)) == expected(found)
    assert {key[:1] for key in store} <= {b"m", b"s"}
