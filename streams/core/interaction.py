"""One interaction: a set of facts, and what it contributes, a pure function of them.

`fold` is the one definition: it steps through the facts in order (time, kind, id, source). A fact that comes in order may step
the life that stands there instead, which gives the same; anything else is folded anew and the difference counted. The surprise:
what is contradictory is measured once and counted by kind; nothing is refused here.

A *segment* is one stay in a queue and with whoever answers; a transfer ends it, a queue entry begins the next.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import msgspec

from streams.core import facts as fact
from streams.core import measure as m
from streams.core.context import Combination, Context, Contexts
from streams.core.facts import Fact
from streams.core.measure import Cell
from streams.core.rules import IntakeRules

NEVER = -1  # before any event time; one byte where it is stored

# Phases. An interaction is open in those from OPEN to TALKING; NEW has told nothing that begins one (a survey that comes alone).
NEW, OPEN, WAITING, TALKING, ABANDONED, COMPLETED, TIMED_OUT = range(7)


class Contradiction(StrEnum):
    """Facts that can't both be true of one segment; closed, so that it can be a metric label."""

    OFFERED_TWICE = "offered_twice"
    ANSWERED_TWICE = "answered_twice"
    ANSWERED_AFTER_ABANDONED = "answered_after_abandoned"
    ABANDONED_TWICE = "abandoned_twice"
    ABANDONED_AFTER_ANSWERED = "abandoned_after_answered"
    ABANDONED_AFTER_END = "abandoned_after_end"
    COMPLETED_TWICE = "completed_twice"
    COMPLETED_BEFORE_OFFERED = "completed_before_offered"


Odd: TypeAlias = dict[Contradiction, int]


class Life(msgspec.Struct, gc=False):
    """Where an interaction stands after some of its facts; the only mutable thing here, stepped in place.

    last_ms: time of the last fact, or of the time-out that followed it. queued_ms: since when it waits (WAITING only).
    answered_ms: start of the talk (TALKING only). talk_ms, answers, transfers, escalations: since the last completion.
    """

    context: Context
    phase: int = NEW
    last_ms: int = NEVER
    offered: bool = False
    queued_ms: int = NEVER
    answered_ms: int = NEVER
    completed_ms: int = NEVER
    talk_ms: int = 0
    answers: int = 0
    transfers: int = 0
    escalations: int = 0


class Contribution(NamedTuple):
    """What facts come to: cells by pane start and combination, contradictions, and the life after them."""

    cells: dict[tuple[int, Combination], Cell]
    odd: Odd
    life: Life


def is_open(life: Life) -> bool:
    """Whether the interaction has begun and not ended."""
    return OPEN <= life.phase <= TALKING


def first_context(facts: Sequence[Fact], contexts: Contexts) -> Context:
    """The first known value of each dimension."""
    first = contexts.nothing
    for known in facts:
        first = contexts.sum(first, contexts.of(known.dims))[1]
    return first


def fold(
    facts: Sequence[Fact], first: Context, contexts: Contexts, rules: IntakeRules, timed_out: Callable[[int], bool]
) -> Contribution:
    """What sorted facts contribute. `timed_out` says of a due time (ms) whether the watermark has passed it.

    A dimension's value at a fact is the last one known, or else the first one that becomes known later: hence a fold that
    starts with `first_context`.
    """
    life = Life(first)
    done = Contribution({}, {}, life)
    for known in facts:
        if is_open(life) and known.time_ms > life.last_ms + rules.open_ms:
            time_out(life, _cell(done, life.last_ms + rules.open_ms, rules), rules)
        context = contexts.of(known.dims)
        if context is not life.context:
            life.context = contexts.sum(life.context, context)[0]
        step(life, known, _cell(done, known.time_ms, rules), done.odd, rules)
    if is_open(life) and timed_out(life.last_ms + rules.open_ms):
        time_out(life, _cell(done, life.last_ms + rules.open_ms, rules), rules)
    return done


