"""What the wallboard recommends: below the alerts, ranked, each with its impact and, when asked, its reasons."""

from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect
from recommend_world import SLOT_MS, queue

from streams.core.alert import Foreseen
from streams.core.series import series_of
from streams.edge.clock import now_ms

pytestmark = pytest.mark.integration
LATEST_MS = 60_000  # the page asks now and then, and an answer from before the records were read is kept for ten seconds


def test_what_to_do_stands_below_the_alerts_with_its_impact_and_its_reasons(writer: Any, board: Any, wall: Any) -> None:
    now = now_ms()
    trends, day = queue("billing", 13, [130.0] * 48)
    begins = now - now % SLOT_MS
    coming = replace(day, starts_ms=[begins + n * SLOT_MS for n in range(48)], day="2099-01-01", origin_ms=now + SLOT_MS)
    # The forecast was made after the alert's last minute, so it knows of the alert.
    writer.publish(trends=tuple(trends), forecasts=(coming,), alerts=(writer.alert("firing", series_of("queue", "billing")),))
    page = wall.open(board.url)
    first = page.locator("#todo .todo").first
    expect(first.locator(".what")).to_contain_text("for billing from", timeout=LATEST_MS)
    expect(first.locator(".what")).to_contain_text("Call in 6 (or keep them longer)", timeout=LATEST_MS)  # 4 / 0.7
    expect(first.locator(".impact")).to_contain_text("contacts at risk · short with")
    first.locator("summary").click()
    expect(first.locator(".why")).to_contain_text("130 contacts in 30 min need 17.0 at work; 13.0 are and take 100.")
    expect(page.locator("#todo-missing")).to_have_text("")


def test_a_shortage_that_is_foreseen_says_when_it_will_be_and_how_many_are_needed(writer: Any, board: Any, wall: Any) -> None:
    two_ms = 1_709_557_200_000  # 4 March 2024, 14:00 in Berlin
    foreseen = Foreseen(
        start_ms=two_ms,
        end_ms=two_ms + 3_600_000,
        worst_ms=two_ms,
        slot_minutes=15,
        people=40.0,
        people_needed=46.0,
        chance=0.84,
    )
    alert = replace(
        writer.alert("firing", series_of("queue", "billing")),
        kind="shortage",
        observed=0,
        expected=478.8,
        excess=63.0,
        ratio=None,
        foreseen=foreseen,
        recommendation="Move or call in 6.",
    )
    writer.publish(alerts=(alert,))
    card = wall.open(board.url).locator("#alerts .alert").first
    expect(card.locator(".what")).to_contain_text("Short of staff ahead – queue billing")
    expect(card.locator(".amount")).to_have_text("14:00–15:00: 63 of 479 contacts too many; 40.0 people, 46.0 needed")
    expect(card.locator(".since")).to_contain_text("foreseen since")
    expect(card.locator(".advice")).to_have_text("Move or call in 6.")
