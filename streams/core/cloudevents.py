"""CloudEvents 1.0 on Kafka: from the structured and the binary mode to the fields of a canonical event.

The surprise: attributes of the envelope win over fields of the data with the same name, and of a type like
'com.example.offered' only the last part counts. Source: CloudEvents 1.0.2, Kafka protocol binding 1.0.2, section 3.
"""

from collections.abc import Sequence
from typing import TypeAlias

from streams.core.event import Reason, Rejection
from streams.core.record import Headers, header_pairs

Pairs: TypeAlias = Sequence[tuple[str, bytes]]

STRUCTURED = b"application/cloudevents+json"
_PREFIX = "ce_"


def pairs(headers: Headers) -> Pairs:
    """Headers with names in lower case and values as bytes."""
    return [(name.lower(), value) for name, value in header_pairs(headers)]


def in_headers(headers: Pairs) -> bool:
    """Whether headers say that the record is a CloudEvent, in either mode."""
    return any(name.startswith(_PREFIX) or _is_structured(name, value) for name, value in headers)


def is_binary(headers: Pairs) -> bool:
    """Whether the envelope is in the headers (and the value is the data alone)."""
    return any(name.startswith(_PREFIX) for name, _ in headers) and not any(_is_structured(*h) for h in headers)


def unwrap(fields: dict[str, object], headers: Pairs) -> dict[str, object] | Rejection:
    """The canonical fields of a CloudEvent whose value is the object `fields`."""
    if is_binary(headers):
        attributes = _attributes(headers)
        return attributes if isinstance(attributes, Rejection) else _merge(attributes, fields)
    data = fields.get("data")
    if data is not None and not isinstance(data, dict):
        return Rejection(Reason.BAD_TYPE, "data: expected a JSON object")
    if "data_base64" in fields:
        return Rejection(Reason.BAD_TYPE, "data_base64: expected a JSON object in data")
    return _merge({name: value for name, value in fields.items() if name != "data"}, data or {})


def _is_structured(name: str, value: bytes) -> bool:
    return name == "content-type" and value.lower().startswith(STRUCTURED)


def _attributes(headers: Pairs) -> dict[str, object] | Rejection:
    """The attributes in `ce_…` headers."""
    attributes: dict[str, object] = {}
    for name, value in headers:
        if not name.startswith(_PREFIX):
            continue
        try:
            attributes[name[len(_PREFIX) :]] = value.decode()
        except UnicodeDecodeError:
            return Rejection(Reason.BAD_VALUE, f"{name}: expected UTF-8")
    return attributes


def _merge(attributes: dict[str, object], data: dict[str, object]) -> dict[str, object]:
    """Envelope over data; the subject is the interaction unless one is named."""
    fields = {**data, **attributes}
    fields.pop("specversion", None)
    if fields.get("interaction_id") is None and "subject" in attributes:
        fields["interaction_id"] = attributes["subject"]
    if isinstance(kind := fields.get("type"), str):
        fields["type"] = kind.rsplit(".", 1)[-1]
    return fields
