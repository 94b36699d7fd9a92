"""Journey's measures, codes 50 to 79: what contacts add up to when they are seen by customer.

The surprise: customers by frequency are additive, although a third contact makes of a customer with two one with three: it takes
back the one and adds the other, in a window that holds both.
"""

from collections.abc import Mapping
from typing import NamedTuple

from streams.core.trend import WindowKind


class Family(NamedTuple):
    """The codes of one meaning of 'the same customer comes back': with anything, or with the same issue.

    repeats: contacts that follow another within W; the others are first contacts. followed: first contacts followed in the same
    window. matured: first contacts whose W is over; matured_followed: those of them that were followed within W.
    """

    contacts: int
    repeats: int
    followed: int
    matured: int
    matured_followed: int


ANY = Family(50, 51, 52, 53, 54)
SAME_ISSUE = Family(55, 56, 57, 58, 59)  # of contacts whose issue is known
GAP_MS = 60  # between a repeat and the contact before it, end to end
REPEATS_ESCALATED = 61

OFTEN = 4  # customers with so many contacts and more are counted together
DAY_CUSTOMERS = 64  # + contacts of the customer in the day - 1, at most OFTEN - 1
WEEK_CUSTOMERS = 68  # the same of the week, at the day of the contact that makes it so many
MONTH_CUSTOMERS = 72  # and of the month
CUSTOMER_DAYS = 76  # customers of each day, added up: made when a window is told

NAMES: Mapping[int, str] = {
    **{code: f"journey_{name}" for name, code in zip(Family._fields, ANY, strict=True)},
    **{code: f"journey_issue_{name}" for name, code in zip(Family._fields, SAME_ISSUE, strict=True)},
    GAP_MS: "journey_gap_ms",
    REPEATS_ESCALATED: "journey_repeats_escalated",
    **{DAY_CUSTOMERS + k: f"customers_{k + 1}" for k in range(OFTEN)},
    **{WEEK_CUSTOMERS + k: f"customers_of_week_{k + 1}" for k in range(OFTEN)},
    **{MONTH_CUSTOMERS + k: f"customers_of_month_{k + 1}" for k in range(OFTEN)},
    CUSTOMER_DAYS: "customer_days",
}
_DAY_CODES = range(DAY_CUSTOMERS, DAY_CUSTOMERS + OFTEN)
_OF_LONG: Mapping[WindowKind, int] = {"1w": WEEK_CUSTOMERS, "1mo": MONTH_CUSTOMERS}


def of_window(cell: dict[int, int], kind: WindowKind) -> dict[int, int]:
    """A cell in which DAY_CUSTOMERS are those of the window, a week's or month's, and CUSTOMER_DAYS those of its days."""
    days = sum([cell[code] for code in _DAY_CODES if code in cell])
    first = _OF_LONG.get(kind)
    if not days and first is None:
        return cell
    found = {**cell, CUSTOMER_DAYS: days} if days else {**cell}
    if first is not None:
        for k in range(OFTEN):
            found.pop(DAY_CUSTOMERS + k, None)
            if first + k in cell:
                found[DAY_CUSTOMERS + k] = cell[first + k]
    return found