def step(life: Life, known: Fact, cell: Cell, odd: Odd, rules: IntakeRules) -> None:
    """Step a life by its next fact, whose context it already has, and add what that measures to the cell of its pane."""
    life.last_ms = known.time_ms
    STEPS[known.kind](life, known, cell, odd, rules)


def time_out(life: Life, cell: Cell, rules: IntakeRules) -> None:
    """End an open interaction at its last fact + open_ms; `cell` is that moment's."""
    life.last_ms += rules.open_ms
    if life.phase == TALKING:
        life.talk_ms += life.last_ms - life.answered_ms
    life.phase = TIMED_OUT
    _count(cell, m.TIMED_OUT)


def _cell(done: Contribution, time_ms: int, rules: IntakeRules) -> Cell:
    return done.cells.setdefault((time_ms - time_ms % rules.pane_ms, done.life.context.combination), {})


def _count(cell: Cell, code: int, n: int = 1) -> None:
    cell[code] = cell.get(code, 0) + n


def _note(odd: Odd, kind: Contradiction) -> None:
    odd[kind] = odd.get(kind, 0) + 1


def _offered(life: Life, known: Fact, cell: Cell, odd: Odd, rules: IntakeRules) -> None:
    if life.offered:
        _note(odd, Contradiction.OFFERED_TWICE)
        return
    life.offered = True
    cell[m.OFFERED] = cell.get(m.OFFERED, 0) + 1
    if life.phase == NEW:
        life.phase = OPEN
    if life.completed_ms != NEVER and known.time_ms - life.completed_ms > rules.disorder_ms:
        _note(odd, Contradiction.COMPLETED_BEFORE_OFFERED)


