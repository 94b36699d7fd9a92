"""Acknowledging on an alert's card: who and why go to detect's topic, and what detect tells of it stands on the card."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from own_topics import own_environment
from playwright.sync_api import expect
from typer.testing import CliRunner

from streams import settings
from streams.__main__ import build
from streams.core.acknowledgement import Order, decode_order
from streams.core.series import series_of
from streams.edge.embedded import start_broker
from streams.edge.reader import read

pytestmark = pytest.mark.integration

BILLING = series_of("queue", "billing")
SECRET = "a long one"
Open = Callable[..., tuple[Any, Callable[[], list[Order]]]]


@pytest.fixture
def opened(make_board: Any, wall: Any) -> Iterator[Open]:
    """Opens the first alert's card of a board with a broker; gives it, and what detect would read."""
    broker = start_broker()

    def open_card(**extra: str) -> tuple[Any, Callable[[], list[Order]]]:
        environment = own_environment(broker.address, extra)
        made = CliRunner().invoke(build(), ["topics", "create"], env=environment)
        assert made.exit_code == 0, made.output
        its = settings.load([], environment)

        def orders() -> list[Order]:
            return [decode_order(value) for message in read(its, its.topics.minutes) if (value := message.value())]

        return wall.open(make_board(environment).url).locator("#alerts .alert").first, orders

    yield open_card
    broker.stop()


def test_who_and_why_reach_detect_and_what_it_tells_stands_on_the_card(writer: Any, opened: Open) -> None:
    writer.publish(alerts=(writer.alert("firing", BILLING),))
    card, orders = opened()
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.get_by_label("Who")).to_be_focused()
    card.get_by_label("Who").fill("anna")
    card.get_by_label("Why").fill("on it")
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.locator(".ack-told")).to_have_text("Sent: it shows here once detect has read it")
    (order,) = orders()
    seen = order.acknowledgement
    assert seen is not None
    assert (order.alert_id, seen.by, seen.comment, seen.until_ms) == ("a1", "anna", "on it", None)
    writer.publish(alerts=(replace(writer.alert("firing", BILLING), acknowledged=seen),))
    expect(card.locator(".seen")).to_have_text("Acknowledged by anna: on it")
    expect(card.locator(".ack-told")).to_have_text("")
    card.get_by_role("button", name="Take back").click()
    expect(card.get_by_label("Who")).to_be_hidden()
    card.get_by_role("button", name="Take back").click()
    expect(card.locator(".ack-told")).to_have_text("Sent: it shows here once detect has read it")
    assert orders()[1:] == [Order(alert_id="a1", acknowledgement=None)]
    writer.publish(alerts=(writer.alert("firing", BILLING),))
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.get_by_label("Who")).to_have_value("anna")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_label("Who")).to_be_hidden()
    writer.publish(alerts=(writer.alert("resolved", BILLING),))
    expect(card.page.locator("#resolved .ack")).to_be_hidden()


def test_a_board_with_a_secret_asks_for_it(writer: Any, opened: Open, wall: Any) -> None:
    writer.publish(alerts=(writer.alert("firing", BILLING),))
    card, orders = opened(STREAMS_BOARD_ACK_SECRET=SECRET)
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.get_by_label("Secret")).to_be_hidden()
    card.get_by_label("Who").fill("anna")
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.locator(".ack-told")).to_contain_text("ack_secret is wanted")
    assert orders() == []
    card.get_by_label("Secret").fill(SECRET)
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.locator(".ack-told")).to_contain_text("Sent")
    assert [order.alert_id for order in orders()] == ["a1"]
    assert ["401" in complaint for complaint in wall.complaints] == [True]
    wall.complaints.clear()
