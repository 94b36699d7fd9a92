"""The API answers from the live view, documents itself from the records' types, and says when it can't answer."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from board_asked import ALERT, NOW, ask
from forecast_rules import forecast_day

from streams.board.routes import parse_series, series_path
from streams.core.kpi_table import KPIS
from streams.core.live import LiveChanges
from streams.core.series import series_cut, series_of, series_values
from streams.core.trend import Clock, Expectation, KpiValue, Trend, Window, WindowKind

CUTS = ("total", "queue", "channel+queue")


def trend(series: str, kind: WindowKind, offered: int) -> Trend:
    return Trend(
        cut=series_cut(series),
        series=series_values(series),
        window=Window(kind, 0, 1, "UTC"),
        final=False,
        revision=1,
        measures={"offered": offered},
        kpis={"offered": KpiValue(offered, offered)},
        watermark_ms=NOW,
        read_ms=None,
        published_ms=NOW,
    )


def handled(windows: Trend, aht: KpiValue) -> Trend:
    """With a handle time."""
    return msgspec.structs.replace(windows, kpis={**windows.kpis, "aht": aht})


def minute(start_ms: int, actual: int) -> Expectation:
    return Expectation(
        cut="total",
        series={},
        start_ms=start_ms,
        end_ms=start_ms + 60_000,
        actual=actual,
        expected=10.5,
        low=4.0,
        high=18.0,
        published_ms=NOW,
    )


def of_region(told: Expectation) -> Expectation:
    return msgspec.structs.replace(told, cut="region", series={"region": "south"})


CHANGES = LiveChanges(
    trends=(
        trend("total", "today", 30),
        trend("total", "30m", 12),
        trend(series_of("queue", "billing"), "today", 10),
        trend(series_of("queue", "new/old"), "today", 20),
        trend(series_of("channel+queue", "voice", "billing"), "today", 7),
        trend(series_of("segment", "premium"), "today", 3),
        handled(trend(series_of("channel", "chat"), "today", 9), KpiValue(900, 9)),
        handled(trend(series_of("channel", "chat"), "1w", 70), KpiValue(240, 60)),
    ),
    expectations=(
        *(minute(60_000 * number, number) for number in range(10)),
        *(of_region(minute(60_000 * number, number)) for number in range(10)),
    ),
    alerts=(ALERT, msgspec.structs.replace(ALERT, alert_id="faded", state="expired", fired_ms=None)),
    forecasts=(
        forecast_day("queue", {"queue": "billing"}, "2026-03-01", (0, 1_800_000), 86_400_000),  # over, as the next one says
        forecast_day("queue", {"queue": "billing"}, "2026-03-02", (86_400_000, 88_200_000), 86_400_000),
        forecast_day("queue", {"queue": "billing"}, "2026-03-03", (172_800_000,), 86_400_000),
        forecast_day("channel", {"channel": "chat"}),
    ),
    clocks=(Clock(shard=0, shards=1, watermark_ms=NOW, closed_ms=NOW, heard_ms=NOW, event_ms=NOW, revision=1, published_ms=NOW),),
)


def test_a_series_is_written_as_its_cut_and_values() -> None:
    written, series = "channel+queue/voice/new%2Fold%20%26%2050%25", series_of("channel+queue", "voice", "new/old & 50%")
    assert series_path(series) == written
    assert parse_series(written, CUTS) == series
    assert parse_series("channel queue/voice/billing", CUTS) == series_of("channel+queue", "voice", "billing")
    assert parse_series("total", CUTS) == "total"


@pytest.mark.integration
def test_trends_of_a_cut_come_busiest_first_and_whole(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        found = (await client.get("/api/v1/trends?cut=queue")).json()
        assert [(one["series"]["queue"], one["measures"]["offered"]) for one in found] == [("new/old", 20), ("billing", 10)]
        found = (await client.get("/api/v1/trends?cut=total&window=30m")).json()
        assert [one["kpis"]["offered"]["value"] for one in found] == [12]
        found = (await client.get("/api/v1/trends?series=channel%2Bqueue/voice/billing")).json()
        assert [one["kpis"]["offered"]["value"] for one in found] == [7]
        (few,) = (await client.get("/api/v1/trends?cut=segment")).json()
        assert (few["measures"], few["kpis"]["offered"]["value"]) == ({}, None)
        assert few["kpis"]["share"]["variant"] == "hidden: fewer than 5 contacts"

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
def test_series_expectations_alerts_and_definitions_are_listed(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/v1/series?cut=queue")).json() == [
            {"series": "queue/new%2Fold", "cut": "queue", "values": {"queue": "new/old"}},
            {"series": "queue/billing", "cut": "queue", "values": {"queue": "billing"}},
        ]
        minutes = (await client.get("/api/v1/expectations?series=total&minutes=3")).json()
        assert [one["actual"] for one in minutes] == [7, 8, 9]
        of_people = (await client.get("/api/v1/expectations?series=region/south")).json()
        assert [one["actual"] for one in of_people] == [0, 5, 6, 7, 8, 9]
        assert [one["alert_id"] for one in (await client.get("/api/v1/alerts?state=firing")).json()] == ["a1"]
        assert (await client.get("/api/v1/alerts?state=resolved")).json() == []
        assert [one["alert_id"] for one in (await client.get("/api/v1/alerts")).json()] == ["a1"]  # not what faded
        assert [one["name"] for one in (await client.get("/api/v1/kpis")).json()] == [kpi.name for kpi in KPIS]

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
def test_forecasts_come_by_day_and_staffing_for_the_handle_time_of_the_series_or_of_the_caller(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        days = (await client.get("/api/v1/forecast?series=queue/billing")).json()
        assert [(one["day"], one["total"]) for one in days] == [("2026-03-02", 100.0), ("2026-03-03", 100.0)]
        assert (await client.get("/api/v1/forecast")).json() == []  # none of the total yet
        address = "/api/v1/staffing?series=queue/billing&day=2026-03-02"
        assert "no handle time of queue/billing yet" in (await client.get(address)).text
        (plan,) = (await client.get(f"{address}&aht_seconds=180")).json()
        assert [slot["agents"] for slot in plan["slots"]] == [14, 0]
        assert [slot["people_high"] for slot in plan["slots"]] == [25, 0]
        (plan,) = (await client.get("/api/v1/staffing?series=channel/chat")).json()
        assert (plan["aht_seconds"], plan["slots"][0]["people"]) == (240, 13)  # of the week, because today has too few
        assert (await client.get("/api/v1/forecast?series=issue/refund")).status_code == 404

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
def test_health_tells_the_age_of_the_pulse(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        health = (await client.get("/api/v1/health")).json()
        assert (health["status"], health["pulse_age_seconds"], health["watermark_ms"], health["feed"]) == ("ok", 0.5, NOW, "live")

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/trends?cut=planet", 404, "no cut 'planet' here; there are total, channel, queue, issue, channel+queue"),
        ("/api/v1/expectations?series=queue", 404, "series of this cut are written queue/<queue>"),
        ("/api/v1/trends?window=2h", 422, "Input should be"),
        ("/api/v1/expectations?minutes=0", 422, "greater than or equal to 1"),
        ("/files/000000000000/board.css", 404, "no such file in this release"),
    ],
)
def test_what_is_not_there_is_said(redis_server: Any, path: str, status: int, said: str) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        answer = await client.get(path)
        assert answer.status_code == status
        assert said in answer.text

    ask(redis_server.url, test, CHANGES)


def test_without_redis_the_api_says_so_with_503_and_the_page_still_comes(tmp_path: Path) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/v1/trends")
        assert answer.status_code == 503
        assert "Redis doesn't answer" in answer.json()["detail"]
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/api/v1/health")).json()["status"] == "down"
        assert (await client.get("/")).status_code == 200

    ask(f"unix://{tmp_path}/none.sock", test, changes=None)


@pytest.mark.integration
def test_every_answer_carries_security_headers_and_the_page_has_no_inline_script(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        page = await client.get("/")
        for answer in (page, await client.get("/api/v1/health"), await client.get("/nothing")):
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page.text, re.DOTALL)
        assert [text for attributes, text in scripts if "application/json" not in attributes] == ["", ""]
        assert "https://" not in page.text

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
def test_a_name_in_the_data_cannot_end_the_script_that_carries_it(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        text = (await client.get("/")).text
        assert "</script><img" not in text
        start = json.loads(re.findall(r'id="start">(.*?)</script>', text, re.DOTALL)[0])
        assert start["picture"]["trends"][0]["key"] == series_of("queue", "</script><img src=x>{{plotly}}")

    ask(redis_server.url, test, LiveChanges(trends=(trend(series_of("queue", "</script><img src=x>{{plotly}}"), "today", 1),)))


@pytest.mark.integration
def test_files_and_plotly_are_kept_by_browsers_for_ever_and_compressed(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        text = (await client.get("/")).text
        plotly = re.findall(r'data-plotly="([^"]+)"', text)[0]
        packed = await client.get(plotly)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        plain = await client.get(plotly, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert plain.content == packed.content
        for path in re.findall(r'(?:src|href)="(/files/[^"]+)"', text):
            assert (await client.get(path)).status_code == 200

    ask(redis_server.url, test, CHANGES)


@pytest.mark.integration
def test_the_openapi_document_describes_every_answer_by_the_records_own_types(redis_server: Any) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        document = (await client.get("/openapi.json")).json()
        schemas = document["components"]["schemas"]
        references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
        assert references <= set(schemas)
        assert set(schemas["Trend"]["properties"]) == set(Trend.__struct_fields__)
        assert set(document["paths"]) == {
            "/api/v1/series",
            "/api/v1/trends",
            "/api/v1/expectations",
            "/api/v1/alerts",
            "/api/v1/alerts/{alert_id}/ack",
            "/api/v1/forecast",
            "/api/v1/staffing",
            "/api/v1/recommendations",
            "/api/v1/kpis",
            "/api/v1/health",
            "/ready",
            "/stream",
        }
        for method, route in (both for path in document["paths"].values() for both in path.items()):
            assert route["summary"]
            assert route["responses"]["200" if method == "get" else "202"]["content"]

    ask(redis_server.url, test, CHANGES)
