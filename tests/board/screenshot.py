"""Takes a picture of a running board: `python tests/board/screenshot.py http://127.0.0.1:8080/ deploy/pictures/board.png`.

The surprise: it waits until the chart is drawn and some figures are known, so that a picture of an empty wall fails instead.
"""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
READY_MS = 60_000  # a fresh pipeline needs its first closed minutes
SETTLE_MS = 1_500  # plotly draws in steps


def take(url: str, path: Path, width: int, height: int, dark: bool) -> None:
    """One PNG of the window; of the whole page where it is narrower than a laptop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
        page.goto(url)
        page.wait_for_selector("#chart .main-svg", timeout=READY_MS)
        page.wait_for_function("() => document.querySelector('#tile-offered .value').textContent !== '–'", timeout=READY_MS)
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=path, full_page=width < 900)
        browser.close()


def main() -> None:
    """Arguments and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("path", type=Path)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--light", action="store_true")
    given = parser.parse_args()
    take(given.url, given.path, given.width, given.height, not given.light)


if __name__ == "__main__":
    main()
