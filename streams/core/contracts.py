"""Contracts: what may be written to the topics and what can be read from them, as JSON Schemas in an AsyncAPI 3 document.

Made of the types that the program itself decodes and encodes with, so that the two can't disagree. The inner topics (partials,
minutes, contacts, changelogs) are nobody else's and have none.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from streams.core.agent_state import AgentState
from streams.core.alert import Alert
from streams.core.aside import CUT, PUSHED
from streams.core.event import Reason
from streams.core.forecast_record import ForecastDay
from streams.core.trend import LONG, TUMBLING, Clock, Expectation, Trend
from streams.core.wire import Wire

Document: TypeAlias = dict[str, Any]
Action: TypeAlias = Literal["receive", "send"]  # as AsyncAPI says it: from this program's point of view

EVENT = "Event"
_REF = "#/components/schemas/{name}"


class Channel(NamedTuple):
    """A topic, by its name in [topics]; `types`: what its records are, by message name; `key`: what a record's key is."""

    topic: str
    action: Action
    summary: str
    key: str
    types: Mapping[str, type]


CHANNELS = (
    Channel("interactions", "receive", "What happens to contacts, as any source tells it", "interaction_id", {EVENT: Wire}),
    Channel(
        "agents",
        "receive",
        "What agents do from a time on; records under the key 'pulse' are the pipeline's own",
        "agent_id",
        {"AgentState": AgentState},
    ),
    Channel(
        "trends",
        "send",
        "Windows of every series, a record per window, replaced until it is final; and the pulse of each merge shard",
        "series and window; 'clock' for the pulse",
        {"Trend": Trend, "Clock": Clock},
    ),
    Channel(
        "expectations", "send", "Closed minutes against what was expected", "series and minute", {"Expectation": Expectation}
    ),
    Channel("alerts", "send", "Incidents, from pending to resolved under one id", "alert_id", {"Alert": Alert}),
    Channel("forecasts", "send", "Contacts to come, by local day", "series and day", {"ForecastDay": ForecastDay}),
)

# Records that are put aside as they came, and what is said of them in headers behind their own.
_TEXT = {"type": "string"}
_PLACE = {
    "topic": _TEXT,
    "partition": _TEXT,
    "offset": _TEXT,
    CUT: {**_TEXT, "description": "only where a record was too long to be kept whole"},
}
_PUSHED = {**_TEXT, "description": "the source of a payload that `streams ingest` refused; then no topic, partition and offset"}
ASIDE = {
    "rejected": ("Bad input with its reason", {"reason": {"enum": [*Reason]}, "detail": _TEXT, **_PLACE, PUSHED[-1]: _PUSHED}),
    "late": (
        "Events too late for a closed window",
        {"windows": {**_TEXT, "description": f"of {', '.join((*TUMBLING, *LONG))}, comma separated"}, **_PLACE},
    ),
}


def schemas() -> Document:
    """JSON Schemas (2020-12) by name."""
    types = [kind for channel in CHANNELS for kind in channel.types.values()]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    event = components.pop(Wire.__name__)
    for kind in (event, components[AgentState.__name__]):
        del kind["properties"]["specversion"]  # CloudEvents have a contract of their own
    event.update(
        title=EVENT,
        description="One event. Unknown fields are ignored. CloudEvents 1.0 are taken as well, their data being one of these.",
        anyOf=[{"required": ["interaction_id"]}, {"properties": {"type": {"const": "heartbeat"}}}],
    )
    return {EVENT: event, **components}


def asyncapi(version: str) -> Document:
    """The whole as an AsyncAPI 3 document; topics under their default names."""
    channels: Document = {}
    operations: Document = {}
    messages: Document = {}
    for channel in CHANNELS:
        names = list(channel.types)
        channels[channel.topic] = _channel(channel.topic, channel.summary, names)
        operations[f"{channel.action}_{channel.topic}"] = _operation(channel.action, channel.topic, names)
        for name in names:
            messages[name] = {"payload": {"$ref": _REF.format(name=name)}, "bindings": _keyed(channel.key)}
    for topic, (summary, headers) in ASIDE.items():
        name = topic.capitalize()
        channels[topic] = _channel(f"interactions.{topic}", summary, [name])
        operations[f"send_{topic}"] = _operation("send", topic, [name])
        messages[name] = {
            "contentType": "application/octet-stream",
            "summary": "The record as it came, key, value and headers; further headers behind them say why it is here.",
            "headers": {"type": "object", "properties": headers},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "interaction-streams",
            "version": version,
            "description": "Topics on Kafka. Names are the defaults of [topics]; times are milliseconds since the epoch.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas()},
    }


def _channel(address: str, summary: str, names: list[str]) -> Document:
    return {
        "address": address,
        "summary": summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(action: Action, channel: str, names: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _keyed(key: str) -> Document:
    return {"kafka": {"key": {"type": "string", "description": key}}}
