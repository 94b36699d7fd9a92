"""Laws of Genesys Cloud's payloads: whatever arrives of a conversation, in any order and more than once, counts it once."""

import json

from broken import check_broken
from genesys_calls import Leg, Talk, agent_ended, details, notifications
from hypothesis import given
from hypothesis import strategies as st
from laws import examples
from told import contribution, records, totals

from streams.sources.genesys import read


@st.composite
def talks(draw: st.DrawFn, connecting: st.SearchStrategy[int]) -> Talk:
    """Ended in the menu, abandoned, answered; passed on by agents or flows, shortly before or after the next queue begins."""
    menu_until, many = draw(st.integers(1_000, 60_000)), draw(st.integers(0, 3))
    if not many:
        return Talk(menu_until=menu_until, exit_reason=draw(st.sampled_from(["DISCONNECT", "FLOW_DISCONNECT"])), legs=())
    talk, since = Talk(menu_until=menu_until, legs=(), connecting=draw(connecting)), menu_until + 3
    for number in range(many):
        is_last, is_answered = number == many - 1, draw(st.booleans())
        on = draw(st.sampled_from(["TRANSFER", "CONSULT_TRANSFER"])) if is_answered else "FLOW_OUT"
        leg = Leg(
            since=since,
            until=since + draw(st.integers(2_500, 600_000)),
            talk=draw(st.integers(1_500, 900_000)) if is_answered else None,
            hold=draw(st.integers(0, 60_000)),
            wrap=draw(st.none() | st.integers(0, 120_000)),
            how=draw(st.sampled_from(["PEER", "CLIENT"])) if is_last else on,
            queue=f"q-{number}",
        )
        talk = talk._replace(legs=(*talk.legs, leg))
        since = agent_ended(talk, leg) + draw(st.integers(-5, 5))
    return talk


ANY = st.integers(-20, 500)


@examples(40)  # three runs of intake each
@given(talks(ANY), st.data())
def test_notifications_count_the_same_in_any_order_and_repeated(talk: Talk, data: st.DataObject) -> None:
    payloads = notifications(talk)
    told = data.draw(st.permutations(payloads + data.draw(st.lists(st.sampled_from(payloads), max_size=4))))
    assert contribution(records(read, told)) == contribution(records(read, payloads))
    assert contribution(records(read, told))[1] == {}


@examples(40)  # three runs of intake each
@given(talks(ANY), st.data())
def test_details_count_the_same_alone_and_with_any_notifications_around_them(talk: Talk, data: st.DataObject) -> None:
    whole = details(talk)
    told = data.draw(st.permutations([whole, *data.draw(st.lists(st.sampled_from([whole, *notifications(talk)]), max_size=8))]))
    assert contribution(records(read, told)) == contribution(records(read, [whole]))
    assert contribution(records(read, told))[1] == {}


@examples(40)
@given(talks(st.just(0)))
def test_notifications_alone_count_what_the_details_count_but_for_what_only_those_know(talk: Talk) -> None:
    """Hold is within the talk, work after it unknown, a second of talk lost in each transfer, who left the menu not told."""
    live, whole = totals(records(read, notifications(talk))), totals(records(read, [details(talk)]))
    transfers = sum("TRANSFER" in leg.how for leg in talk.legs)
    talk_ms = whole.pop("talk_ms", 0) + whole.pop("hold_ms", 0) - 1_000 * transfers
    whole.pop("wrap_ms", 0)
    if "left_before_queue" in whole:
        whole["closed_unanswered"] = whole.pop("left_before_queue")
    assert live.pop("talk_ms", 0) == talk_ms
    assert live == whole


@examples(40)
@given(talks(ANY))
def test_what_notifications_and_details_both_tell_they_tell_in_the_same_words(talk: Talk) -> None:
    words: dict[str, bytes] = {}
    for record in records(read, [*notifications(talk), details(talk)]):
        value = record.value() or b""
        assert words.setdefault(json.loads(value)["id"], value) == value


@given(talks(ANY), st.data())
def test_a_payload_of_which_a_part_is_replaced_gives_events_or_a_named_rejection(talk: Talk, data: st.DataObject) -> None:
    check_broken(read, data.draw(st.sampled_from([*notifications(talk), details(talk)])), data)
