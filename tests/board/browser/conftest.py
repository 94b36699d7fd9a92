"""Chromium and pages of the board in it (tests/chromium.py), and plausible figures to show there."""

from collections.abc import Iterator

import pytest
from chromium import Wall, launched, quiet_wall
from playwright.sync_api import Browser

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with launched() as one:
        yield one


@pytest.fixture
def wall(browser: Browser) -> Iterator[Wall]:
    """Pages that must not complain."""
    with quiet_wall(browser) as one:
        yield one
