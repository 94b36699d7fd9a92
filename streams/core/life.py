"""A life: where an interaction stands after some of its facts, and which facts can't both be true.

The surprise: what counts *since the last completion* is set back by it, because a contact that is reopened is handled once more.
An open interaction in memory is this, its facts and its appointment: about 600 bytes with six facts (`make bench-growth`).
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from streams.core.context import Context
from streams.core.measure import Cell

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
    answered_ms: start of the talk (TALKING only). talk_ms, answers, bots (answers by a bot), replies (of agents), transfers,
    escalations: since the last completion. ended_ms: when it first ended.
    """

    context: Context
    phase: int = NEW
    last_ms: int = NEVER
    offered_ms: int = NEVER
    queued_ms: int = NEVER
    answered_ms: int = NEVER
    completed_ms: int = NEVER
    talk_ms: int = 0
    answers: int = 0
    bots: int = 0
    replies: int = 0
    transfers: int = 0
    escalations: int = 0
    ended_ms: int = NEVER


def is_open(life: Life) -> bool:
    """Whether the interaction has begun and not ended."""
    return OPEN <= life.phase <= TALKING


def end(life: Life, time_ms: int) -> None:
    """It ends now; what counts is the first time."""
    if life.ended_ms == NEVER:
        life.ended_ms = time_ms


def count(cell: Cell, code: int, n: int = 1) -> None:
    """Add to a measure."""
    cell[code] = cell.get(code, 0) + n


def note(odd: Odd, kind: Contradiction) -> None:
    """One more contradiction."""
    odd[kind] = odd.get(kind, 0) + 1
