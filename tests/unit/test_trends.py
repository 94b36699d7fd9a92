"""The trends command: what it adds to records that it has read."""

import msgspec
import pytest
from typer.testing import CliRunner

from streams.__main__ import build
from streams.commands import figures
from streams.commands.trends import asked, compared, show
from streams.core.errors import StreamsError
from streams.core.kpi_table import Unit
from streams.core.series import series_of
from streams.core.small_cells import without_small
from streams.core.trend import CLOCK_KEY, KpiValue, Trend, Window, WindowKind, trend_key, trend_place

HOUR = 3_600_000
# A queue may have the name of a kind of window.
SERIES = {"total": "total", "queue": series_of("queue", "today"), "channel+queue": series_of("channel+queue", "chat", "1h")}


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
    share_changes = [one.kpis["share_change"].value for one in compared(records, "previous")]
    assert share_changes == [None, None, 0, pytest.approx(0.1)]
    assert all("change" not in one.kpis for one in compared(records, None))


def test_no_change_tells_how_few_contacts_of_a_group_of_people_there_were() -> None:
    def of_region(start_ms: int, offered: int) -> Trend:
        return msgspec.structs.replace(trend("channel", start_ms, offered), cut="region", series={"region": "south"})

    records = [trend("total", 0, 100), of_region(0, 4), trend("total", HOUR, 110), of_region(HOUR, 33)]
    hidden = KpiValue(None, 0, variant="hidden: fewer than 5 contacts")
    kpis = compared(records, "previous", 5)[-1].kpis
    assert (kpis["change"], kpis["share_change"], kpis["share"].value) == (hidden, hidden, 0.3)
    records[1] = of_region(0, 5)
    assert compared(records, "previous", 5)[-1].kpis["change"].value == pytest.approx(5.6)


def test_a_hidden_window_is_shown_as_untold_and_a_quiet_one_as_nought(capsys: pytest.CaptureFixture[str]) -> None:
    few, none = (msgspec.structs.replace(trend("region", 0, n), kpis={"csat": KpiValue(None, 0)}) for n in (4, 0))
    show(without_small([few], 5), 0, [], ())
    assert " ".join(capsys.readouterr().out.splitlines()[-1].split()) == "1970-01-01 00:00 chat" + 8 * " –"
    show(without_small([none], 5), 0, [], ())
    assert " ".join(capsys.readouterr().out.splitlines()[-1].split()) == "1970-01-01 00:00 chat 0 0 0" + 5 * " –"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (KpiValue(0.8312, 1430), "ratio", "83.1 % (1,430)"),
        (KpiValue(339.4, 904), "seconds", "5:39 (904)"),
        (KpiValue(17_087.0, 17_087), "contacts", "17,087"),
        (KpiValue(1.372, 1430), "contacts", "1.37 (1,430)"),
        (KpiValue(-12.5, 80), "points", "-12.50 (80)"),
        (KpiValue(None, 0), "ratio", "–"),
        (None, "ratio", "–"),
    ],
)
def test_a_kpi_is_shown_in_its_unit_with_its_n(value: KpiValue | None, unit: Unit, words: str) -> None:
    assert figures.kpi(value, unit) == words


def test_a_kpi_that_nobody_knows_is_named_before_a_broker_is_looked_for() -> None:
    found = CliRunner().invoke(build(), ["trends", "--kpis", "fcr,luck"])
    assert isinstance(found.exception, StreamsError)
    assert str(found.exception).startswith("unknown KPI 'luck'. Known are offered, answered,")


def test_what_a_mark_means_is_said_where_a_column_shows_one(capsys: pytest.CaptureFixture[str]) -> None:
    off_target = msgspec.structs.replace(trend("total", 0, 100), kpis={"csat": KpiValue(0.5, 10, band="low")})
    show([off_target], 0, [], ())
    assert "✕ off target, ! to be watched: [bands] of the settings" in capsys.readouterr().out


def test_a_key_tells_cut_and_kind_of_its_window_whatever_the_values_are_called() -> None:
    kinds: tuple[WindowKind, ...] = ("1m", "1h", "1mo", "30m", "today")
    names = [(cut, kind, series) for cut, series in SERIES.items() for kind in kinds]
    assert [trend_place(trend_key(series, kind, HOUR)) for _, kind, series in names] == [(cut, kind) for cut, kind, _ in names]


def test_only_windows_asked_for_and_the_totals_of_their_kind_are_decoded() -> None:
    kinds: tuple[WindowKind, ...] = ("1m", "1h")
    keys = [trend_key(series, kind, HOUR) for series in SERIES.values() for kind in kinds]

    def found(cut: str, window: str) -> list[tuple[str, str]]:
        is_asked = asked(cut, window)
        assert not is_asked(CLOCK_KEY)
        return [trend_place(key) for key in keys if is_asked(key)]

    assert found("queue", "1h") == [("total", "1h"), ("queue", "1h")]
    assert found("total", "1m") == [("total", "1m")]
    assert found("all", "1h") == [("total", "1h"), ("queue", "1h"), ("channel+queue", "1h")]
    assert found("channel+queue", "all") == [(cut, kind) for cut in ("total", "channel+queue") for kind in ("1m", "1h")]
