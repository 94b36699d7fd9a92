"""How figures and times look to people in tables: '–' for nothing, minutes and seconds, per cent, local time."""

from datetime import datetime
from zoneinfo import ZoneInfo

from streams.core.kpi_table import Unit
from streams.core.trend import KpiValue

NOTHING = "–"
MARKS = {"low": "✕", "moderate": "!"}


def seconds(value: KpiValue | None) -> str:
    """95.4 → '1:35', 3725 → '1:02:05'."""
    if value is None or value.value is None:
        return NOTHING
    minutes, rest = divmod(round(value.value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent(value: KpiValue | None) -> str:
    """0.8234 → '82.3 %'."""
    return NOTHING if value is None or value.value is None else f"{value.value * 100:.1f} %"


def mark(value: KpiValue | None) -> str:
    """How a value stands to its target band: '' where it is on target or has none."""
    return "" if value is None else MARKS.get(value.band or "", "")


def kpi(value: KpiValue | None, unit: Unit) -> str:
    """A KPI in its unit with its n: '82.3 % (1,430)', '✕82.3 % (1,430)' off target; of counts the n is the count, left out."""
    if value is None or value.value is None:
        return NOTHING
    if unit == "ratio":
        text = percent(value)
    elif unit == "seconds":
        text = seconds(value)
    else:
        text = f"{value.value:,.2f}".removesuffix(".00")
    return mark(value) + (text if value.value == value.n else f"{text} ({value.n:,})")


def count(value: float) -> str:
    """12345 → '12,345'; expected counts are rounded to one place: 12.34 → '12.3'."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def moment(time_ms: int, zone: ZoneInfo) -> str:
    """Local time to the minute: '1999-02-01 07:02'."""
    return datetime.fromtimestamp(time_ms / 1000, zone).strftime("%Y-%m-%d %H:%M")


def series_name(series: dict[str, str]) -> str:
    """{'channel': 'voice', 'queue': 'PS'} → 'voice · PS'; {} → 'total'."""
    return " · ".join(series.values()) or "total"
