"""Rules of detect for tests: a false alarm a day, no forecast, contribution or threshold; and what it tells, minute by minute."""

from collections.abc import Iterable

from contribution_rules import NO_CONTRIBUTION
from forecast_rules import NO_FORECAST
from threshold_rules import NO_THRESHOLDS

from streams.core.alert import Alert
from streams.core.detect import Detect, DetectRules
from streams.core.frame import MinuteFrame

DETECT = DetectRules(
    cuts=("total", "channel", "queue"),
    false_alarms_per_day=1.0,
    memory_minutes=30,
    warm_up_minutes=30,
    contacts_min=5,
    ratio_min=1.25,
    cool_down_minutes=30,
    resolve_minutes=15,
    runbook="",
    forecast=NO_FORECAST,
    contribution=NO_CONTRIBUTION,
    thresholds=NO_THRESHOLDS,
)


def told(detect: Detect, some: Iterable[MinuteFrame]) -> list[Alert]:
    """Every version of every alert, as it comes."""
    found: list[Alert] = []
    for frame in some:
        detect.apply([frame])
        found += detect.drain(0).alerts
    return found
