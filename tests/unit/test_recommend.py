"""Recommendations by worked examples; what n agents take of a slot is in recommend_world.py, all else is added up by hand."""

import pytest
from msgspec.structs import replace
from recommend_world import CLOCK, MINUTE_MS, RULES, SLOT_MS, agents, part, picture, queue, spike, trend

from streams.core.recommend import Picture, recommend
from streams.core.recommend_queue import concurrency_of, people_at_work, unforeseen
from streams.core.trend import KpiValue

RUSH = [60, 130, 130, 60, 60, 60, 60, 60]  # short of four from 00:30 to 01:30
QUIET = [27.0] * 8  # needs 5 at work on a busy day: 29.7 contacts a slot


def test_agents_are_moved_from_the_queue_that_can_spare_them_even_on_a_busy_day() -> None:
    advice = recommend(picture(queue("billing", 13, RUSH), queue("sales", 9, QUIET)), RULES)

    move = next(one for one in advice.recommendations if one.lever == "move")
    assert move.what == "Move 4 from sales to billing from 00:30 to 01:30."
    assert (move.queue, move.from_queue, move.people) == ("billing", "sales", 4)
    assert (move.start_ms, move.end_ms) == (SLOT_MS, 3 * SLOT_MS)
    assert move.contacts_at_risk == pytest.approx(60.7, abs=0.05)  # 2 × (130 − 99.665)
    assert move.contacts_saved == move.contacts_at_risk  # 17 take 136
    assert move.confidence == pytest.approx(0.99, abs=0.01)
    assert move.why == (
        "billing: at 00:30 130 contacts in 30 min need 17.0 at work; 13.0 are and take 100. "
        "sales has 9.0 at work and can spare 4 even on a busy day."
    )
    assert move.computed == (
        "contacts expected beyond what those at work take with 80 % in 20 s (Erlang C, 180 s each): without it less with it, "
        "over 2 slots"
    )
    assert "call_in" not in [one.lever for one in advice.recommendations]  # nothing is left for it


def test_people_are_called_in_for_what_moves_leave_from_when_they_can_be_there() -> None:
    advice = recommend(picture(queue("billing", 13, RUSH), queue("sales", 7, QUIET)), RULES)

    move, call_in = (next(one for one in advice.recommendations if one.lever == lever) for lever in ("move", "call_in"))
    assert move.people == 2
    assert move.contacts_saved == pytest.approx(36.2, abs=0.05)  # 2 × (117.754 − 99.665)
    assert call_in.what == "Call in 3 (or keep them longer) for billing from 01:00 to 01:30."  # 2 / 0.7
    assert call_in.contacts_saved == pytest.approx(12.25, abs=0.06)  # 130 − 117.754, one slot
    assert call_in.why.endswith("3 are 2.0 at work with 30 % for breaks and the like, beside 2 moved.")


def test_call_backs_are_offered_as_far_as_there_is_room_afterwards() -> None:
    found = recommend(picture(queue("billing", 13, RUSH)), RULES).recommendations
    callback = next(one for one in found if one.lever == "callback")
    assert callback.what == "Offer call-backs in billing from 00:30 to 01:30, to be made from 01:30 on."
    assert callback.contacts_saved == pytest.approx(60.7, abs=0.05)  # less than 0.3 × 260 and than 5 × (99.665 − 60)

    no_room = [60, 130, 130, 98, 98, 98, 98, 98]
    found = recommend(picture(queue("billing", 13, no_room)), RULES).recommendations
    assert next(one.contacts_saved for one in found if one.lever == "callback") == pytest.approx(8.3, abs=0.05)  # 5 × 1.665


def test_what_takes_most_contacts_at_risk_comes_first_and_nobody_is_lent_twice() -> None:
    found = recommend(
        picture(queue("billing", 13, RUSH), queue("orders", 13, [120.0] * 8), queue("sales", 9, QUIET)), RULES
    ).recommendations

    assert [one.contacts_saved for one in found] == sorted((one.contacts_saved for one in found), reverse=True)
    moves = [(one.people, one.queue) for one in found if one.lever == "move"]
    assert moves == [(3, "orders"), (1, "billing")]  # orders is short of 3 all the time, 4 × 20.3: it comes first


