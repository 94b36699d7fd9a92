"""The trends command: what it adds to records that it has read."""

from streams.commands.trends import compared
from streams.core.trend import Trend, Window

HOUR = 3_600_000


def trend(cut: str, start_ms: int, offered: int) -> Trend:
    return Trend(
        cut=cut, series={} if cut == "total" else {cut: "chat"}, window=Window("1h", start_ms, start_ms + HOUR, "UTC"),
        final=True, revision=1, measures={"offered": offered}, kpis={}, watermark_ms=0, read_ms=None, published_ms=0,
    )  # fmt: skip


def test_records_get_their_share_and_their_change_against_the_window_before() -> None:
    records = [trend("total", 0, 100), trend("channel", 0, 20), trend("total", HOUR, 110), trend("channel", HOUR, 33)]
    found = [(one.kpis["share"].value, one.kpis["change"].value) for one in compared(records, "previous")]
    assert [(None if a is None else round(a, 9), None if b is None else round(b, 9)) for a, b in found] == [
        (1.0, None), (0.2, None), (1.0, 0.1), (0.3, 0.65)
    ]  # fmt: skip
    assert all("change" not in one.kpis for one in compared(records, None))
