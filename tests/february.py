"""A recount of the bank's February calls for every KPI that the file can give, by local day, week, month and queue; csv and
datetime only.

It shares no code with `streams`. Like oracle.py it works in local wall time (Asia/Jerusalem has no clock change in February and
March 1999) by the rules of streams/sources/README.md: each figure counts on the day of its own moment. A call of a customer ends
when the talk does or the caller hangs up. The surprise: the days after the last call have figures, too, because it takes a week
until a first contact is known to be resolved.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from typing import NamedTuple, TypeAlias

from oracle import DATA

Key: TypeAlias = tuple[date, str]
WEEK = timedelta(days=7)  # W: who comes back within it repeats
CUSTOMERS = 5_000  # how many there are, as the settings of the test say; 4,021 of them call
PERCENT = 0.0101  # how far a percentile may be off


@dataclass
class Calls:
    """One day of one queue: how many came and queued, and the seconds of every wait and talk that ended on it."""

    offered: int = 0
    queued: int = 0
    answered: list[int] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)
    talks: list[int] = field(default_factory=list)
    by_customer: Counter[str] = field(default_factory=Counter)  # calls that ended, of those who name themselves
    gaps: list[int] = field(default_factory=list)  # seconds from the end of the call before to that of a repeat
    followed: int = 0  # first contacts that were followed on the same day
    matured: list[bool] = field(default_factory=list)  # of each first contact whose week is over on this day: was it followed?
    customer_days: int = 0  # of a week or month: the customers of each day, added up


class Figure(NamedTuple):
    """One KPI. numerator and denominator in the units of the measures; None where a KPI has none."""

    value: float | None
    n: int
    numerator: int | None = None
    denominator: int | None = None
    limits: tuple[float, float] | None = None
    error: float = 1e-12  # relative, of the value


def recount() -> dict[Key, Calls]:
    """(local day, type) → what happened."""
    found: dict[Key, Calls] = defaultdict(Calls)
    ends: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    with DATA.open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["outcome"] == "PHANTOM":
                continue
            ended = _count_call(found, row)
            if row["customer_id"] != "0":
                ends[row["customer_id"]].append((ended, row["type"]))
    for customer, contacts in ends.items():
        _count_customer(found, customer, sorted(contacts))
    return {key: calls for key, calls in found.items() if calls != Calls()}


def _count_call(found: dict[Key, Calls], row: dict[str, str]) -> datetime:
    """Count one call; when it ended."""
    queue, wait, talk = row["type"], int(row["q_time"]), int(row["ser_time"])
    entry, leaves_menu = (_stamp(row, name) for name in ("vru_entry", "vru_exit"))
    in_queue = row["q_time"] != "0" or row["q_start"] != "0:00:00"
    enters = _stamp(row, "q_start") if in_queue else leaves_menu
    enters += timedelta(days=enters < leaves_menu)
    leaves = enters + timedelta(seconds=wait)
    found[min(entry, leaves_menu).date(), queue].offered += 1
    if row["outcome"] == "AGENT" or in_queue:
        found[enters.date(), queue].queued += 1
    if row["outcome"] == "AGENT":
        ends = leaves + timedelta(seconds=talk)
        found[leaves.date(), queue].answered.append(wait)
        found[ends.date(), queue].talks.append(talk)
        return ends
    if in_queue:
        found[leaves.date(), queue].abandoned.append(wait)
    return leaves


def _count_customer(found: dict[Key, Calls], customer: str, contacts: list[tuple[datetime, str]]) -> None:
    """Count the calls of one customer, in the order of their ends."""
    for place, (ended, queue) in enumerate(contacts):
        day = found[ended.date(), queue]
        day.by_customer[customer] += 1
        gap = ended - contacts[place - 1][0] if place else WEEK
        if gap < WEEK:
            day.gaps.append(gap // timedelta(seconds=1))
            continue
        back = contacts[place + 1][0] if place + 1 < len(contacts) else datetime.max
        day.followed += back.date() == ended.date()
        found[(ended + WEEK).date(), queue].matured.append(back < ended + WEEK)


def _stamp(row: dict[str, str], name: str) -> datetime:
    return datetime.strptime(f"{row['date']} {row[name]}", "%y%m%d %H:%M:%S")


def together(days: Iterable[Calls]) -> Calls:
    """The calls of a week or month: a customer of several days is one of them."""
    whole = Calls()
    for day in days:
        whole.offered += day.offered
        whole.queued += day.queued
        whole.followed += day.followed
        whole.answered += day.answered
        whole.abandoned += day.abandoned
        whole.talks += day.talks
        whole.gaps += day.gaps
        whole.matured += day.matured
        whole.by_customer += day.by_customer
        whole.customer_days += len(day.by_customer)
    return whole


def figures(calls: Calls) -> dict[str, Figure]:
    """What the table of KPIs says of these calls; the file knows neither transfers, escalations nor reopenings."""
    return {**_of_calls(calls), **_of_customers(calls)}


def _of_calls(calls: Calls) -> dict[str, Figure]:
    waits, talks, left = calls.answered, calls.talks, calls.abandoned
    short = sum(wait < 5 for wait in left)
    return {
        "offered": _count(calls.offered),
        "answered": _count(len(waits)),
        "abandoned": _count(len(left)),
        "short_abandoned": _count(short),
        "service_level": _ratio(sum(wait <= 20 for wait in (*waits, *left)), calls.queued),
        "abandonment": _ratio(len(left) - short, calls.queued - short),
        "asa": _mean(1000 * sum(waits), len(waits), 1000),
        "longest_wait": _at([*waits, *left], 1.0),
        "aht": _mean(1000 * sum(talks), len(talks), 1000),
        "aht_without_wrap": _mean(1000 * sum(talks), len(talks), 1000),
        "wait_p50": _at(waits, 0.5),
        "wait_p90": _at(waits, 0.9),
        "wait_p95": _at(waits, 0.95),
        "handle_p50": _at(talks, 0.5),
        "handle_p90": _at(talks, 0.9),
        **{name: _ratio(0, len(talks)) for name in ("transfer_rate", "escalation_rate", "reopen_rate")},
        "interaction_rate": _rate(calls.offered),
    }


def _of_customers(calls: Calls) -> dict[str, Figure]:
    contacts, customers, repeats = calls.by_customer.total(), len(calls.by_customer), len(calls.gaps)
    first, matured = contacts - repeats, len(calls.matured)
    times = Counter(min(n, 4) for n in calls.by_customer.values())
    return {
        "fcr": _ratio(calls.matured.count(False), matured),
        "fcr_provisional": _ratio(first - calls.followed, first),
        "repeat_rate": _ratio(repeats, contacts),
        "time_between_contacts": _mean(1000 * sum(calls.gaps), repeats, 1000),
        "escalation_after_repeat": _ratio(0, repeats),
        "customers": Figure(customers or None, customers, customers, customers),
        "contacts_per_customer": _mean(contacts, customers, 1),
        "customers_once": _ratio(times[1], customers),
        "customers_twice": _ratio(times[2], customers),
        "customers_three_times": _ratio(times[3], customers),
        "customers_often": _ratio(times[4], customers),
        "repeat_customers": _ratio(customers - times[1], customers),
        "interaction_rate_net": _rate(calls.customer_days or customers),
        "customer_reach": _rate(customers),
    }


def _count(hits: int) -> Figure:
    return Figure(hits, hits, hits)


def _rate(hits: int) -> Figure:
    """Nobody with a contact: then nobody says that customers are known."""
    return Figure(hits / CUSTOMERS if hits else None, CUSTOMERS, hits)


def _mean(total: int, n: int, scale: int) -> Figure:
    return Figure(total / n / scale if n else None, n, total, n)


def _ratio(hits: int, n: int) -> Figure:
    """With an interval; a short day may have more hits than n, because they count at moments of their own."""
    if n <= 0:
        return Figure(None, 0, hits, n)
    return Figure(hits / n, n, hits, n, _interval(min(max(hits, 0), n), n))


def _at(values: Iterable[int], share: float) -> Figure:
    ordered = sorted(values)
    return Figure(ordered[int(share * (len(ordered) - 1))] if ordered else None, len(ordered), error=PERCENT)


def _interval(hits: int, n: int) -> tuple[float, float]:
    """Where (p - hits/n)² = z² p (1 - p) / n: Wilson's interval as the roots of its equation."""
    share, square = hits / n, 1.959964**2 / n
    a, b, c = 1 + square, -(2 * share + square), share * share
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
