"""What closed days hold of one customer's contacts: their customers no longer change, whatever comes to be known.

A week and a month are sums of days, so they must count who is in the days, no more and no fewer. The surprise: what a contact is
and what it is counted as may differ for good: one that came too late is in no day, one that was taken back too late stays in its.
"""

from collections.abc import Callable

import msgspec

from streams.core.journey_history import History, Past


def counted(history: History) -> list[Past]:
    """The contacts that days hold, in order."""
    there = [past for past in history.contacts if not past.late]
    return sorted([*there, *history.held]) if history.held else there


def settled(
    history: History, known: Past | None, past: Past | None, is_open: Callable[[int], bool]
) -> tuple[Past | None, list[Past]]:
    """A contact as it is to be kept, and what closed days hold beside it.

    known: what it was; past: what it is now, None where it is nobody's any more. A closed day holds a contact as it was, at most
    once. is_open: whether the day of a moment is.
    """
    if past is not None:
        past = msgspec.structs.replace(past, late=not is_open(past.ended_ms))
    if known is None or known.late or is_open(known.ended_ms):
        return past, history.held
    if past is not None and (past.ended_ms, past.values) == (known.ended_ms, known.values):
        return msgspec.structs.replace(past, late=False), history.held
    return past, [*history.held, known]
