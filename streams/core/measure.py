"""Measures: what is counted, as sparse vectors of integers (*cells*).

A cell maps a measure code to an integer. Every measure is additive, so the union of two sets of contacts is the sum of
their cells, and a fact that turns out otherwise is taken back by adding its negation. Ratios, means and percentiles are
made from cells at the moment of publishing and never stored.

Codes below 100 are counts and sums (milliseconds, millionths), 50 to 79 of journey; the rest are three families of buckets.
"""

from bisect import bisect_left
from collections.abc import Mapping
from math import ceil, exp, log
from typing import TypeAlias

from streams.core import measure_journey

Cell: TypeAlias = dict[int, int]

OFFERED = 0
QUEUED = 1
ANSWERED = 2
ABANDONED = 3  # left while waiting in a queue, short abandons included
SHORT_ABANDONED = 4  # the part of ABANDONED that waited less than the short-abandon threshold
ANSWERED_IN_TARGET = 5
ABANDONED_IN_TARGET = 6
WAIT_MS = 7  # of answered contacts
ABANDON_WAIT_MS = 8
HANDLED = 9
TALK_MS = 10
HOLD_MS = 11
WRAP_MS = 12
LEFT_BEFORE_QUEUE = 13  # the customer hung up before any queue, e.g. in the voice menu: no abandonment of a queue
CLOSED_UNANSWERED = 14  # completed without an agent or bot
TIMED_OUT = 15  # open longer than any life should be: its own outcome
TRANSFERRED = 16  # handled contacts that were transferred, once or more
ESCALATED = 17  # handled contacts that were escalated
REOPENED = 18
RESOLVED = 19
RESOLUTIONS = 20  # the part of RESOLVED whose offer is known: how long it took is RESOLUTION_MS
CSAT_1 = 21  # CSAT_1 + (score - 1)
RESOLUTION_MS = 26
BOT_HANDLED = 27  # handled contacts that a bot had answered
CONTAINED = 28  # the part of BOT_HANDLED that was resolved and that no agent answered
FLOWED_OUT = 29  # left a queue otherwise: transferred, completed or timed out while waiting; not by the next queue entry alone
NPS_0 = 30  # NPS_0 + score, 0..10
SENTIMENTS = 41
SENTIMENT_MICRO = 42  # sum of scores in millionths
SENTIMENTS_NEGATIVE = 43
SENTIMENTS_AFTER = 44  # the part of SENTIMENTS that was told after the contact's end
SENTIMENT_AFTER_MICRO = 45
REPLIES = 46  # of agents
CUSTOMER_REPLIES = 47
FIRST_REPLIES = 48  # the first of an agent, where the offer is known and nothing was completed before
FIRST_REPLY_MS = 49
SURVEY_RESOLVED = 80  # customers who say that it is
SURVEY_UNRESOLVED = 81
TICKETS_RESOLVED = 82  # first resolutions after at least one reply of an agent
ONE_TOUCH = 83  # the part of them with exactly one
AVAILABLE_MS = 84  # agents' time, 84 to 87, behind all that contacts are counted by: of all in the total, of a queue's in a queue
ON_CONTACT_MS = 85
AFTER_CONTACT_MS = 86
BREAK_MS = 87
# What merge makes of the sketch of handle times for detect, in minutes only and behind them: of contacts handled in more than
# 0 ms their number, and the sums of ln milliseconds and of its square, in thousandths.
HANDLE_LOGGED = 88
HANDLE_LOG = 89
HANDLE_LOG_SQUARES = 90

NAMES: Mapping[int, str] = {
    OFFERED: "offered",
    QUEUED: "queued",
    ANSWERED: "answered",
    ABANDONED: "abandoned",
    SHORT_ABANDONED: "short_abandoned",
    ANSWERED_IN_TARGET: "answered_in_target",
    ABANDONED_IN_TARGET: "abandoned_in_target",
    WAIT_MS: "wait_ms",
    ABANDON_WAIT_MS: "abandon_wait_ms",
    HANDLED: "handled",
    TALK_MS: "talk_ms",
    HOLD_MS: "hold_ms",
    WRAP_MS: "wrap_ms",
    LEFT_BEFORE_QUEUE: "left_before_queue",
    CLOSED_UNANSWERED: "closed_unanswered",
    TIMED_OUT: "timed_out",
    TRANSFERRED: "transferred",
    ESCALATED: "escalated",
    REOPENED: "reopened",
    RESOLVED: "resolved",
    RESOLUTIONS: "resolutions",
    RESOLUTION_MS: "resolution_ms",
    BOT_HANDLED: "bot_handled",
    CONTAINED: "contained",
    FLOWED_OUT: "flowed_out",
    SENTIMENTS: "sentiments",
    SENTIMENT_MICRO: "sentiment_micro",
    SENTIMENTS_NEGATIVE: "sentiments_negative",
    SENTIMENTS_AFTER: "sentiments_after",
    SENTIMENT_AFTER_MICRO: "sentiment_after_micro",
    REPLIES: "replies",
    CUSTOMER_REPLIES: "customer_replies",
    FIRST_REPLIES: "first_replies",
    FIRST_REPLY_MS: "first_reply_ms",
    SURVEY_RESOLVED: "survey_resolved",
    SURVEY_UNRESOLVED: "survey_unresolved",
    TICKETS_RESOLVED: "tickets_resolved",
    ONE_TOUCH: "one_touch",
    AVAILABLE_MS: "available_ms",
    ON_CONTACT_MS: "on_contact_ms",
    AFTER_CONTACT_MS: "after_contact_ms",
    BREAK_MS: "break_ms",
    **{CSAT_1 + k: f"csat_{k + 1}" for k in range(5)},
    **{NPS_0 + k: f"nps_{k}" for k in range(11)},
    **measure_journey.NAMES,
}

