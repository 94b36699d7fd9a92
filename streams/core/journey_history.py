"""One customer's recent contacts, and what they contribute, a pure function of them and of how far event time is.

Contacts stand in the order of their ends. One follows another where it ends less than W after it. The surprise: what is so old
that it can't change any open window is forgotten, but its end stays, so that who followed it remains a repeat, and until its
month is over its place, so that who comes again is no new customer of the month.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from streams.core.contact import Contact, dimensions_of
from streams.core.context import Combination, Contexts
from streams.core.expiry import BUCKET_MS, rounded
from streams.core.measure import Cell
from streams.core.measure_journey import ANY, GAP_MS, REPEATS_ESCALATED, SAME_ISSUE, Family
from streams.core.rules import IntakeRules
from streams.core.series import DIMENSIONS
from streams.core.trend import WindowKind
from streams.core.window import window_end, window_start

HOUR_MS = 3_600_000
WEEK_MS = 7 * 24 * HOUR_MS
LENGTH_MS_MAX: dict[WindowKind, int] = {"1m": 60_000, "15m": HOUR_MS // 4, "1h": HOUR_MS, "1d": 25 * HOUR_MS}
ID_BYTES = 8  # of an interaction's id: it has to differ among the contacts of one customer only
_ISSUE = DIMENSIONS.index("issue")

Key: TypeAlias = tuple[int, int, Combination]  # pane start, how many of the shortest kinds don't get it, combination
Contributions: TypeAlias = dict[Key, Cell]


class JourneyRules(msgspec.Struct, frozen=True, kw_only=True):
    """What journey follows. counting: intake's rules, for cuts, panes, windows; sources: partitions of intake; repeat_ms: W.

    customers_max: how many may change in a drain before the next one goes on; see Journey.
    """

    counting: IntakeRules
    sources: int
    repeat_ms: int
    customers_max: int = 10_000  # half a second, 50 MB

    @property
    def keep_ms(self) -> int:
        """How long a contact is kept: while one that follows it within W, or in its week, may go into an open window."""
        kind, grace_ms = self.counting.graces_ms[-1]
        return max(self.repeat_ms, WEEK_MS) + LENGTH_MS_MAX[kind] + grace_ms


class Past(msgspec.Struct, array_like=True, frozen=True, order=True, gc=False):
    """A contact as it is kept; id: digest of the interaction's, values: by DIMENSIONS, late: too late for its day's customers."""

    ended_ms: int
    id: bytes
    revision: int
    values: tuple[str | None, ...]
    escalated: bool
    back_ms: int | None
    late: bool = False


class Older(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """How many contacts with the same values are forgotten of a month (its start) that isn't final yet."""

    month_ms: int
    values: tuple[str | None, ...]
    contacts: int


