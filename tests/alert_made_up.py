"""An alert for tests that hand one on: a spike of contacts in one queue; a test says what matters to it."""

import msgspec

from streams.core.alert import Alert

ALERT = Alert(
    alert_id="a1",
    version=1,
    state="firing",
    severity="warning",
    kind="spike",
    metric="offered",
    cut="queue",
    series={"queue": "billing"},
    onset_ms=0,
    detected_ms=0,
    fired_ms=0,
    updated_ms=0,
    resolved_ms=None,
    observed=40,
    expected=20.0,
    ratio=2.0,
    excess=20.0,
    recommendation="Call in two agents.",
    runbook="",
    published_ms=0,
)


def made_up_alert(at_ms: int = 0, **changes: object) -> Alert:
    """The alert with all its times at one moment, and with what a test wants different."""
    times: dict[str, object] = dict.fromkeys(("onset_ms", "detected_ms", "fired_ms", "updated_ms", "published_ms"), at_ms)
    return msgspec.structs.replace(ALERT, **(times | changes))
