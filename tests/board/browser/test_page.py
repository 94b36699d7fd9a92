"""The wallboard in a real browser: it shows exactly what the live view holds, and never passes old figures off as live."""

import time
from typing import Any

import pytest
from forecast_rules import forecast_day
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from streams.core.alert import Contribution
from streams.core.series import series_of
from streams.core.trend import KpiValue
from streams.edge.clock import now_ms

pytestmark = pytest.mark.integration

MINUTE_MS = 60_000
STALE_SECONDS = 5  # within which the page must say so
BILLING, ORDERS = series_of("queue", "billing"), series_of("queue", "orders")

SHOWN = {
    "contacts_in_queue": "14",
    "oldest_in_queue": "2:18",
    "longest_wait": "5:11",
    "asa": "0:34",
    "service_level": "77.1 %",
    "offered": "1,792",
    "answered": "741",
    "abandoned": "51",
    "aht": "1:01:12",
    "csat": "81.0 %",
}


def value(page: Page, kpi: str) -> Any:
    return page.locator(f"#tile-{kpi} .value")


def test_the_page_shows_exactly_the_figures_of_the_live_view(writer: Any, board: Any, wall: Any, figures: Any) -> None:
    writer.publish(trends=(writer.trend("total", "30m", figures), writer.trend("total", "today", {"csat": KpiValue(0.79, 900)})))
    page = wall.open(board.url)
    for kpi, shown in SHOWN.items():
        expect(value(page, kpi)).to_have_text(shown)
    expect(page.locator("#tile-service_level .detail")).to_have_text("! watchn 792 · 74–80 %")
    expect(page.locator("#tile-longest_wait .verdict")).to_have_text("✕ off target")
    meaning = "Average handle time: (talk + hold + wrap) / handled; counts when the contact is completed"
    expect(page.locator("#tile-aht h3")).to_have_attribute("title", meaning)
    expect(page.locator("#tile-csat .verdict")).to_have_text("✓ on target")
    expect(page.locator("#tile-csat .day")).to_have_text("today 79.0 % (now ▲ 2.0)")
    expect(page.locator("#tile-abandoned .sample")).to_have_text("6.4 % of 792")
    writer.publish(trends=(writer.trend("total", "30m", {**figures, "offered": KpiValue(1793.0, 1793)}),))
    expect(value(page, "offered")).to_have_text("1,793")


def test_what_is_not_known_is_a_dash_and_not_zero(writer: Any, board: Any, wall: Any) -> None:
    writer.publish(trends=(writer.trend("total", "30m", {"csat": KpiValue(None, 0), "offered": KpiValue(0.0, 0)}),))
    page = wall.open(board.url)
    expect(value(page, "offered")).to_have_text("0")
    expect(value(page, "csat")).to_have_text("–")
    expect(value(page, "aht")).to_have_text("–")


def test_the_unknown_queue_has_a_row_only_while_somebody_is_in_it(writer: Any, board: Any, wall: Any, figures: Any) -> None:
    unknown = series_of("queue", "unknown")
    nobody = {"offered": KpiValue(0.0, 0)}
    writer.publish(trends=(writer.trend("total", "30m", figures), writer.trend(BILLING, "30m", figures)))
    writer.publish(trends=tuple(writer.trend(unknown, kind, nobody) for kind in ("30m", "today")))
    page = wall.open(board.url)
    expect(page.locator("#rows tbody th")).to_have_text(["billing"])
    writer.publish(trends=(writer.trend(unknown, "30m", {"offered": KpiValue(1.0, 1)}),))
    expect(page.locator("#rows tbody th")).to_have_text(["billing", "unknown"])


def test_figures_stand_in_the_page_before_the_stream_is_open(writer: Any, board: Any, wall: Any, figures: Any) -> None:
    writer.publish(trends=(writer.trend("total", "30m", figures),))
    page = wall.open(board.url)
    expect(value(page, "offered")).to_have_text("1,792")
    page.route("**/stream", lambda _: None)  # never answers
    page.reload()
    expect(value(page, "offered")).to_have_text("1,792")