class History(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One customer: contacts in order; due_ms: the bucket of event time in which something of it is due.

    before_ms: the end of the last contact that is forgotten, before_issues: of the last with each issue; older: those whose month
    goes on; held: contacts as closed days hold them, where they turned out otherwise (journey_held.py).
    """

    contacts: list[Past]
    due_ms: int = 0
    before_ms: int | None = None
    before_issues: dict[str, int] = {}
    older: list[Older] = []
    held: list[Past] = []


NOTHING = History([])
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(History)


def encode_history(history: History) -> bytes:
    """As bytes."""
    return _ENCODER.encode(history)


def decode_history(data: bytes) -> History:
    """Bytes of `encode_history` as a history."""
    return _DECODER.decode(data)


def past_of(contact: Contact) -> Past:
    """A contact as it is kept."""
    digest = blake2b(contact.interaction_id.encode(), digest_size=ID_BYTES).digest()
    return Past(contact.ended_ms, digest, contact.revision, dimensions_of(contact), contact.escalated, contact.back_ms)


def forget(history: History, rules: JourneyRules, zone: ZoneInfo, until_ms: int) -> History:
    """Without the contacts that are too old to change anything; what the others contribute to open windows stays the same."""
    # A bucket ends at until_ms, or `rounded` is beyond it: what is due up to its last moment is what is due up to there.
    old = history.contacts[: _first_after(history.contacts, _bucket(until_ms) - rules.keep_ms)]
    over = [past for past in history.held if rounded(past.ended_ms + rules.keep_ms) <= until_ms]
    months = [month_ms for month_ms in {each.month_ms for each in history.older} if _over_ms(month_ms, rules, zone) <= until_ms]
    older = [each for each in history.older if each.month_ms not in months]
    if not old and not over:
        return history if len(older) == len(history.older) else msgspec.structs.replace(history, older=older)
    kept = history.contacts[len(old) :]
    issues = {**history.before_issues, **{past.values[_ISSUE] or "": past.ended_ms for past in old}}
    still = kept[0].ended_ms if kept else until_ms
    near = {issue: ended_ms for issue, ended_ms in issues.items() if issue and still - ended_ms < rules.repeat_ms}
    counts = Counter({(each.month_ms, each.values): each.contacts for each in older})
    counts.update((window_start("1mo", past.ended_ms, zone), past.values) for past in (*old, *over) if not past.late)
    going_on = [Older(*key, n) for key, n in counts.items() if _over_ms(key[0], rules, zone) > until_ms]
    held = [past for past in history.held if past not in over]
    return History(kept, history.due_ms, old[-1].ended_ms if old else history.before_ms, near, going_on, held)


def next_due_ms(history: History, rules: JourneyRules, zone: ZoneInfo, until_ms: int) -> int:
    """When a contact's W is over next, or one can be forgotten, or its month: a bucket after `until_ms`."""
    contacts, moments = history.contacts, []
    for after_ms in (rules.repeat_ms, rules.keep_ms):
        first = _first_after(contacts, _bucket(until_ms) - after_ms)
        moments += [rounded(past.ended_ms + after_ms) for past in contacts[first : first + 1]]
    moments += [rounded(past.ended_ms + rules.keep_ms) for past in history.held]
    over = [_over_ms(month_ms, rules, zone) for month_ms in {each.month_ms for each in history.older}]
    return min([moment for moment in (*moments, *over) if moment > until_ms], default=0)


def _bucket(until_ms: int) -> int:
    """The last moment for which `rounded` gives no more than this one."""
    return until_ms // BUCKET_MS * BUCKET_MS


def _ended_ms(past: Past) -> int:
    return past.ended_ms


def _first_after(contacts: Sequence[Past], moment_ms: int) -> int:
    """The place of the first contact that ended after a moment; of a customer's hundreds, nobody else is looked at."""
    return bisect_right(contacts, moment_ms, key=_ended_ms)


def _over_ms(month_ms: int, rules: JourneyRules, zone: ZoneInfo) -> int:
    """When no contact can be counted in a month any more."""
    return rounded(window_end("1mo", month_ms, zone) + rules.counting.graces_ms[-1][1])


def contributions(history: History, rules: JourneyRules, contexts: Contexts, zone: ZoneInfo, until_ms: int) -> Contributions:
    """What contacts contribute at a watermark; W is over for those whose time has come by then."""
    fold = _Fold(rules, zone, until_ms)
    contacts = history.contacts
    last_ms, last_of = history.before_ms, dict(history.before_issues)
    following = _next_with_same_issue(contacts)
    for number, past in enumerate(contacts):
        combination = contexts.of(past.values).combination
        next_ms = contacts[number + 1].ended_ms if number + 1 < len(contacts) else None
        fold.count(ANY, past, combination, last_ms, _earlier(next_ms, past.back_ms))
        issue = past.values[_ISSUE]
        if issue is not None:
            fold.count(SAME_ISSUE, past, combination, last_of.get(issue), _earlier(following[number], past.back_ms))
            last_of[issue] = past.ended_ms
        last_ms = past.ended_ms
    return fold.done


def appended(
    history: History, past: Past, rules: JourneyRules, contexts: Contexts, zone: ZoneInfo, until_ms: int
) -> tuple[Contributions, Contributions]:
    """What a contact after all others changes: contributions before and after it, of those that it touches.

    These are itself, the one before it and the one before it with its issue. The same as the difference of `contributions`,
    whose cost grows with the customer's contacts.
    """
    before, after = _Fold(rules, zone, until_ms), _Fold(rules, zone, until_ms)
    issue = past.values[_ISSUE]
    families = [(ANY, history.contacts[-2:], history.before_ms)]
    if issue is not None:
        same = [other for other in history.contacts if other.values[_ISSUE] == issue]
        families.append((SAME_ISSUE, same, history.before_issues.get(issue)))
    for family, contacts, last_ms in families:
        if contacts:
            last = contacts[-1]
            combination = contexts.of(last.values).combination
            earlier_ms = contacts[-2].ended_ms if len(contacts) > 1 else last_ms
            before.count(family, last, combination, earlier_ms, last.back_ms)
            after.count(family, last, combination, earlier_ms, _earlier(past.ended_ms, last.back_ms))
            last_ms = last.ended_ms
        after.count(family, past, contexts.of(past.values).combination, last_ms, past.back_ms)
    return before.done, after.done


def matured(history: History, rules: JourneyRules, contexts: Contexts, zone: ZoneInfo, at_ms: int) -> Contributions:
    """What is added at the end of a minute, `at_ms`, by contacts whose W is over in it.

    The same as the difference of `contributions` at it and before it, whose cost grows with the customer's contacts, and each of
    them has such a minute: of a customer with 200 they were most of what journey did.
    """
    fold = _Fold(rules, zone, at_ms)
    contacts = history.contacts
    last_due_ms = at_ms - rules.repeat_ms
    for number in range(_first_after(contacts, last_due_ms - BUCKET_MS), _first_after(contacts, last_due_ms)):
        past = contacts[number]
        combination = contexts.of(past.values).combination
        last_ms = contacts[number - 1].ended_ms if number else history.before_ms
        next_ms = contacts[number + 1].ended_ms if number + 1 < len(contacts) else None
        fold.mature(ANY, past, combination, last_ms, _earlier(next_ms, past.back_ms))
        issue = past.values[_ISSUE]
        if issue is not None:
            last_ms = _first_end(reversed(contacts[:number]), issue, history.before_issues.get(issue))
            next_ms = _first_end(contacts[number + 1 :], issue, None)
            fold.mature(SAME_ISSUE, past, combination, last_ms, _earlier(next_ms, past.back_ms))
    return fold.done


class _Fold:
    """The contributions so far."""

    def __init__(self, rules: JourneyRules, zone: ZoneInfo, until_ms: int) -> None:
        self.done: Contributions = {}
        self._counting = rules.counting
        self._repeat_ms = rules.repeat_ms
        self._zone = zone
        self._until_ms = until_ms

    def count(self, family: Family, past: Past, combination: Combination, last_ms: int | None, next_ms: int | None) -> None:
        """One contact; `last_ms`: end of the one before it, `next_ms`: when the customer came back, each where there is one."""
        ended_ms = past.ended_ms
        cell = self._cell(ended_ms, 0, combination)
        _add(cell, family.contacts, 1)
        if last_ms is not None and ended_ms - last_ms < self._repeat_ms:
            _add(cell, family.repeats, 1)
            if family is ANY:
                _add(cell, GAP_MS, ended_ms - last_ms)
                _add(cell, REPEATS_ESCALATED, past.escalated)
            return
        if next_ms is not None and next_ms < ended_ms + self._repeat_ms:
            level = self._level_of_both(ended_ms, next_ms)
            if level < len(self._counting.graces_ms):
                _add(self._cell(ended_ms, level, combination), family.followed, 1)
        if rounded(ended_ms + self._repeat_ms) <= self._until_ms:
            self.mature(family, past, combination, last_ms, next_ms)

    def mature(self, family: Family, past: Past, combination: Combination, last_ms: int | None, next_ms: int | None) -> None:
        """What one contact adds when its W is over: nothing where it is a repeat."""
        if last_ms is None or past.ended_ms - last_ms >= self._repeat_ms:
            due_ms = past.ended_ms + self._repeat_ms
            cell = self._cell(due_ms, 0, combination)
            _add(cell, family.matured, 1)
            _add(cell, family.matured_followed, next_ms is not None and next_ms < due_ms)

    def _level_of_both(self, ended_ms: int, next_ms: int) -> int:
        """How many kinds of windows, from the shortest, don't hold both moments."""
        level = 0
        for kind, _ in self._counting.graces_ms:
            if next_ms < window_end(kind, ended_ms, self._zone):
                break
            level += 1
        return level

    def _cell(self, time_ms: int, level: int, combination: Combination) -> Cell:
        return self.done.setdefault((time_ms - time_ms % self._counting.pane_ms, level, combination), {})


def _add(cell: Cell, code: int, n: int) -> None:
    if n:
        cell[code] = cell.get(code, 0) + n


def _earlier(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return b if a is None else a
    return min(a, b)


def _first_end(contacts: Iterable[Past], issue: str, otherwise: int | None) -> int | None:
    """The end of the first one with an issue."""
    return next((past.ended_ms for past in contacts if past.values[_ISSUE] == issue), otherwise)


def _next_with_same_issue(contacts: Sequence[Past]) -> list[int | None]:
    found: list[int | None] = []
    seen: dict[str | None, int] = {}
    for past in reversed(contacts):
        found.append(seen.get(past.values[_ISSUE]))
        seen[past.values[_ISSUE]] = past.ended_ms
    found.reverse()
    return found
