"""Acknowledgement: on the alert's record until it ends, grows worse or time is up; silences; the command."""

import msgspec
import pytest
from detect_rules import DETECT
from msgspec.structs import replace

from streams.commands.ack import chosen, notice_of, span
from streams.core.acknowledgement import Acknowledgement, Notice, Order, decode_order, encode_order, is_order
from streams.core.alert import Alert
from streams.core.detect import Detect
from streams.core.errors import StreamsError
from streams.core.frame import MinuteFrame, MinuteRow, encode_minutes
from streams.core.measure import OFFERED
from streams.edge.alertmanager import silence

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
RULES = replace(DETECT, cuts=("total",))
ANNA = Acknowledgement(by="anna", comment="on it", at_ms=START_MS, until_ms=None)


def frame(minute: int, contacts: int) -> MinuteFrame:
    start_ms = START_MS + minute * MINUTE_MS
    rows = [MinuteRow("total", start_ms, {OFFERED: contacts})]
    return MinuteFrame(shard=0, shards=1, number=minute, closed_ms=start_ms + MINUTE_MS, rows=rows)


def firing(store: dict[bytes, bytes]) -> tuple[Detect, Alert]:
    """A spike of 50 contacts where 20 are usual, in its fifth minute."""
    detect = Detect(store, RULES)
    for minute in range(95):
        detect.apply([frame(minute, 20 if minute < 90 else 50)])
    alert = detect.drain(0).alerts[-1]
    assert (alert.state, alert.severity, alert.acknowledged) == ("firing", "warning", None)
    return detect, alert


def after(detect: Detect, counts: list[int]) -> list[Alert]:
    """Alerts told of the next minutes."""
    for minute, contacts in enumerate(counts, start=95):
        detect.apply([frame(minute, contacts)])
    return detect.drain(0).alerts


def test_an_acknowledged_alert_says_so_at_once_and_until_it_is_resolved() -> None:
    detect, alert = firing({})
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=ANNA)])
    (told,) = detect.drain(0).alerts
    assert (told.alert_id, told.version, told.acknowledged) == (alert.alert_id, alert.version + 1, ANNA)
    alerts = [one for one in after(detect, [50, 50, *[20] * 20]) if one.alert_id == alert.alert_id]
    assert {one.acknowledged for one in alerts} == {ANNA}
    assert alerts[-1].state == "resolved"


def test_it_survives_a_restart() -> None:
    store: dict[bytes, bytes] = {}
    detect, alert = firing(store)
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=ANNA)])
    detect.drain(0)
    assert [one.acknowledged for one in after(Detect(store, RULES), [50])] == [ANNA]


def test_an_alert_that_grows_worse_is_no_longer_acknowledged() -> None:
    detect, alert = firing({})
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=ANNA)])
    alerts = after(detect, [50, 300, 300])
    found = [(one.severity, one.acknowledged) for one in alerts]
    assert found == [("warning", ANNA), ("warning", ANNA), ("critical", None), ("critical", None)]


def test_an_acknowledgement_holds_until_its_time_is_up_or_it_is_taken_back() -> None:
    detect, alert = firing({})
    until = msgspec.structs.replace(ANNA, until_ms=START_MS + 97 * MINUTE_MS)
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=until)])
    assert [one.acknowledged for one in after(detect, [50, 50])] == [until, until, None]
    detect.apply([Order(alert_id=alert.alert_id, acknowledgement=ANNA), Order(alert_id=alert.alert_id, acknowledgement=None)])
    assert [one.acknowledged for one in detect.drain(0).alerts] == [ANNA, None]


def test_an_order_about_another_alert_changes_nothing() -> None:
    detect, _ = firing({})
    detect.apply([Order(alert_id="0", acknowledgement=ANNA)])
    assert detect.drain(0).alerts == []


def test_orders_and_minutes_are_told_apart_on_their_topic() -> None:
    order = Order(alert_id="1a2b", acknowledgement=ANNA)
    assert (is_order(encode_order(order)), decode_order(encode_order(order))) == (True, order)
    assert not is_order(encode_minutes(frame(0, 1)))


def test_a_silence_is_for_the_alert_and_for_some_minutes() -> None:
    _, alert = firing({})
    seen = msgspec.structs.replace(alert, acknowledged=ANNA)
    assert silence(seen, None, 0) == {
        "matchers": [{"name": "alert_id", "value": alert.alert_id, "isRegex": False, "isEqual": True}],
        "startsAt": "1970-01-01T00:00:00.000Z",
        "endsAt": "1970-01-01T00:04:00.000Z",
        "createdBy": "anna",
        "comment": "on it",
    }
    soon = msgspec.structs.replace(seen, acknowledged=msgspec.structs.replace(ANNA, until_ms=60_000))
    assert (silence(soon, "f1", 0)["id"], silence(soon, "f1", 0)["endsAt"]) == ("f1", "1970-01-01T00:01:00.000Z")


def test_the_command_wants_one_alert_that_fires() -> None:
    _, alert = firing({})
    assert chosen([alert], alert.alert_id[:4]) == alert
    with pytest.raises(StreamsError, match="there is none"):
        chosen([alert], "nothing")
    with pytest.raises(StreamsError, match="is resolved: only an alert that fires"):
        chosen([msgspec.structs.replace(alert, state="resolved")], alert.alert_id)
    with pytest.raises(StreamsError, match="2 alerts that fire begin so"):
        chosen([alert, msgspec.structs.replace(alert, alert_id=alert.alert_id + "0")], alert.alert_id[:4])


def test_how_long_it_holds_is_said_in_minutes_hours_or_days() -> None:
    assert (span("30m"), span("2h"), span("1d"), span("")) == (30, 120, 1440, None)
    with pytest.raises(StreamsError, match="expected a number of minutes, hours or days"):
        span("soon")


def test_the_command_refuses_what_detect_could_not_keep() -> None:
    assert notice_of("anna", "on it", 30) == Notice(by="anna", comment="on it", for_minutes=30)
    with pytest.raises(StreamsError, match="Expected `str` of length <= 200 - at `--by`"):
        notice_of("a" * 201, "", None)
    with pytest.raises(StreamsError, match="Expected `str` of length <= 500 - at `--comment`"):
        notice_of("anna", "a" * 501, None)
    with pytest.raises(StreamsError, match="Expected `int` <= 43200 - at `--for`"):
        notice_of("anna", "", 44_640)