def test_an_alert_of_a_mean_is_told_in_minutes_per_cent_or_points(writer: Any, board: Any, wall: Any) -> None:
    page = wall.open(board.url)
    alert = replace(writer.alert("firing", BILLING), kind="rise", metric="aht", value=490.0, usual=365.0, contacts=120)
    writer.publish(alerts=(alert,))
    card = page.locator("#alerts .alert")
    expect(card.locator(".what")).to_have_text("▲ Rise – queue billing")
    expect(card.locator(".amount")).to_have_text("handle time 8:10 instead of 6:05 (120 contacts)")
    writer.publish(alerts=(replace(alert, version=writer.revision(), metric="abandonment", value=0.24, usual=0.112),))
    expect(card.locator(".amount")).to_have_text("abandonment 24.0 % instead of 11.2 % (120 contacts)")
    writer.publish(alerts=(replace(alert, version=writer.revision(), metric="asa", value=190.0, usual=40.0),))
    expect(card.locator(".amount")).to_have_text("wait of answered contacts 3:10 instead of 0:40 (120 contacts)")
    moved = replace(alert, version=writer.revision(), kind="fall", metric="sentiment", value=-0.42, usual=0.15, ratio=None)
    writer.publish(alerts=(moved,))
    expect(card.locator(".amount")).to_have_text("sentiment −0.42 instead of 0.15 (120 contacts)")


def test_a_change_of_mix_is_told_with_what_went_the_other_way(writer: Any, board: Any, wall: Any) -> None:
    page = wall.open(board.url)
    voice = Contribution(cut="channel", series={"channel": "voice"}, observed=540, expected=600.0, share=0.97, usual_share=0.6)
    chat = replace(writer.alert("firing", series_of("channel", "chat")), kind="mix", metric="share", contribution=(voice,))
    writer.publish(alerts=(replace(chat, value=0.26, usual=0.2, contacts=1_000),))
    card = page.locator("#alerts .alert")
    expect(card.locator(".what")).to_have_text("⇄ Mix – channel chat")
    expect(card.locator(".amount")).to_have_text("share of contacts 26.0 % instead of 20.0 % (1,000 contacts)")
    expect(card.locator(".parts")).to_have_text("The other way: voice (usually 60 %)")


def test_an_alert_appears_is_announced_and_moves_to_the_resolved_ones(writer: Any, board: Any, wall: Any) -> None:
    page = wall.open(board.url)
    expect(page.locator("#no-alerts")).to_be_visible()
    writer.publish(alerts=(writer.alert("firing", BILLING),))
    card = page.locator("#alerts .alert")
    expect(card.locator(".what")).to_have_text("▲ Spike – queue billing")
    expect(card.locator(".severity")).to_have_text("critical")
    expect(card.locator(".amount")).to_have_text("2.1× expected: 146 contacts instead of 68 (+78)")
    expect(card.locator(".advice")).to_have_text("Move agents to billing.")
    expect(card.locator(".since")).to_contain_text("(12 min)")
    expect(page.locator("#announcer")).to_have_text("New critical alert: spike, queue billing")
    writer.publish(alerts=(writer.alert("resolved", BILLING),))
    expect(page.locator("#resolved .alert .severity")).to_have_text("✓ resolved")
    expect(page.locator("#no-alerts")).to_be_visible()


def test_what_is_to_come_today_is_drawn_under_the_chart_and_said(writer: Any, board: Any, wall: Any) -> None:
    minute_ms = now_ms() // MINUTE_MS * MINUTE_MS
    slots = tuple(1_772_445_600_000 + n * 30 * MINUTE_MS for n in range(6))  # Monday 2 March 2026, 10:00 UTC, 11:00 in Berlin
    coming = (
        forecast_day("total", {}, "2026-03-01", slots[:1], slots[1]),
        forecast_day("total", {}, "2026-03-02", slots, slots[0]),
    )
    writer.publish(minutes=tuple(writer.minute("total", minute_ms - n * MINUTE_MS, 9) for n in range(9)), forecasts=coming)
    page = wall.open(board.url)
    told = "Mon 2 Mar: 100 to come (80 %: 85–130), busiest at 11:00 with 100 in 30 min"
    expect(page.locator("#outlook-now")).to_have_text(told)
    page.wait_for_selector("#outlook-chart .main-svg")
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    page.wait_for_function(f"() => {bottom.format('#outlook-chart .main-svg')} <= {bottom.format('#chart-panel')}")