def _queued(life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    if life.phase == TALKING:
        life.talk_ms += known.time_ms - life.answered_ms
    life.phase = WAITING
    life.queued_ms = known.time_ms
    cell[m.QUEUED] = cell.get(m.QUEUED, 0) + 1


def _answered(life: Life, known: Fact, cell: Cell, odd: Odd, _rules: IntakeRules) -> None:
    if life.phase == TALKING:
        _note(odd, Contradiction.ANSWERED_TWICE)
        return
    wait_ms = 0
    if life.phase == WAITING:
        wait_ms = known.time_ms - life.queued_ms
    else:
        # No queue entry is known: counted as one of no length, so that no answer is missing from the service level's denominator.
        _count(cell, m.QUEUED)
        if life.phase == ABANDONED:
            _note(odd, Contradiction.ANSWERED_AFTER_ABANDONED)
    life.phase = TALKING
    life.answered_ms = known.time_ms
    life.answers += 1
    get = cell.get
    cell[m.ANSWERED] = get(m.ANSWERED, 0) + 1
    cell[m.WAIT_MS] = get(m.WAIT_MS, 0) + wait_ms
    bucket = m.WAIT_BUCKET + m.bucket_index(wait_ms, m.WAIT_BOUNDARIES_MS)
    cell[bucket] = get(bucket, 0) + 1
    sketch = m.WAIT_SKETCH + m.sketch_index(wait_ms)
    cell[sketch] = get(sketch, 0) + 1
    if wait_ms <= life.context.combination.target_ms:
        cell[m.ANSWERED_IN_TARGET] = get(m.ANSWERED_IN_TARGET, 0) + 1


def _abandoned(life: Life, known: Fact, cell: Cell, odd: Odd, rules: IntakeRules) -> None:
    if life.phase == WAITING:
        _abandon(life, known.time_ms - life.queued_ms, cell, rules)
    elif life.phase in (NEW, OPEN):
        _count(cell, m.LEFT_BEFORE_QUEUE)
    else:
        _note(odd, _AGAINST_ABANDONED[life.phase])
        return
    life.phase = ABANDONED


def _abandon(life: Life, wait_ms: int, cell: Cell, rules: IntakeRules) -> None:
    _count(cell, m.ABANDONED)
    _count(cell, m.ABANDON_WAIT_MS, wait_ms)
    _count(cell, m.ABANDON_SKETCH + m.sketch_index(wait_ms))
    if wait_ms < rules.short_abandon_ms:
        _count(cell, m.SHORT_ABANDONED)
    if wait_ms <= life.context.combination.target_ms:
        _count(cell, m.ABANDONED_IN_TARGET)


def _transferred(life: Life, known: Fact, _cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    life.transfers += 1
    if life.phase == TALKING:
        life.talk_ms += known.time_ms - life.answered_ms
    if life.phase in (WAITING, TALKING):
        life.phase = OPEN


def _escalated(life: Life, _known: Fact, _cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    life.escalations += 1


def _completed(life: Life, known: Fact, cell: Cell, odd: Odd, _rules: IntakeRules) -> None:
    if life.answers:
        _handle(life, known, cell)
    elif life.phase == COMPLETED:
        if known.time_ms != life.completed_ms:  # two records that tell of one end at one moment don't contradict each other
            _note(odd, Contradiction.COMPLETED_TWICE)
    elif life.phase not in (ABANDONED, TIMED_OUT):  # those have their outcome; completion is only its record's end
        _count(cell, m.CLOSED_UNANSWERED)
    life.phase = COMPLETED
    life.completed_ms = known.time_ms
    life.talk_ms = life.answers = life.transfers = life.escalations = 0


def _handle(life: Life, known: Fact, cell: Cell) -> None:
    """Handle time by the fact's own durations; without any, the talk is what lies between answer and end of each segment."""
    talk, hold, wrap = known.talk_ms, known.hold_ms, known.wrap_ms
    if talk is None and hold is None and wrap is None:
        talk = life.talk_ms + (known.time_ms - life.answered_ms if life.phase == TALKING else 0)
    talk, hold, wrap = talk or 0, hold or 0, wrap or 0
    handle_ms = talk + hold + wrap
    bucket = m.HANDLE_BUCKET + m.bucket_index(handle_ms, m.HANDLE_BOUNDARIES_MS)
    sketch = m.HANDLE_SKETCH + m.sketch_index(handle_ms)
    get = cell.get
    cell[m.HANDLED] = get(m.HANDLED, 0) + 1
    cell[m.TALK_MS] = get(m.TALK_MS, 0) + talk
    cell[bucket] = get(bucket, 0) + 1
    cell[sketch] = get(sketch, 0) + 1
    if hold:
        cell[m.HOLD_MS] = get(m.HOLD_MS, 0) + hold
    if wrap:
        cell[m.WRAP_MS] = get(m.WRAP_MS, 0) + wrap
    if known.resolved:
        cell[m.RESOLVED] = get(m.RESOLVED, 0) + 1
    if life.transfers:
        _count(cell, m.TRANSFERRED, life.transfers)
    if life.escalations:
        _count(cell, m.ESCALATED, life.escalations)


def _reopened(life: Life, _known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    _count(cell, m.REOPENED)
    if not is_open(life):
        life.phase = OPEN


def _surveyed(_life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    if known.csat is not None:
        _count(cell, m.CSAT_1 + known.csat - 1)
    if known.nps is not None:
        _count(cell, m.NPS_0 + known.nps)


def _kept(_life: Life, _known: Fact, _cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    """Replies and sentiment: known for duplicates and dimensions, no measure yet."""


_AGAINST_ABANDONED = {
    TALKING: Contradiction.ABANDONED_AFTER_ANSWERED,
    ABANDONED: Contradiction.ABANDONED_TWICE,
    COMPLETED: Contradiction.ABANDONED_AFTER_END,
    TIMED_OUT: Contradiction.ABANDONED_AFTER_END,
}
_HANDLERS: dict[int, Callable[[Life, Fact, Cell, Odd, IntakeRules], None]] = {
    fact.OFFERED: _offered,
    fact.TRANSFERRED: _transferred,
    fact.QUEUED: _queued,
    fact.ANSWERED: _answered,
    fact.ABANDONED: _abandoned,
    fact.ESCALATED: _escalated,
    fact.REPLIED: _kept,
    fact.SENTIMENT: _kept,
    fact.COMPLETED: _completed,
    fact.REOPENED: _reopened,
    fact.SURVEYED: _surveyed,
}
STEPS = tuple(_HANDLERS[kind] for kind in range(len(_HANDLERS)))
