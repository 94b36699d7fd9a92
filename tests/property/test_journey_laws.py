"""The laws of journey: order, repetition, older versions, batches and restarts change nothing; nor does what is forgotten."""

from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from intake_fakes import HOUR, RecordFake, sums
from journey_oracle import DAY, START, Call, calls, oracle, pulse, record, rules
from laws import examples

from streams.core.contact import decode_contact, decode_pulse
from streams.core.context import Contexts
from streams.core.expiry import rounded
from streams.core.frame import Frame
from streams.core.journey import Journey, JourneyRules
from streams.core.journey_history import Contributions, History, contributions, matured, past_of
from streams.core.measure import add
from streams.core.series import is_by_hours

FEW_OR_MANY = st.sampled_from((1, 10_000))  # customers who may change in a drain


def played(records: list[RecordFake], drains: list[bool], own: JourneyRules) -> tuple[list[Frame], dict[bytes, bytes]]:
    """One record after the other; drained, and begun anew from the store, where `drains` says so."""
    store: dict[bytes, bytes] = {}
    journey, frames = Journey(1, store, own), []
    for number, each in enumerate(records):
        journey.apply([each], 0)
        if drains and drains[number % len(drains)]:
            frames += journey.drain(number, 0).frames
            journey = Journey(1, store, own)
    while not frames or frames[-1].watermark_ms != decode_pulse(records[-1].value_ or b"").watermark_ms:
        frames += journey.drain(1_000_000, 0).frames
    return frames, store


@examples(60)
@given(calls(5), st.data())
def test_order_repetition_older_versions_batches_and_restarts_change_nothing(found: list[Call], data: st.DataObject) -> None:
    versions = [record(call, 2) for call in found]
    if found:
        versions += [record(call, 1) for call in data.draw(st.lists(st.sampled_from(found), max_size=6))]
        versions += [record(call, 2) for call in data.draw(st.lists(st.sampled_from(found), max_size=3))]
    beats = [pulse(START + day * DAY) for day in range(7)]
    mixed = data.draw(st.permutations(versions + beats))
    drains = data.draw(st.lists(st.booleans(), max_size=5))
    own = msgspec.structs.replace(rules(40 * DAY), customers_max=data.draw(FEW_OR_MANY))
    frames, _ = played([*mixed, pulse(START + 20 * DAY)], drains, own)
    assert sums(frames) == oracle(found)


@examples(30)
@given(calls(5))
def test_a_cut_by_business_hours_changes_no_other_and_has_no_distinct_customers(found: list[Call]) -> None:
    """Customers are of a day or a week, and hours are of a moment."""
    frames, _ = played([*(record(call, 2) for call in found), pulse(START + 20 * DAY)], [], rules(40 * DAY, "queue+hours"))
    all_sums = sums(frames)
    assert {key: cell for key, cell in all_sums.items() if not is_by_hours(key[2])} == oracle(found)
    split = [cell for key, cell in all_sums.items() if is_by_hours(key[2])]
    assert not any(63 <= code < 76 for cell in split for code in cell)


@examples(60)
@given(calls(30), st.lists(st.booleans(), max_size=5), FEW_OR_MANY)
def test_what_is_forgotten_is_missed_by_nobody_and_leaves_nothing_behind(
    found: list[Call], drains: list[bool], customers_max: int
) -> None:
    steps = [(call.ended_ms, (record(call, 2), pulse(call.ended_ms))) for call in sorted(found, key=lambda c: c.ended_ms)]
    records = [each for _, pair in steps for each in pair]
    own = msgspec.structs.replace(rules(HOUR), customers_max=customers_max)
    frames, store = played([*records, pulse(START + 60 * DAY)], drains, own)
    assert sums(frames) == oracle(found)
    assert {key[:1] for key in store} <= {b"m", b"s"}


@examples(30)
@given(calls(5))
def test_what_matures_in_a_minute_is_the_difference_of_what_contacts_contribute_before_and_after_it(found: list[Call]) -> None:
    own, zone = rules(40 * DAY), ZoneInfo("UTC")
    contexts = Contexts(own.counting)
    pasts = sorted(past_of(decode_contact(record(call, 2).value_ or b"")) for call in found)
    history = History(pasts, before_ms=START - HOUR, before_issues={"invoice": START - HOUR})
    for at_ms in {rounded(past.ended_ms + own.repeat_ms) for past in pasts}:
        before, after = (contributions(history, own, contexts, zone, until_ms) for until_ms in (at_ms - 1, at_ms))
        added: Contributions = {}
        for sign, each in ((-1, before), (1, after), (-1, matured(history, own, contexts, zone, at_ms))):
            for key, cell in each.items():
                add(added.setdefault(key, {}), {code: sign * n for code, n in cell.items()})
        assert not any(added.values())
