"""conversation.py: replies, bots, sentiment, surveys and resolutions, example by example."""

from intake_fakes import READ_MS, RecordFake, event, make_rules, measures

from streams.core.intake import Intake


def told(*records: RecordFake) -> dict[str, int]:
    intake = Intake(0, {}, make_rules())
    intake.apply(records, READ_MS)
    return measures(intake.drain(READ_MS, 0).frames)


def part(found: dict[str, int], *names: str) -> dict[str, int]:
    return {name: found[name] for name in names if name in found}


BOT = event("answered", 2, bot=True)


def test_a_contact_that_only_a_bot_answered_is_contained_when_it_is_resolved() -> None:
    bots = "handled", "bot_handled", "contained"
    resolved, unresolved = (event("completed", 60, resolved=done) for done in (True, False))
    agent = event("queued", 30), event("answered", 40)
    assert part(told(BOT, resolved), *bots) == {"handled": 1, "bot_handled": 1, "contained": 1}
    assert part(told(BOT, unresolved), *bots) == {"handled": 1, "bot_handled": 1}
    assert part(told(BOT, event("completed", 60)), *bots) == {"handled": 1, "bot_handled": 1}
    assert part(told(BOT, *agent, resolved), *bots) == {"handled": 1, "bot_handled": 1}
    assert part(told(*agent, resolved), *bots) == {"handled": 1}


def test_the_first_reply_of_an_agent_ends_the_wait_for_one() -> None:
    found = told(
        event("offered", 0),
        event("replied", 1, author="bot"),
        event("replied", 20, author="customer"),
        event("replied", 50, author="agent"),
        event("replied", 60),
    )
    assert found == {"offered": 1, "customer_replies": 1, "replies": 2, "first_replies": 1, "first_reply_ms": 50_000}


def test_a_ticket_is_resolved_in_one_touch_by_the_first_completion_after_one_reply() -> None:
    ticket = event("offered", 0), event("replied", 10, id="r1")
    end, again = event("completed", 20, resolved=True), event("replied", 15, id="r2")
    tickets = "tickets_resolved", "one_touch", "closed_unanswered", "resolved"
    assert part(told(*ticket, end), *tickets) == {"tickets_resolved": 1, "one_touch": 1, "resolved": 1}
    assert part(told(*ticket, again, end), *tickets) == {"tickets_resolved": 1, "resolved": 1}
    reopened = event("reopened", 30), event("replied", 40, id="r3"), event("completed", 50, resolved=True)
    assert part(told(*ticket, end, *reopened), *tickets) == {"tickets_resolved": 1, "one_touch": 1, "resolved": 2}


def test_a_contact_that_is_resolved_again_counts_again_with_its_whole_time() -> None:
    found = told(
        event("offered", 0), event("answered", 5), event("completed", 60, resolved=True),
        event("reopened", 100), event("answered", 110), event("completed", 160, resolved=True),
    )  # fmt: skip
    assert part(found, "resolutions", "resolution_ms", "reopened") == {"resolutions": 2, "resolution_ms": 220_000, "reopened": 1}


def test_a_completion_told_twice_resolves_once() -> None:
    ended = event("answered", 5), event("completed", 60, resolved=True), event("completed", 61, resolved=True)
    assert part(told(*ended), "resolved", "handled") == {"resolved": 1, "handled": 1}


def test_sentiment_is_kept_in_millionths_during_the_contact_and_afterwards() -> None:
    found = told(
        event("answered", 0),
        event("sentiment", 10, score=-0.25),
        event("sentiment", 20, score=0.1),
        event("completed", 30),
        event("sentiment", 40, score=1.0),
    )
    names = "sentiments", "sentiment_micro", "sentiments_negative", "sentiments_after", "sentiment_after_micro"
    assert part(found, *names) == {
        "sentiments": 3, "sentiment_micro": 850_000, "sentiments_negative": 1,
        "sentiments_after": 1, "sentiment_after_micro": 1_000_000,
    }  # fmt: skip


def test_a_sentiment_event_without_a_score_says_nothing() -> None:
    assert told(event("sentiment", 10)) == {}


def test_a_survey_that_comes_days_later_counts_under_its_own_dimensions_and_opens_nothing() -> None:
    intake = Intake(0, {}, make_rules())
    intake.apply([event("queued", 0, queue="billing"), event("abandoned", 9)], READ_MS)
    intake.apply([event("surveyed", 5 * 86_400, csat=4, nps=9, resolved=False, queue="sales")], READ_MS)
    intake.apply([event("heartbeat", 9 * 86_400)], READ_MS)
    frames = intake.drain(READ_MS, 0).frames
    assert measures(frames, "queue\x1fsales") == {"csat_4": 1, "nps_9": 1, "survey_unresolved": 1}
    assert "timed_out" not in measures(frames)


def test_who_is_moved_on_while_waiting_flows_out_of_the_queue() -> None:
    moved = event("queued", 0), event("transferred", 9), event("queued", 9)
    assert told(*moved) == {"queued": 2, "flowed_out": 1}
    assert "flowed_out" not in told(event("queued", 0), event("answered", 5), event("transferred", 9))
