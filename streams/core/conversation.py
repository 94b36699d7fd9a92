"""What is measured of a conversation and after it: replies, sentiment, completion, reopening, surveys.

Each function steps a life by one fact and adds what that measures to the cell of the fact's pane (interaction.py calls them). The
surprise: a survey or a score may come days later, when nothing is remembered of its interaction; it is counted under the
dimensions that it carries itself, and begins nothing.
"""

from streams.core import measure as m
from streams.core.facts import BY_BOT, BY_CUSTOMER, Fact
from streams.core.life import (
    ABANDONED,
    COMPLETED,
    NEVER,
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

_ENDED = (ABANDONED, COMPLETED, TIMED_OUT)


def completed(life: Life, known: Fact, cell: Cell, odd: Odd, _rules: IntakeRules) -> None:
    """It is over, once for each time that it was open."""
    phase = life.phase
    if life.answers:
        _handle(life, known, cell)
    elif phase == COMPLETED:
        if known.time_ms != life.completed_ms:  # two records that tell of one end at one moment don't contradict each other
            note(odd, Contradiction.COMPLETED_TWICE)
    elif phase not in (ABANDONED, TIMED_OUT) and not life.replies:  # those have their outcome; this is its record's end
        count(cell, m.CLOSED_UNANSWERED)
    if phase == WAITING:
        count(cell, m.FLOWED_OUT)
    if known.resolved and (life.answers or phase not in _ENDED):
        _resolve(life, known, cell)
    life.phase = COMPLETED
    end(life, known.time_ms)
    life.completed_ms = known.time_ms
    life.talk_ms = life.answers = life.bots = life.replies = life.transfers = life.escalations = 0


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
    if life.transfers:
        count(cell, m.TRANSFERRED)
    if life.escalations:
        count(cell, m.ESCALATED)
    if life.bots:
        count(cell, m.BOT_HANDLED)
        if known.resolved and life.bots == life.answers:
            count(cell, m.CONTAINED)


def _resolve(life: Life, known: Fact, cell: Cell) -> None:
    cell[m.RESOLVED] = cell.get(m.RESOLVED, 0) + 1
    if life.offered_ms != NEVER:
        count(cell, m.RESOLUTIONS)
        count(cell, m.RESOLUTION_MS, known.time_ms - life.offered_ms)
    if life.replies and life.completed_ms == NEVER:
        count(cell, m.TICKETS_RESOLVED)
        if life.replies == 1:
            count(cell, m.ONE_TOUCH)


def reopened(life: Life, _known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    """It comes back."""
    count(cell, m.REOPENED)
    if not is_open(life):
        life.phase = OPEN


def replied(life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    """Somebody writes. The first reply of an agent ends the wait for one; those of bots are no reply."""
    if known.mark == BY_CUSTOMER:
        count(cell, m.CUSTOMER_REPLIES)
    elif known.mark != BY_BOT:
        count(cell, m.REPLIES)
        if not life.replies and life.offered_ms != NEVER and life.completed_ms == NEVER:
            count(cell, m.FIRST_REPLIES)
            count(cell, m.FIRST_REPLY_MS, known.time_ms - life.offered_ms)
        life.replies += 1


def sentiment(life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    """A part was scored; one that is told after the end counts as afterwards, too."""
    if known.mark is None:
        return
    count(cell, m.SENTIMENTS)
    count(cell, m.SENTIMENT_MICRO, known.mark)
    if known.mark < 0:
        count(cell, m.SENTIMENTS_NEGATIVE)
    if life.phase in _ENDED:
        count(cell, m.SENTIMENTS_AFTER)
        count(cell, m.SENTIMENT_AFTER_MICRO, known.mark)


def surveyed(_life: Life, known: Fact, cell: Cell, _odd: Odd, _rules: IntakeRules) -> None:
    """The customer answers some of the questions."""
    if known.csat is not None:
        count(cell, m.CSAT_1 + known.csat - 1)
    if known.nps is not None:
        count(cell, m.NPS_0 + known.nps)
    if known.resolved is not None:
        count(cell, m.SURVEY_RESOLVED if known.resolved else m.SURVEY_UNRESOLVED)
