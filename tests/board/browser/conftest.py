"""Chromium, and pages of the board in it that must not complain.

The surprise: every page's console is a test: an error or warning in it, or a request to another host, fails the test that
opened it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from streams.core.trend import KpiValue

FIGURES = {
    "contacts_in_queue": KpiValue(14.0, 14),
    "oldest_in_queue": KpiValue(138.4, 14),
    "longest_wait": KpiValue(311.0, 200, band="low"),
    "asa": KpiValue(34.4, 741, band="moderate"),
    "service_level": KpiValue(0.7714, 792, 0.7408, 0.7994, "moderate", "A/20s"),
    "offered": KpiValue(1792.0, 1792),
    "answered": KpiValue(741.0, 741),
    "abandoned": KpiValue(51.0, 51),
    "abandonment": KpiValue(0.0644, 792, 0.05, 0.08, "moderate"),
    "aht": KpiValue(3672.0, 741),
    "csat": KpiValue(0.81, 163, 0.74, 0.86, "high"),
}


@pytest.fixture
def figures() -> dict[str, KpiValue]:
    """A plausible half hour."""
    return dict(FIGURES)


# Chromium as it runs on a machine without a screen, and without the calls home that a browser makes by itself.
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Of one module: while Playwright lives, nothing else in this thread can run a loop."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield one
        one.close()


class Wall:
    """Opens pages and remembers what went wrong in them and whom they asked."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.hosts: set[str] = set()

    def open(self, url: str, width: int = 1920, height: int = 1080, colours: Literal["dark", "light"] = "dark") -> Page:
        """A page in a fresh browser profile."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.goto(url)
        return page

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def wall(browser: Browser) -> Iterator[Wall]:
    """Pages; at the end nothing may have been complained of, and nobody asked but this machine."""
    one = Wall(browser)
    yield one
    one.close()
    assert one.complaints == []
    assert {host.partition(":")[0] for host in one.hosts} <= {"127.0.0.1", ""}
