"""One interaction: a set of facts, and what it contributes, a pure function of them.

`fold` is the one definition: it steps through the facts in order (time, kind, id, source). A fact that comes in order may step
the life that stands there instead, which gives the same; anything else is folded anew and the difference counted. The surprise:
what is contradictory is measured once and counted by kind; nothing is refused here.

A *segment* is one stay in a queue and with whoever answers; a transfer ends it, a queue entry begins the next.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streams.core import conversation
from streams.core import facts as fact
from streams.core import measure as m
from streams.core.context import Combination, Context, Contexts
from streams.core.facts import Fact
from streams.core.life import (
    ABANDONED,
    COMPLETED,
    NEVER,
    NEW,
    OPEN,
    TALKING,
    TIMED_OUT,
    WAITING,
    Contradiction,
    Life,
    Odd,
    count,
    end,
    is_open,
    note,
)
from streams.core.measure import Cell
from streams.core.rules import IntakeRules


class Contribution(NamedTuple):
    """What facts come to: cells by pane start and combination, contradictions, and the life after them."""

    cells: dict[tuple[int, Combination], Cell]
    odd: Odd
    life: Life


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
    elif life.phase == WAITING:
        count(cell, m.FLOWED_OUT)
    life.phase = TIMED_OUT
    end(life, life.last_ms)
    count(cell, m.TIMED_OUT)


def _cell(done: Contribution, time_ms: int, rules: IntakeRules) -> Cell:
    return done.cells.setdefault((time_ms - time_ms % rules.pane_ms, done.life.context.combination), {})


def _offered(life: Life, known: Fact, cell: Cell, odd: Odd, rules: IntakeRules) -> None:
    if life.offered_ms != NEVER:
        note(odd, Contradiction.OFFERED_TWICE)
        return
    life.offered_ms = known.time_ms
    cell[m.OFFERED] = cell.get(m.OFFERED, 0) + 1
    if life.phase == NEW:
        life.phase = OPEN
    if life.completed_ms != NEVER and known.time_ms - life.completed_ms > rules.disorder_ms:
        note(odd, Contradiction.COMPLETED_BEFORE_OFFERED)


def _queued(life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    if life.phase == TALKING:
        life.talk_ms += known.time_ms - life.answered_ms
    life.phase = WAITING
    life.queued_ms = known.time_ms
    cell[m.QUEUED] = cell.get(m.QUEUED, 0) + 1


def _answered(life: Life, known: Fact, cell: Cell, odd: Odd, _rules: IntakeRules) -> None:
    if life.phase == TALKING:
        note(odd, Contradiction.ANSWERED_TWICE)
        return
    wait_ms = 0
    if life.phase == WAITING:
        wait_ms = known.time_ms - life.queued_ms
    else:
        # No queue entry is known: counted as one of no length, so that no answer is missing from the service level's denominator.
        count(cell, m.QUEUED)
        if life.phase == ABANDONED:
            note(odd, Contradiction.ANSWERED_AFTER_ABANDONED)
    life.phase = TALKING
    life.answered_ms = known.time_ms
    life.answers += 1
    if known.mark:
        life.bots += 1
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
        count(cell, m.LEFT_BEFORE_QUEUE)
    else:
        note(odd, _AGAINST_ABANDONED[life.phase])
        return
    life.phase = ABANDONED
    end(life, known.time_ms)


def _abandon(life: Life, wait_ms: int, cell: Cell, rules: IntakeRules) -> None:
    count(cell, m.ABANDONED)
    count(cell, m.ABANDON_WAIT_MS, wait_ms)
    count(cell, m.ABANDON_SKETCH + m.sketch_index(wait_ms))
    if wait_ms < rules.short_abandon_ms:
        count(cell, m.SHORT_ABANDONED)
    if wait_ms <= life.context.combination.target_ms:
        count(cell, m.ABANDONED_IN_TARGET)


def _transferred(life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    life.transfers += 1
    if life.phase == TALKING:
        life.talk_ms += known.time_ms - life.answered_ms
    elif life.phase == WAITING:
        count(cell, m.FLOWED_OUT)
    if life.phase in (WAITING, TALKING):
        life.phase = OPEN


def _escalated(life: Life, _known: Fact, _cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    life.escalations += 1


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
    fact.REPLIED: conversation.replied,
    fact.SENTIMENT: conversation.sentiment,
    fact.COMPLETED: conversation.completed,
    fact.REOPENED: conversation.reopened,
    fact.SURVEYED: conversation.surveyed,
}
STEPS = tuple(_HANDLERS[kind] for kind in range(len(_HANDLERS)))
