"""edge.alertmanager: what an alert becomes in the words of the v2 API."""

import msgspec
from alert_made_up import made_up_alert

from streams.core.alert import HeldBack
from streams.edge.alertmanager import SILENCE_MS, AlertmanagerPublisher, labels, make_publishers, posted, silence

FIRING = made_up_alert(
    1_767_225_720_000,
    alert_id="1a2b",
    version=2,
    cut="channel+queue",
    series={"channel": "voice", "queue": "billing"},
    onset_ms=1_767_225_600_000,
    observed=60,
    ratio=3.0,
    excess=40.0,
    runbook="https://runbooks.example/spike",
)
NOW_MS = 1_767_225_780_000


def test_a_firing_alert_ends_four_minutes_from_now_unless_repeated() -> None:
    assert posted(FIRING, NOW_MS) == {
        "labels": {
            "alertname": "ContactSpike",
            "alert_id": "1a2b",
            "kind": "spike",
            "metric": "offered",
            "cut": "channel+queue",
            "channel": "voice",
            "queue": "billing",
        },
        "annotations": {
            "summary": "Spike of contacts: channel voice, queue billing",
            "description": "60 contacts since 2026-01-01T00:00:00.000Z, 20.0 expected, ratio 3.00 (+40.0).",
            "severity": "warning",
            "recommendation": "Call in two agents.",
            "runbook": "https://runbooks.example/spike",
        },
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": "2026-01-01T00:07:00.000Z",
    }


def test_a_resolved_alert_ends_when_it_was_resolved_but_never_ahead_of_now() -> None:
    resolved = msgspec.structs.replace(FIRING, state="resolved", resolved_ms=NOW_MS - 30_000)
    assert posted(resolved, NOW_MS)["endsAt"] == "2026-01-01T00:02:30.000Z"
    assert posted(msgspec.structs.replace(resolved, resolved_ms=NOW_MS + 30_000), NOW_MS)["endsAt"] == "2026-01-01T00:03:00.000Z"


def test_labels_stay_when_figures_and_severity_change() -> None:
    later = msgspec.structs.replace(FIRING, version=3, severity="critical", observed=99, ratio=4.0, updated_ms=NOW_MS)
    assert labels(later) == labels(FIRING)


def test_every_address_has_a_publisher_of_its_own() -> None:
    assert [publisher.name for publisher in make_publishers(["http://a", "http://b/"])] == ["alertmanager", "alertmanager_2"]


def test_pending_alerts_are_not_told_and_older_versions_never_win() -> None:
    publisher = AlertmanagerPublisher("http://127.0.0.1:9093")
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, state="pending", version=1))
    assert publisher.waiting == 0
    publisher.put("alerts", 0, FIRING)
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, version=1, state="resolved"))
    assert publisher.waiting == 1
    publisher.drop("alerts", 1)
    assert publisher.waiting == 1
    publisher.drop("alerts", 0)
    assert publisher.waiting == 0


def test_what_faded_without_firing_is_not_told() -> None:
    publisher = AlertmanagerPublisher("http://localhost:9093")
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, state="expired", fired_ms=None))
    assert publisher.waiting == 0
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, state="expired"))
    assert publisher.waiting == 1


BACKUP = HeldBack(by="maintenance", name="backup", since_ms=FIRING.onset_ms, until_ms=FIRING.onset_ms + 3_600_000)


def test_what_fires_while_it_is_held_back_is_told_when_it_is_so_no_longer() -> None:
    publisher = AlertmanagerPublisher("http://127.0.0.1:9093")
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, held_back=BACKUP))
    assert publisher.waiting == 0
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, version=3))
    assert publisher.waiting == 1


def test_what_has_ended_while_it_was_held_back_is_never_told() -> None:
    publisher = AlertmanagerPublisher("http://127.0.0.1:9093")
    publisher.put("alerts", 0, msgspec.structs.replace(FIRING, held_back=BACKUP, state="expired", resolved_ms=NOW_MS))
    assert publisher.waiting == 0


def test_what_was_told_before_it_is_held_back_is_told_on_and_silenced() -> None:
    told = msgspec.structs.replace(FIRING, held_back=msgspec.structs.replace(BACKUP, since_ms=FIRING.updated_ms))
    publisher = AlertmanagerPublisher("http://127.0.0.1:9093")
    publisher.put("alerts", 0, told)
    assert publisher.waiting == 1
    given = silence(told, None, NOW_MS)
    assert (given["createdBy"], given["comment"]) == ("streams", "maintenance backup")
    assert given["endsAt"] == posted(told, NOW_MS)["endsAt"]
    assert SILENCE_MS == 240_000
