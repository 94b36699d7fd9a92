"""The API says what to do, and what it can't know."""

from typing import Any

import httpx
import pytest
from board_asked import ask
from recommend_world import picture, queue

from streams.core.live import LiveChanges

RUSH, QUIET = [60, 130, 130, 60, 60, 60, 60, 60], [27.0] * 8


@pytest.mark.integration
def test_recommendations_come_ranked_with_what_is_not_known(redis_server: Any) -> None:
    known = picture(queue("billing", 13, RUSH), queue("sales", 9, QUIET))
    changes = LiveChanges(trends=tuple(known.trends), forecasts=tuple(known.forecasts), clocks=tuple(known.clocks))

    async def test(client: httpx.AsyncClient) -> None:
        advice = (await client.get("/api/v1/recommendations")).json()
        assert [(one["lever"], one["what"]) for one in advice["recommendations"]] == [
            ("move", "Move 4 from sales to billing from 00:30 to 01:30."),
            ("callback", "Offer call-backs in billing from 00:30 to 01:30, to be made from 01:30 on."),
        ]
        assert [(one["queue"], one["at_work"], one["needed"]) for one in advice["queues"]] == [
            ("billing", 13.0, 17.0),
            ("sales", 9.0, 5.0),
        ]
        assert (advice["at_ms"], advice["until_ms"], advice["missing"]) == (0, 7_200_000, [])

    ask(redis_server.url, test, changes)


@pytest.mark.integration
def test_without_forecast_or_agents_nothing_is_recommended_and_it_is_said_why(redis_server: Any) -> None:
    known = picture(queue("billing", 13, RUSH))

    async def test(client: httpx.AsyncClient) -> None:
        advice = (await client.get("/api/v1/recommendations")).json()
        assert (advice["recommendations"], advice["queues"]) == ([], [])
        assert advice["missing"] == [
            "billing: no forecast that reaches there (a first one takes a whole day of contacts)",
            "billing: no agents at work are known (no state of one has come for the queue)",
        ]

    ask(redis_server.url, test, LiveChanges(trends=(known.trends[0],), clocks=tuple(known.clocks)))
