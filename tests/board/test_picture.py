"""The picture keeps what is newest, and a full reading of the live view is the last word."""

from alert_made_up import made_up_alert

from streams.board.picture import ALERTS_MAX, CUT_SERIES_MAX, Picture
from streams.core.alert import Alert
from streams.core.trend import KpiValue, Trend, Window, WindowKind


def trend(queue: str, revision: int, offered: int, kind: WindowKind = "today", start_ms: int = 0) -> Trend:
    return Trend(
        cut="queue",
        series={"queue": queue},
        window=Window(kind, start_ms, start_ms + 1, "UTC"),
        final=False,
        revision=revision,
        measures={"offered": offered},
        kpis={"offered": KpiValue(offered, offered), "wait_p50": KpiValue(1.0, 1)},
        watermark_ms=0,
        read_ms=None,
        published_ms=0,
    )


def alert(alert_id: str, version: int, updated_ms: int = 0) -> Alert:
    return made_up_alert(alert_id=alert_id, version=version, cut="total", series={}, updated_ms=updated_ms)


def offered(picture: Picture) -> dict[str, float | None]:
    return {view.key: view.kpis["offered"].value for view in picture.everything().trends}


def test_only_the_figures_that_the_page_shows_are_kept() -> None:
    picture = Picture()
    picture.apply([trend("billing", 1, 5)], [])
    assert [list(view.kpis) for view in picture.everything().trends] == [["offered"]]


def test_an_older_revision_changes_nothing() -> None:
    picture = Picture()
    picture.apply([trend("billing", 2, 7)], [])
    assert picture.apply([trend("billing", 1, 5)], []).trends == []
    assert offered(picture) == {"queue\x1fbilling": 7}


def test_a_new_day_replaces_the_old_one_even_with_a_lower_revision() -> None:
    picture = Picture()
    picture.apply([trend("billing", 9, 500, start_ms=0)], [])
    picture.apply([trend("billing", 1, 1, start_ms=86_400_000)], [])
    assert offered(picture) == {"queue\x1fbilling": 1}


def test_tumbling_windows_are_left_out() -> None:
    picture = Picture()
    assert picture.apply([trend("billing", 1, 5, kind="1m")], []).trends == []


def test_a_cut_has_room_for_so_many_series_only() -> None:
    picture = Picture()
    kinds: tuple[WindowKind, ...] = ("today", "30m")
    picture.apply([trend(f"q{n}", 1, 1, kind) for n in range(CUT_SERIES_MAX + 5) for kind in kinds], [])
    assert len(picture.everything().trends) == 2 * CUT_SERIES_MAX


def test_the_alert_that_changed_longest_ago_makes_room() -> None:
    picture = Picture()
    picture.apply([], [alert(f"a{n}", 1, updated_ms=n) for n in range(ALERTS_MAX + 1)])
    assert "a0" not in {one.alert_id for one in picture.everything().alerts}
    assert len(picture.everything().alerts) == ALERTS_MAX


def test_a_reading_tells_what_it_changed_and_whether_something_left() -> None:
    picture = Picture()
    picture.apply([trend("billing", 1, 5), trend("orders", 1, 3)], [alert("a", 1)])
    picture.begin_reading()
    changes, left = picture.end_reading([trend("billing", 2, 6)], [alert("a", 1)])
    assert ([view.key for view in changes.trends], changes.alerts, left) == (["queue\x1fbilling"], [], True)
    assert offered(picture) == {"queue\x1fbilling": 6}


def test_a_pipeline_that_starts_from_nothing_is_believed_once_it_is_read() -> None:
    picture = Picture()
    picture.apply([trend("billing", 900, 500)], [])
    picture.begin_reading()
    picture.end_reading([trend("billing", 1, 2)], [])
    assert offered(picture) == {"queue\x1fbilling": 2}


def test_what_is_announced_during_a_reading_survives_it() -> None:
    picture = Picture()
    picture.begin_reading()
    picture.apply([trend("billing", 2, 6), trend("new", 1, 1)], [alert("a", 1)])
    _, left = picture.end_reading([trend("billing", 1, 5)], [])
    assert left is False
    assert offered(picture) == {"queue\x1fbilling": 6, "queue\x1fnew": 1}
    assert [one.alert_id for one in picture.everything().alerts] == ["a"]
