"""Debian's Chromium for tests, and pages of the board in it that must not complain.

The surprise: every page's console is a test: an error or warning in it, or a request to another host, fails the test that
opened it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser. While Playwright lives, nothing else in this thread can run a loop: don't keep it longer than a module."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield one
        one.close()


@contextmanager
def quiet_wall(browser: Browser) -> Iterator[Wall]:
    """Pages; at the end nothing may have been complained of, and nobody asked but this machine."""
    one = Wall(browser)
    yield one
    one.close()
    assert one.complaints == []
    assert {host.partition(":")[0] for host in one.hosts} <= {"127.0.0.1", ""}
