"""The wallboard for everybody: keyboard, names for screen readers, contrast in both colours, every size of screen."""

from typing import Any

import pytest
from playwright.sync_api import expect

from streams.core.series import series_of
from streams.core.trend import KpiValue
from streams.edge.clock import now_ms

pytestmark = pytest.mark.integration

MINUTE_MS = 60_000
BILLING = series_of("queue", "billing")


def test_the_keyboard_reaches_everything_and_every_control_has_a_name(writer: Any, board: Any, wall: Any) -> None:
    billing = writer.trend(BILLING, "30m", {"offered": KpiValue(5.0, 5)})
    writer.publish(trends=(billing,), alerts=(writer.alert("firing", BILLING),))
    page = wall.open(board.url)
    expect(page.locator("#rows tbody th")).to_have_text(["billing"])
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => { const e = document.activeElement; return e === document.body ? null
               : (e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent).trim().slice(0, 24) }"""
        )
        if name is None:
            break
        reached.append(name)
    for expected in ("Skip to the figures", "Colours: as the system", "State", "Offered", "billing", "▲ Spike – queue billing"):
        assert expected in reached, reached
    assert any(name.startswith("Cut") for name in reached), reached
    assert all(reached), reached
    page.locator("#rows tbody button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rows tbody button")).to_have_attribute("aria-pressed", "true")
    for role in ("banner", "main"):
        expect(page.get_by_role(role)).to_have_count(1)
    for name in ("Figures", "Alerts", "Queues"):
        expect(page.locator("main").get_by_role("heading", name=name, exact=True)).to_have_count(1)


CONTRAST = """() => {
  const luminance = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('header *, main *')) {
    const said = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!said || e.closest('svg') || !e.checkVisibility()) continue;
    const [a, b] = [parse(getComputedStyle(e).color).slice(0, 3), behind(e)].map(luminance).sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_all_text_has_contrast_and_the_button_changes_the_colours(
    writer: Any, board: Any, wall: Any, figures: Any, colours: str
) -> None:
    trends = (writer.trend("total", "30m", figures), writer.trend(BILLING, "30m", figures))
    writer.publish(trends=trends, alerts=(writer.alert("firing", BILLING),))
    page = wall.open(board.url, colours=colours)
    expect(page.locator("#rows tbody th")).to_have_text(["billing"])
    assert page.evaluate(CONTRAST) == []
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    for _ in range(2 if colours == "dark" else 1):
        page.locator("#theme").click()
    assert page.evaluate(background) != before
    chosen = page.evaluate(background)
    page.reload()
    assert page.evaluate(background) == chosen
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize(("width", "height", "fits"), [(1920, 1080, True), (1366, 768, True), (390, 844, False)])
def test_nothing_is_cut_off_sideways_and_a_wall_needs_no_scrolling(
    writer: Any, board: Any, wall: Any, figures: Any, width: int, height: int, fits: bool
) -> None:
    queues = [writer.trend(series_of("queue", f"a queue with a long name {n}"), "30m", figures) for n in range(30)]
    minutes = tuple(writer.minute("total", now_ms() // MINUTE_MS * MINUTE_MS - n * MINUTE_MS, 9) for n in range(9))
    writer.publish(
        trends=(writer.trend("total", "30m", figures), *queues), minutes=minutes, alerts=(writer.alert("firing", BILLING),)
    )
    page = wall.open(board.url, width, height)
    expect(page.locator("#rows tbody tr")).to_have_count(30)
    page.wait_for_selector("#chart .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if fits:
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        assert page.evaluate("document.getElementById('chart').clientHeight") > 80
    clipped = "[...document.querySelectorAll('.value')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
    assert page.evaluate(f"{clipped}.map((e) => e.textContent)") == []