def test_a_queue_with_enough_agents_gets_no_recommendation() -> None:
    advice = recommend(picture(queue("billing", 17, RUSH)), RULES)

    assert (advice.recommendations, advice.missing) == ((), ())
    (billing,) = advice.queues
    assert (billing.at_work, billing.needed, billing.contacts_at_risk) == (17.0, 17.0, 0.0)


def test_of_the_slot_that_runs_only_what_is_still_to_come_counts() -> None:
    now = replace(picture(queue("billing", 13, [130.0] + [60.0] * 7)), clocks=[replace(CLOCK, watermark_ms=15 * MINUTE_MS)])

    (billing,) = recommend(now, RULES).queues
    assert billing.contacts_at_risk == pytest.approx(15.2, abs=0.05)  # half of 130 − 99.665


def test_who_waits_now_has_to_be_taken_in_the_next_half_hour() -> None:
    trends, day = queue("billing", 13, [90.0] * 8)
    waiting = picture(([trends[0], agents({"queue": "billing"}, 13, waiting=20)], day))

    assert recommend(waiting, RULES).queues[0].contacts_at_risk == pytest.approx(10.3, abs=0.05)  # 90 + 20 − 99.665


def test_an_alert_counts_as_far_as_the_forecast_cannot_know_of_it() -> None:
    alert = spike({"queue": "billing"}, 40.0)  # in 20 minutes: 2 a minute
    assert unforeseen(alert, "billing", -20 * MINUTE_MS) == 2.0
    assert unforeseen(alert, "billing", -5 * MINUTE_MS) == 0.5  # a quarter of its time
    assert unforeseen(alert, "sales", -20 * MINUTE_MS) == 0.0
    by_part = spike({}, 40.0, part({"queue": "billing", "channel": "voice"}, 0.8))
    assert unforeseen(by_part, "billing", -20 * MINUTE_MS) == pytest.approx(1.6)

    trends, day = queue("billing", 13, [60.0] * 8)
    found = recommend(picture((trends, replace(day, origin_ms=-20 * MINUTE_MS)), alerts=[alert]), RULES)
    assert found.queues[0].contacts_at_risk == pytest.approx(23.66, abs=0.05)  # 60 + 60 − 99.665, and 60 + 60·e^(−30/90) − 99.665


def test_an_announcement_is_worth_a_share_of_the_issues_contacts_to_come() -> None:
    alert = spike({"queue": "billing"}, 60.0, part({"issue": "refund", "region": "north"}, 0.9))
    trends, day = queue("billing", 13, [90.0] * 8)
    found = recommend(picture((trends, replace(day, origin_ms=-20 * MINUTE_MS)), alerts=[alert]), RULES).recommendations

    announce = next(one for one in found if one.lever == "announce")
    assert announce.what == "Say at the entrance what is known of issue refund, region north, from now to 02:00."
    assert announce.contacts_saved == pytest.approx(35.8, abs=0.05)  # 0.2 × 2.7 a minute × 90 × (1 − e^(−120/90))
    assert announce.why == (
        "issue refund, region north brings 90 % of the excess since 23:40 (usually 5 % of contacts), 2.7 a minute: "
        "179 more to come."
    )
    assert announce.alert_id == "a1"


def test_an_issue_that_emerges_suggests_an_announcement_and_a_channel_that_grows_does_not() -> None:
    alert = replace(spike({"issue": "outage"}, 60.0), kind="mix", metric="share", usual=0.02, ratio=5.0)
    (announce,) = recommend(Picture(clocks=[CLOCK], trends=[], forecasts=[], alerts=[alert]), RULES).recommendations
    assert announce.what.startswith("Say at the entrance what is known of issue outage, from now")
    assert announce.why.startswith("issue outage brings 100 % of the excess since 23:40 (usually 2 % of contacts), 3.0 a minute")

    chat = replace(alert, cut="channel", series={"channel": "chat"})
    small = replace(alert, ratio=1.4)
    for other in (chat, small):
        assert recommend(Picture(clocks=[CLOCK], trends=[], forecasts=[], alerts=[other]), RULES).recommendations == ()


