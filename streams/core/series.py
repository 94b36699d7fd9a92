"""Dimensions, cuts and series: under which names a contact is counted.

A *cut* is a combination of dimensions ('total', 'queue', 'channel+queue'); a *series* is one cut with its values.
Inside the system a series is one string, the cut and its values joined by the unit separator, because strings are
the cheapest dictionary keys and need no decoding on the way from intake to detect.
"""

SEPARATOR = "\x1f"
TOTAL = "total"
UNKNOWN = "unknown"

# The dimensions a contact carries, in the order of domain.md.
DIMENSIONS = ("channel", "queue", "issue", "product", "segment", "region", "age_band", "language")
# What no contact carries: whether its queue was open at the moment that counts. The last one of a cut ('queue+hours').
HOURS = "hours"


def cut_dimensions(cut: str) -> tuple[str, ...]:
    """The dimensions of a cut: 'total' → (), 'channel+queue' → ('channel', 'queue')."""
    return () if cut == TOTAL else tuple(cut.split("+"))


def series_of(cut: str, *values: str) -> str:
    """The series of a cut with one value per dimension: ('queue', 'billing') → 'queue\\x1fbilling'."""
    return SEPARATOR.join((cut, *values))


def series_cut(series: str) -> str:
    """The cut that a series belongs to."""
    return series.split(SEPARATOR, 1)[0]


def is_by_hours(series: str) -> bool:
    """Whether a series is split by business hours."""
    return series_cut(series).endswith(HOURS)


def is_crossed(series: str) -> bool:
    """Whether a series has more than one dimension."""
    return series.count(SEPARATOR) > 1


def series_values(series: str) -> dict[str, str]:
    """Dimension → value: 'channel+queue\\x1fvoice\\x1fbilling' → {'channel': 'voice', 'queue': 'billing'}."""
    cut, *values = series.split(SEPARATOR)
    return dict(zip(cut_dimensions(cut), values, strict=True))
