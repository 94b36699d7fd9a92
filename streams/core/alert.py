"""Alerts as they leave the system on the `alerts` topic (compacted by alert id)."""

from typing import Literal, TypeAlias
from zlib import crc32

import msgspec

from streams.core.acknowledgement import Acknowledgement
from streams.core.series import series_cut, series_values

AlertState: TypeAlias = Literal["pending", "firing", "resolved", "expired"]
AlertKind: TypeAlias = Literal["spike", "dip", "outage", "threshold", "shortage", "rise", "fall", "mix"]
Severity: TypeAlias = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")  # in order


class Contribution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of an alert's contacts: what was seen and expected of it, its `share` of the excess, and its usual share of all
    contacts. A share far above the usual one explains; one like it says that the change is spread evenly.
    """

    cut: str
    series: dict[str, str]
    observed: int
    expected: float
    share: float
    usual_share: float


class HeldBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why nobody is called: a maintenance window, `name` in the settings, or quiet hours. [since, until) in ms since epoch."""

    by: Literal["maintenance", "quiet hours"]
    name: str
    since_ms: int
    until_ms: int

    @property
    def why(self) -> str:
        """'maintenance backup', 'quiet hours'."""
        return f"{self.by} {self.name}".rstrip()


class Foreseen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A queue that will be short of people in [start, end) if nobody acts; `worst_ms`: its worst slot of so many minutes,
    in which so many people are expected at work, so many are needed, and `chance` is that they are too few."""

    start_ms: int
    end_ms: int
    worst_ms: int
    slot_minutes: int
    people: float
    people_needed: float
    chance: float


class Alert(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One incident of one series, from pending to resolved under one id. Times in ms since the epoch; `metric`: offered contacts.

    Of a threshold `metric` is its KPI, `value` that of the newest minute with one, `limit` what it should not pass, `rule` its
    name in the settings, `observed` the KPI's n over the minutes judged; nothing is expected, and there is no excess.

    Of a shortage `onset_ms` is since when it is foreseen and `foreseen` when it will be; `expected` contacts of all its slots,
    `excess` those of them that are too many; `value` the contacts expected in the worst slot, `limit` what can be taken in it.

    Of a rise or fall `metric` is its KPI, 'aht', 'abandonment', 'asa' or 'sentiment'; `value` what it is since the onset, `usual`
    what it would be, ratio = value / usual (null for 'sentiment', which may be 0), `contacts` how many say so; observed, expected
    and excess are the KPI's numerator: seconds of handle time or of waits, contacts that gave up, points. A single long contact
    moves the value of 'aht' less than it moves the mean; usual of 'asa' and 'sentiment' is the median minute's.

    Of a mix `metric` is 'share': `value` what part of the contacts of its cut the series has had since the onset, `usual` what it
    would have, `contacts` those of the cut; observed, expected and excess are the series' own; `contribution`: the values that
    it came from or went to, each with its part of the change.

    fired_ms: when it first fired; None if it never did: pending still, or evidence that faded ('expired').
    observed, expected: contacts since onset; ratio = observed / expected; excess = observed - expected (negative for a dip).
    contribution: the parts that explain the excess, in the first hour from onset, most telling first. held_back: why nobody is
    called just now, or wasn't until it ended. recommendation: what to do, in one sentence; runbook: where the steps are.
    """

    alert_id: str
    version: int
    state: AlertState
    severity: Severity
    kind: AlertKind
    metric: str
    cut: str
    series: dict[str, str]
    onset_ms: int
    detected_ms: int
    updated_ms: int
    fired_ms: int | None = None
    resolved_ms: int | None
    observed: int
    expected: float
    ratio: float | None
    excess: float
    contribution: tuple[Contribution, ...] = ()
    rule: str = ""
    value: float | None = None
    limit: float | None = None
    foreseen: Foreseen | None = None
    usual: float | None = None
    contacts: int | None = None
    acknowledged: Acknowledgement | None = None
    held_back: HeldBack | None = None
    recommendation: str
    runbook: str
    published_ms: int

    @property
    def has_fired(self) -> bool:
        """Whether anybody has to be told of it, or of its end."""
        return self.state == "firing" or self.fired_ms is not None

    @property
    def is_kept_back(self) -> bool:
        """Whether nobody has been called: it has fired while it was held back. A shortage fires in the minute that begins then,
        others in the one that ends."""
        if self.held_back is None or self.fired_ms is None:
            return self.held_back is not None
        since_ms = self.held_back.since_ms
        return self.fired_ms >= since_ms if self.kind == "shortage" else self.fired_ms > since_ms


def begun(name: str, kind: AlertKind, metric: str, series: str, at: tuple[int, int], severity: Severity, runbook: str) -> Alert:
    """An alert that fires for the first time, without figures or advice. name: its id; at: onset, and when it was found."""
    onset_ms, found_ms = at
    return Alert(
        alert_id=name,
        version=0,
        state="firing",
        severity=severity,
        kind=kind,
        metric=metric,
        cut=series_cut(series),
        series=series_values(series),
        onset_ms=onset_ms,
        detected_ms=found_ms,
        updated_ms=found_ms,
        fired_ms=found_ms,
        resolved_ms=None,
        observed=0,
        expected=0.0,
        ratio=None,
        excess=0.0,
        recommendation="",
        runbook=runbook,
        published_ms=0,
    )


def alert_id(rule: str, series: str, onset_ms: int) -> str:
    """Stable id of an incident: the same rule, series and onset give the same id in every run."""
    text = f"{rule}|{series}|{onset_ms}".encode()
    return f"{crc32(text):08x}{crc32(text[::-1]):08x}"