def test_an_announcement_needs_no_agents_but_says_that_nothing_is_known_of_them() -> None:
    alert = spike({}, 60.0, part({"issue": "refund"}, 0.9))
    (announce,) = recommend(Picture(clocks=[CLOCK], trends=[], forecasts=[], alerts=[alert]), RULES).recommendations

    assert announce.confidence is None
    assert announce.why.endswith("179 more to come; whether its queues have room for them isn't known.")


def test_no_announcement_where_agents_have_room_for_the_issue_or_no_issue_explains() -> None:
    alert = spike({"queue": "billing"}, 60.0, part({"issue": "refund"}, 0.9))
    assert recommend(picture(queue("billing", 40, [60.0] * 8), alerts=[alert]), RULES).recommendations == ()
    elsewhere = spike({}, 60.0, part({"region": "north"}, 0.9))
    assert recommend(picture(queue("billing", 40, [60.0] * 8), alerts=[elsewhere]), RULES).recommendations == ()


def test_what_is_not_known_is_said_and_recommends_nothing() -> None:
    assert recommend(Picture(clocks=[], trends=[], forecasts=[], alerts=[]), RULES).missing == (
        "no pulse of the pipeline: is a worker running?",
    )
    assert recommend(Picture(clocks=[CLOCK], trends=[], forecasts=[], alerts=[]), RULES).missing == (
        "no queues: no live window and no forecast of any",
    )
    no_agents, no_handle_time, no_forecast = (queue(name, 13, RUSH) for name in ("billing", "orders", "sales"))
    advice = recommend(
        Picture(
            clocks=[CLOCK],
            trends=[no_agents[0][0], no_handle_time[0][1], *no_forecast[0]],
            forecasts=[no_agents[1], no_handle_time[1]],
            alerts=[],
        ),
        RULES,
    )
    assert (advice.recommendations, advice.queues) == ((), ())
    assert advice.missing == (
        "billing: no agents at work are known (no state of one has come for the queue)",
        "orders: no handle time (fewer than 10 contacts handled)",
        "sales: no forecast that reaches there (a first one takes a whole day of contacts)",
    )


def test_agents_who_serve_several_queues_are_told_of() -> None:
    trends, day = queue("billing", 13, RUSH)
    shared = picture(([*trends, agents({}, 18)], day), queue("sales", 9, QUIET))

    assert recommend(shared, RULES).missing == (
        "who serves several queues: 22 people at work, added up by queue, are 18, so a queue may have fewer than is said",
    )


def test_who_is_on_a_break_counts_by_how_much_of_the_time_is_breaks() -> None:
    assert people_at_work({"30m": agents({"queue": "billing"}, 9, on_break=1)}) == pytest.approx(9.0)
    resting = trend(
        {"queue": "billing"}, {"agents_busy": KpiValue(8.0, 8), "agents_on_break": KpiValue(2.0, 2)},
        {"on_contact_ms": 900, "break_ms": 100}, "30m",
    )  # fmt: skip
    assert people_at_work({"30m": resting}) == pytest.approx(9.0)  # ten are there, nine tenths of the time at work
    assert people_at_work({"30m": trend({"queue": "billing"}, {"agents_busy": KpiValue(None, 0)}, {}, "30m")}) is None


def test_chat_takes_as_many_at_once_as_its_part_of_the_work_allows() -> None:
    voice, chat = (trend({"channel": name, "queue": "billing"}, {}, {"talk_ms": 500}) for name in ("voice", "chat"))

    assert concurrency_of([voice, chat], {"chat": 2.0}) == pytest.approx(4 / 3)  # 1000 / (500 + 250)
    assert concurrency_of([], {"chat": 2.0}) == 1.0
