"""Case: what an alert is about while it lasts, whatever its kind: a change of volume, of a mean. Its life is in life_cycle.py.

The surprise: figures are no part of it. Each kind adds its own, and writes them on the record that all have in common.
"""

from typing import Literal, TypeAlias

import msgspec

from streams.core.acknowledgement import Acknowledgement
from streams.core.alert import Alert, AlertKind, AlertState, HeldBack, Severity, begun

Ending: TypeAlias = Literal["returned", "calm", "lasting", "unjudged"]
LASTING_MINUTES = 1440  # detection.md: after 24 h a level shift is accepted


class Case(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """One case. explained_by: the alert that speaks for it, None if it speaks for itself. score: evidence when it was found.

    minutes, return_score: followed since it was found, and evidence since then that it is over. Others: see Alert.
    """

    alert_id: str
    series: str
    up: bool = True
    severity: Severity = "info"
    version: int = 0
    score: float
    explained_by: str | None = None
    onset_ms: int
    detected_ms: int
    updated_ms: int
    fired_ms: int | None = None
    resolved_ms: int | None = None
    minutes: int = 0
    return_score: float = 0.0
    acknowledged: Acknowledgement | None = None
    held_back: HeldBack | None = None

    @property
    def key(self) -> str:
        """Under which it is found again."""
        return self.series


def record(case: Case, state: AlertState, runbook: str, kind: AlertKind, metric: str) -> Alert:
    """An alert of a case without its figures; `published_ms` 0 until it is published."""
    blank = begun(case.alert_id, kind, metric, case.series, (case.onset_ms, case.detected_ms), case.severity, runbook)
    return msgspec.structs.replace(
        blank,
        version=case.version,
        state=state,
        updated_ms=case.updated_ms,
        fired_ms=case.fired_ms,
        resolved_ms=case.resolved_ms,
        acknowledged=case.acknowledged,
        held_back=case.held_back,
    )
