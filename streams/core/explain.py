"""Explain: which of the series that have changed together speaks for the incident.

One incident moves several series: its queue, the channels its contacts come by, the total. One alert is wanted, on the series
that says most: the highest one whose ratio tells the whole story. The surprise: contacts of a queue and of a channel overlap to
an unknown degree, so overlap is judged by size (excess contacts per minute) and by time (onsets within ONSET_MINUTES).
"""

from collections.abc import Sequence
from math import log, sqrt

import msgspec

from streams.core.series import TOTAL, series_cut

COVER = 0.7  # nodes that carry this share of the greatest excess explain it; the rest is noise and spill-over
SPECIFIC = log(1.3)  # a lower node speaks in place of a higher one only if its ratio is this much further from 1
LIKE = log(1.5)  # a child whose ratio is within this of its parent's has moved with it
SURE = 4.0  # standard deviations by which a child's count must miss its parent's ratio to be a story of its own
SPEAKERS_MAX = 3  # more nodes than this at once are one story of the node above
SHARE = 0.5  # alerts that carry this share of another series' excess explain it
ONSET_MINUTES = 30


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A series that has changed: contacts seen and expected since the onset, `minutes` ago. crossed: threshold and gates."""

    series: str
    up: bool
    crossed: bool
    seen: float
    expected: float
    minutes: float
    alert_id: str = ""


def speakers(moves: Sequence[Move], active: Sequence[Move]) -> tuple[list[Move], dict[str, str]]:
    """Which moves open an alert, and which series, crossed or nearly so, stay silent under which alert or series.

    moves: changes of one direction, crossed or nearly so; active: alerts of that direction that fire already.
    """
    silent: dict[str, str] = {}
    left: list[Move] = []
    for move in moves:
        by = explained_by(move, active)
        if by is None:
            left.append(move)
        else:
            silent[move.series] = by.alert_id
    if not any(move.crossed for move in left):
        return [], silent
    opened = _best(left)
    for move in sorted((m for m in left if m not in opened), key=_weight, reverse=True):
        by = explained_by(move, opened)
        if by is not None:
            silent[move.series] = by.series
        elif move.crossed:
            opened.append(move)
    return opened, silent


def explained_by(move: Move, speaking: Sequence[Move]) -> Move | None:
    """The speaking move that explains another one, None if it is a story of its own."""
    for parent in speaking:
        if series_cut(parent.series) == TOTAL and move.series != parent.series and _moves_with(move, parent):
            return parent
    for cut in dict.fromkeys(series_cut(speaker.series) for speaker in speaking):
        others = [s for s in speaking if series_cut(s.series) == cut and _overlaps(move, s)]
        if others and cut not in (TOTAL, series_cut(move.series)) and sum(map(_rate, others)) >= SHARE * _rate(move):
            return max(others, key=_rate)
    return None


def _best(moves: list[Move]) -> list[Move]:
    """The nodes of one cut that carry the change and say most about it; higher cuts win unless a lower one says clearly more."""
    crossed = [move for move in moves if move.crossed]
    cuts = sorted({series_cut(move.series) for move in moves}, key=lambda cut: (cut != TOTAL, cut))
    total = next((move for move in moves if series_cut(move.series) == TOTAL), None)
    greatest = max(sum(_rate(move) for move in crossed if series_cut(move.series) == cut) for cut in cuts)
    chosen: list[Move] = []
    for cut in cuts:
        nodes = [m for m in moves if series_cut(m.series) == cut and (total is None or cut == TOTAL or _says_more(m, total))]
        if _carry(nodes, greatest) and (not chosen or _depth(nodes) > _depth(chosen)):
            chosen = nodes
    return chosen or [total if total is not None and total.crossed else max(crossed, key=_weight)]


def _carry(nodes: list[Move], greatest: float) -> bool:
    """Whether a few nodes account for the change; nearly crossed ones may do so alone, not in groups: chance makes groups."""
    sure = len(nodes) == 1 or any(node.crossed for node in nodes)
    return sure and len(nodes) <= SPEAKERS_MAX and sum(map(_rate, nodes)) >= COVER * greatest


def _says_more(move: Move, total: Move) -> bool:
    return _log_ratio(move) >= _log_ratio(total) + SPECIFIC


def _moves_with(child: Move, parent: Move) -> bool:
    """Whether the parent's ratio explains the child's count: a like ratio, or a difference that chance makes."""
    if _log_ratio(child) <= _log_ratio(parent) + LIKE:
        return True
    usual = child.expected * parent.seen / max(parent.expected, 1e-9)
    return abs(child.seen - usual) <= SURE * sqrt(max(usual, 1.0))


def _overlaps(move: Move, other: Move) -> bool:
    return abs(move.minutes - other.minutes) <= ONSET_MINUTES


def _rate(move: Move) -> float:
    """Excess (or missing) contacts per minute."""
    return abs(move.seen - move.expected) / max(move.minutes, 1.0)


def _weight(move: Move) -> float:
    return _rate(move) * _log_ratio(move)


def _log_ratio(move: Move) -> float:
    """|log ratio|, an outage counting as 0.05."""
    return abs(log(max(move.seen, 0.05 * move.expected, 1e-9) / max(move.expected, 1e-9)))


def _depth(moves: list[Move]) -> float:
    """Mean |log ratio| of nodes, weighted by their excess."""
    weights = [_rate(move) + 1e-9 for move in moves]
    return sum(w * _log_ratio(m) for w, m in zip(weights, moves, strict=True)) / sum(weights)
