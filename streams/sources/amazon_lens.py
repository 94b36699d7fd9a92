"""Contact Lens of Amazon Connect: the customer's sentiment, from −5 to 5 at Amazon, from −1 to 1 here.

After the contact it is one score for the whole of it; during the contact it is a word for each turn, which Amazon itself scores
5, 0 and −5 when it takes means. The surprise: neither payload has a time of the event. Of a call it is taken from the name of the
recording, of a chat from its last message, and of a turn in a live call from the arrival in Kinesis.
"""

import re
from datetime import UTC, datetime

from streams.core.event import Reason
from streams.core.wire import MAX_DURATION_SECONDS
from streams.sources.amazon_fields import SOURCE, channel_at, contact_id_at, second_at, word_at
from streams.sources.payload import FieldError, is_name, name_at, need_text, number_at, objects_at, text_at
from streams.sources.row import CanonicalEvent, Row

_SCALE = 5
_SCORES = {"positive": 1.0, "neutral": 0.0, "mixed": 0.0, "negative": -1.0}
# …/CallRecordings/2022/01/05/<contact>_20220105T17:20_UTC.wav: when the recording begins, to the minute
_RECORDED = re.compile(r"_(\d{8}T\d{2}:\d{2})_UTC")
_NOTHING = Row([], ("no_sentiment",))
_OVERALL = ("conversationcharacteristics", "sentiment", "overallsentiment")


def read_analysis(found: object) -> Row:
    """The sentiment event in the analysis file of a contact that is over; FieldError where a field can't be read."""
    score = number_at(found, *_OVERALL, "customer")
    if score is None:
        score = number_at(found, *_OVERALL, "detailsbyparticipantrole", "customer")
    if score is None:
        return _NOTHING
    if abs(score) > _SCALE:
        raise FieldError(Reason.BAD_VALUE, f"{'.'.join(_OVERALL)}: expected -{_SCALE} to {_SCALE}")
    contact_id = contact_id_at(found, "customermetadata", "contactid")
    return Row([_sentiment(found, contact_id, "overall", _analysis_ms(found), score / _SCALE)])


def read_turns(found: object, arrived_ms: int | None) -> Row:
    """A sentiment event for each turn of the customer in a piece of a live analysis. `arrived_ms`: when Kinesis took it."""
    contact_id = contact_id_at(found, "contactid")
    events = []
    for segment in objects_at(found, "segments"):
        turn = segment.get("transcript")
        score = _SCORES.get(word_at(turn, "sentiment") or "")
        if score is None or word_at(turn, "participantrole") != "customer":
            continue
        if arrived_ms is None:
            raise FieldError(Reason.MISSING_FIELD, "approximatearrivaltimestamp: expected a record of Kinesis around it")
        turn_id = need_text(turn, "id")
        if not is_name(f"{contact_id}/sentiment/{turn_id}"):
            raise FieldError(Reason.BAD_VALUE, "segments.transcript.id: expected a shorter text")
        events.append(_sentiment(found, contact_id, turn_id, arrived_ms, score))
    return Row(events) if events else _NOTHING


def _sentiment(found: object, contact_id: str, part: str, time_ms: int, score: float) -> CanonicalEvent:
    told: CanonicalEvent = {
        "id": f"{contact_id}/sentiment/{part}",
        "source": SOURCE,
        "type": "sentiment",
        "time": time_ms,
        "interaction_id": contact_id,
        "score": score,
    }
    context = {"channel": channel_at(found), "language": name_at(found, "languagecode")}
    return {**told, **{name: value for name, value in context.items() if value is not None}}


def _analysis_ms(found: object) -> int:
    """When the analysed conversation ended: at the last message of a chat, or at the start of a recording and its length."""
    messages = [time_ms for turn in objects_at(found, "transcript") if (time_ms := second_at(turn, "absolutetime")) is not None]
    if messages:
        return max(messages)
    recorded = _RECORDED.search(text_at(found, "customermetadata", "inputs3uri") or "")
    if recorded is None:
        raise FieldError(Reason.MISSING_FIELD, "customermetadata.inputs3uri: expected a name with the time of the recording")
    length_ms = number_at(found, "conversationcharacteristics", "totalconversationdurationmillis") or 0
    if not 0 <= length_ms <= MAX_DURATION_SECONDS * 1000:
        raise FieldError(Reason.BAD_VALUE, "conversationcharacteristics.totalconversationdurationmillis: expected milliseconds")
    try:
        began = datetime.strptime(recorded[1], "%Y%m%dT%H:%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise FieldError(Reason.BAD_TIME, "customermetadata.inputs3uri: expected yyyymmddThh:mm") from error
    return max(0, int(began.timestamp()) * 1000) + int(length_ms)
