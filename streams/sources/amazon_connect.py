"""Amazon Connect: any of its payloads → canonical events. Which payload it is shows in its fields; each kind has a module.

Known are contact events, with or without the envelope of EventBridge, contact records, agent events, and what Contact Lens finds
during and after a contact; each also inside records of Kinesis, as Lambda or `aws kinesis get-records` give them. What becomes of
each field is in amazon_connect.md beside this file. The surprise: of several records, one that is refused refuses all.
"""

from base64 import b64decode

from streams.core.event import Reason, Rejection
from streams.sources.amazon_events import read_agent_event, read_contact_event
from streams.sources.amazon_fields import lowered, second_at
from streams.sources.amazon_lens import read_analysis, read_turns
from streams.sources.amazon_record import read_record
from streams.sources.payload import FieldError, at, need_object, need_text, object_of, objects_at, text_at
from streams.sources.row import Row

# As deep as any field that is read: a score of a chat, inside a record of Kinesis.
_LEVELS = 9
_CONTACT_EVENT = "Amazon Connect Contact Event"
_LENS_RULE = "Rules Matched"  # the end of 'Contact Lens Post Call Rules Matched', and of others like it
_LIVE_ANALYSIS = ("STARTED", "SEGMENTS", "COMPLETED", "FAILED")
_UNKNOWN = "payload: expected a contact event, a contact record, an agent event or an analysis of Contact Lens"


def read(body: bytes) -> Row | Rejection:
    """The events of one payload; a Rejection names the first field that can't be read, in lower case."""
    try:
        found = lowered(object_of(body), _LEVELS)
        records = objects_at(found, "records")
        if not records:
            return _read_one(found)
        told = [_read_one(record) for record in records]
    except FieldError as bad:
        return bad.rejection
    return Row([event for row in told for event in row.events], tuple(rule for row in told for rule in row.rules))


def _read_one(found: object) -> Row:
    """A payload, or a record of Kinesis that has it inside: in base64, or as JSON already."""
    record = at(found, "kinesis") or found
    if at(record, "approximatearrivaltimestamp") is None:
        return _read(found, None)
    arrived_ms = second_at(record, "approximatearrivaltimestamp")
    inside = at(record, "data")
    if isinstance(inside, dict):
        return _read(inside, arrived_ms)
    try:
        data = b64decode(need_text(record, "data"), validate=True)
    except ValueError as error:
        raise FieldError(Reason.BAD_VALUE, "data: expected base64") from error
    return _read(lowered(object_of(data), _LEVELS), arrived_ms)


def _read(found: object, arrived_ms: int | None) -> Row:
    """One payload whose fields are in lower case."""
    kind = text_at(found, "detail-type")
    if kind is not None:
        return _read_event_bridge(found, kind)
    event_type = text_at(found, "eventtype")
    if at(found, "agentarn") is not None and event_type is not None:
        return read_agent_event(found)
    if at(found, "conversationcharacteristics") is not None:
        return read_analysis(found)
    if event_type in _LIVE_ANALYSIS and at(found, "initiationtimestamp") is None:
        return read_turns(found, arrived_ms)
    if event_type is not None:
        return read_contact_event(found)
    if at(found, "contactid") is not None:
        return read_record(found)
    raise FieldError(Reason.UNKNOWN_TYPE, _UNKNOWN)


def _read_event_bridge(found: object, kind: str) -> Row:
    if kind == _CONTACT_EVENT:
        return read_contact_event(need_object(at(found, "detail"), "detail"))
    if kind.endswith(_LENS_RULE):
        return Row([], ("contact_lens_rule",))  # it names the rule that matched and no sentiment
    raise FieldError(Reason.UNKNOWN_TYPE, f"detail-type: expected {_CONTACT_EVENT}")