# Exact buckets for Prometheus histograms: code = base + index of the first boundary >= value. The boundaries include the
# usual service-level targets, so that a ratio of buckets is a service level.
WAIT_BUCKET = 100
HANDLE_BUCKET = 150
WAIT_BOUNDARIES_MS = (1_000, 5_000, 10_000, 20_000, 30_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000, 1_800_000)
HANDLE_BOUNDARIES_MS = (
    15_000, 30_000, 60_000, 120_000, 180_000, 240_000, 300_000, 450_000, 600_000, 900_000, 1_800_000, 3_600_000,
)  # fmt: skip

# Relative-error sketch (DDSketch; Masson, Rim, Lee, VLDB 2019, section 2): bucket i holds (γ^(i-1), γ^i] milliseconds, so
# that the bucket's midpoint is within ALPHA of every value in it. 1,000 buckets reach 5 days at 1 %.
ALPHA = 0.01
GAMMA = (1 + ALPHA) / (1 - ALPHA)
_LOG_GAMMA = log(GAMMA)
SKETCH_SIZE = 1_000
WAIT_SKETCH = 1_000
ABANDON_SKETCH = 2_000
HANDLE_SKETCH = 3_000
CODES_MAX = 4_096  # more than any code


def bucket_index(value_ms: int, boundaries_ms: tuple[int, ...]) -> int:
    """Index of the exact histogram bucket of a value: boundaries are upper, inclusive; the last bucket is +Inf."""
    return bisect_left(boundaries_ms, value_ms)


def sketch_index(value_ms: int) -> int:
    """Index of the sketch bucket of a value: 0 for 0 ms, else 1 + ceil(log_γ value), capped at the last bucket."""
    if value_ms <= 0:
        return 0
    return min(SKETCH_SIZE - 1, 1 + ceil(log(value_ms) / _LOG_GAMMA))


def sketch_value(index: int) -> float:
    """The value that stands for a sketch bucket, in ms: at most ALPHA off any value that fell into it."""
    return 0.0 if index == 0 else 2 * exp((index - 1) * _LOG_GAMMA) / (1 + GAMMA)


def sketch_quantiles(cell: Cell, base: int, quantiles: tuple[float, ...]) -> list[float | None]:
    """The quantiles (0..1, ascending) of the sketch at `base` in ms; None for each where the sketch is empty."""
    buckets = sorted((code - base, n) for code, n in cell.items() if base <= code < base + SKETCH_SIZE and n > 0)
    total = sum(n for _, n in buckets)
    if not total:
        return [None] * len(quantiles)
    found: list[float | None] = []
    position, seen = 0, buckets[0][1]
    for quantile in quantiles:
        rank = quantile * (total - 1)
        while seen <= rank:
            position += 1
            seen += buckets[position][1]
        found.append(sketch_value(buckets[position][0]))
    return found


def handle_logs(cell: Cell) -> Cell:
    """HANDLE_LOGGED, HANDLE_LOG and HANDLE_LOG_SQUARES of a cell, from its sketch: each time within 1 % and so each logarithm
    within 0.01; {} where nobody was handled."""
    buckets = [(code - HANDLE_SKETCH, n) for code, n in cell.items() if HANDLE_SKETCH < code < HANDLE_SKETCH + SKETCH_SIZE]
    if not buckets:
        return {}
    logs = [((index - 1.5) * _LOG_GAMMA, n) for index, n in buckets]
    return {
        HANDLE_LOGGED: sum(n for _, n in logs),
        HANDLE_LOG: round(1000 * sum(n * log_ms for log_ms, n in logs)),
        HANDLE_LOG_SQUARES: round(1000 * sum(n * log_ms * log_ms for log_ms, n in logs)),
    }


def add(target: Cell, change: Cell) -> None:
    """Add a cell to another in place; codes that come to 0 are dropped, so that equal contents are equal dicts."""
    for code, n in change.items():
        total = target.get(code, 0) + n
        if total:
            target[code] = total
        else:
            target.pop(code, None)
