"""Settings for one test on a broker that others use, too: application and topics have names of their own."""

from collections.abc import Mapping
from uuid import uuid4

from streams import settings
from streams.settings import Settings

_TOPICS = (
    "interactions",
    "rejected",
    "late",
    "contacts",
    "agents",
    "partials",
    "minutes",
    "trends",
    "expectations",
    "alerts",
    "forecasts",
)


def own_environment(bootstrap: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """STREAMS_… variables that no other test has."""
    name = f"test-{uuid4().hex[:8]}"
    return {
        "STREAMS_APP_NAME": name,
        "STREAMS_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        **{f"STREAMS_TOPICS_{topic.upper()}": f"{name}.{topic}" for topic in _TOPICS},
        **(extra or {}),
    }


def own_settings(bootstrap: str, extra: Mapping[str, str] | None = None) -> Settings:
    """The settings of such an environment."""
    return settings.load([], own_environment(bootstrap, extra))