def test_on_a_window_made_narrow_fewer_times_are_written_and_none_is_turned(writer: Any, board: Any, wall: Any) -> None:
    minute_ms = now_ms() // MINUTE_MS * MINUTE_MS
    writer.publish(minutes=tuple(writer.minute("total", minute_ms - n * MINUTE_MS, 9) for n in range(180)))
    page = wall.open(board.url)
    page.wait_for_selector("#chart .main-svg")
    wide = page.locator("#chart .xtick text").count()
    page.set_viewport_size({"width": 390, "height": 844})
    times = "[...document.querySelectorAll('#chart .xtick text')]"
    level = "!/rotate[(][1-9-]/.test(one.getAttribute('transform'))"
    page.wait_for_function(f"() => {times}.length && {times}.length < {wide} && {times}.every((one) => {level})")


@pytest.mark.alone
def test_the_page_says_stale_within_5_seconds_of_the_last_pulse_and_live_again(writer: Any, board: Any, wall: Any) -> None:
    writer.publish(minutes=tuple(writer.minute("total", now_ms() // MINUTE_MS * MINUTE_MS - n * MINUTE_MS, 9) for n in range(9)))
    page = wall.open(board.url)
    expect(page.locator("#freshness")).to_contain_text("live ·")
    page.wait_for_selector("#chart .main-svg")
    writer.stop_pulse()
    started = time.monotonic()
    expect(page.locator("#freshness .words")).to_have_text("STALE", timeout=1000 * STALE_SECONDS)
    assert time.monotonic() - started < STALE_SECONDS
    expect(page.locator("#banner")).to_contain_text("✕ STALE – The pipeline's pulse has stopped. Figures below are as of")
    # The banner takes room from the chart, not from what is below it.
    bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
    # As a function: a bare expression that is not true at once is evaluated again in the page, whose policy forbids that.
    page.wait_for_function(f"() => {bottom.format('#chart .main-svg')} <= {bottom.format('#chart-panel')}")
    writer.start_pulse()
    expect(page.locator("#freshness .words")).to_have_text("live")
    expect(page.locator("#banner")).to_be_hidden()


@pytest.mark.alone
def test_a_dead_server_is_stale_too_and_a_restart_heals_the_page(redis_server: Any, writer: Any, board: Any, wall: Any) -> None:
    writer.publish(trends=(writer.trend("total", "30m", {"offered": KpiValue(1.0, 1)}),))
    page = wall.open(board.url)
    expect(page.locator("#freshness")).to_contain_text("live ·")
    board.process.kill()
    expect(page.locator("#banner")).to_contain_text("The board's server does not answer", timeout=1000 * STALE_SECONDS)
    board.process.wait()
    again = type(board)(redis_server.url, int(board.url.rpartition(":")[2]), {})
    try:
        writer.publish(trends=(writer.trend("total", "30m", {"offered": KpiValue(2.0, 2)}),))
        expect(page.locator("#freshness .words")).to_have_text("live", timeout=30_000)
        expect(value(page, "offered")).to_have_text("2")
    finally:
        again.stop()
    wall.complaints = [text for text in wall.complaints if "net::ERR_" not in text]  # of the time without a server


@pytest.mark.alone
def test_a_restart_of_redis_shows_and_heals(redis_server: Any, writer: Any, board: Any, wall: Any) -> None:
    writer.publish(trends=(writer.trend("total", "30m", {"offered": KpiValue(1.0, 1)}),))
    page = wall.open(board.url)
    expect(value(page, "offered")).to_have_text("1")
    redis_server.stop()
    down = "The live view can't be read: Redis doesn't answer"
    expect(page.locator("#banner")).to_contain_text(down, timeout=1000 * STALE_SECONDS)
    redis_server.start()
    expect(page.locator("#freshness .words")).to_have_text("live", timeout=30_000)
    writer.publish(trends=(writer.trend("total", "30m", {"offered": KpiValue(3.0, 3)}),))
    expect(value(page, "offered")).to_have_text("3")
    wall.complaints = [text for text in wall.complaints if "503" not in text]  # minutes that were asked for in between


def test_a_silent_feed_a_backlog_and_a_replay_are_told_from_a_dead_pipeline(writer: Any, wall: Any, request: Any) -> None:
    writer.event_ms = now_ms() - 5 * MINUTE_MS
    writer.beat()
    page = wall.open(request.getfixturevalue("board").url)
    expect(page.locator("#feed")).to_contain_text("Feed silent for 5 min – last event")
    expect(page.locator("#freshness .words")).to_have_text("live")
    writer.event_ms += MINUTE_MS
    expect(page.locator("#feed")).to_contain_text("▶ Catching up: showing")
    writer.event_ms = 917_863_200_000
    expect(page.locator("#feed")).to_have_text("▶ Replay: showing 1 Feb 1999, 11:00:00")


def test_the_chart_draws_actual_expected_and_band_by_minute(writer: Any, board: Any, wall: Any) -> None:
    end = now_ms() // MINUTE_MS * MINUTE_MS
    minutes = [writer.minute("total", end - (60 - n) * MINUTE_MS, 10 if n < 30 else 12) for n in range(60)]
    writer.publish(minutes=(*minutes[:-1], writer.minute("total", end - MINUTE_MS, 25)))
    page = wall.open(board.url)
    page.wait_for_selector("#chart .main-svg")
    drawn = page.evaluate("Object.fromEntries(document.getElementById('chart').data.map((trace) => [trace.name, trace.y]))")
    assert drawn["actual"] == [10] * 30 + [12] * 29 + [25]
    assert drawn["expected"] == [10.0] * 60
    assert (drawn["low"], drawn["band"]) == ([4.0] * 60, [18.0] * 60)
    assert drawn["outside"] == [None] * 59 + [25]
    expect(page.locator("#chart-now")).to_contain_text("25 contacts, expected 10.0 (4–18) ▲ above")
    # (29 × 12 + 25) / (30 × 10) − 1
    expect(page.locator("#tile-offered .sample")).to_have_text("▲ 24 % on 30 min before")
    writer.publish(minutes=(writer.minute("total", end, 2),))
    expect(page.locator("#chart-now")).to_contain_text("2 contacts, expected 10.0 (4–18) ▼ below")


def test_the_worst_queue_comes_first_and_a_click_on_a_heading_sorts(writer: Any, board: Any, wall: Any) -> None:
    good, bad = {"offered": KpiValue(300.0, 300), "service_level": KpiValue(0.9, 300, band="high")}, {"offered": KpiValue(9.0, 9)}
    bad["service_level"] = KpiValue(0.5, 9, band="low")
    claims = series_of("queue", "claims")
    writer.publish(
        trends=(
            writer.trend(ORDERS, "30m", good),
            writer.trend(claims, "30m", bad),
            writer.trend(BILLING, "30m", {**good, "offered": KpiValue(30.0, 30)}),
        ),
        alerts=(writer.alert("firing", BILLING),),
    )
    page = wall.open(board.url)
    names = page.locator("#rows tbody th")
    expect(names).to_have_text(["billing", "claims", "orders"])
    expect(page.locator("#rows td.state")).to_have_text(["▲ spike, critical", "✕ service level", "✓ on target"])
    page.get_by_role("button", name="Offered").click()
    expect(names).to_have_text(["orders", "billing", "claims"])
    expect(page.locator("#rows th[aria-sort=descending]")).to_have_text("Offered")


def test_a_series_is_chosen_by_row_chooser_or_address(writer: Any, board: Any, wall: Any) -> None:
    odd = series_of("queue", "new/old <b>&amp;")
    writer.publish(
        trends=tuple(
            writer.trend(series, "30m", {"offered": KpiValue(offered, int(offered))})
            for series, offered in (("total", 9.0), (BILLING, 5.0), (odd, 4.0), (series_of("channel", "voice"), 9.0))
        ),
        minutes=(writer.minute(odd, now_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS, 7),),
    )
    page = wall.open(board.url)
    page.get_by_role("button", name="new/old <b>&amp;").click()
    expect(value(page, "offered")).to_have_text("4")
    expect(page.locator("#scope-name")).to_have_text("new/old <b>&amp;")
    expect(page.locator("#chart-now")).to_contain_text("7 contacts")
    page.reload()
    expect(value(page, "offered")).to_have_text("4")
    page.get_by_label("Series").select_option(label="billing")
    expect(value(page, "offered")).to_have_text("5")
    expect(page.locator("#chart-empty")).to_contain_text("No closed minute is known for billing")
    page.get_by_label("Cut").select_option(label="Channel")
    expect(value(page, "offered")).to_have_text("9")
    expect(page.locator("#rows-title")).to_have_text("Channels")
    page.get_by_label("Cut").select_option(label="Total")
    expect(page.locator("#rows-title")).to_have_text("Queues")
