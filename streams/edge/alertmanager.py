"""The publisher 'alertmanager': alerts by Alertmanager's v2 API, one publisher per address.

Alertmanager forgets what isn't repeated, so firing alerts are sent again each minute with an end a few minutes ahead, and ended
ones for five minutes with their end. The surprise: severity is an annotation, not a label, because it changes while an alert
fires and a changed label would make it another alert. Route by alertname, kind, cut or dimension. An alert that has fired while
it was held back isn't told; one that was told before is silent.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from streams.core.alert import Alert, Foreseen
from streams.core.series import cut_dimensions
from streams.edge.publisher import PublisherDown

REPEAT_MS: Final = 60_000
# Three repeats may be lost, or the alert's owner may change, before Alertmanager takes the alert for resolved.
AHEAD_MS: Final = 240_000
# An end is repeated this long after it was published. Later nobody needs it: the last repeat's end has passed.
ENDED_MS: Final = 300_000
# Alerts held: detect raises one per incident, so this is a flood; the oldest are given up.
ALERTS_MAX: Final = 5_000
TIMEOUT_SECONDS: Final = 5.0
# An acknowledged alert is silenced this far ahead, and again with each repeat: when the acknowledgement ends while nobody can say
# so, Alertmanager calls again within this time.
SILENCE_MS: Final = AHEAD_MS

NAMES: Final = {
    "spike": "ContactSpike",
    "dip": "ContactDip",
    "outage": "ContactOutage",
    "threshold": "KpiThreshold",
    "shortage": "StaffShortage",
    "rise": "KpiRise",
    "fall": "KpiFall",
    "mix": "MixChange",
}


class Held:
    """An alert to be told: where it came from and when it was last sent (wall clock, ms)."""

    def __init__(self, source: tuple[str, int], alert: Alert) -> None:
        self.source = source
        self.alert = alert
        self.sent_ms: int | None = None
        self.silence: str | None = None  # id of its silence in this Alertmanager


class _Silenced(msgspec.Struct):
    silence_id: str = msgspec.field(name="silenceID")


class AlertmanagerPublisher:
    """Tells one Alertmanager what fires and what has ended."""

    def __init__(self, url: str, name: str = "alertmanager") -> None:
        self._url = f"{url.rstrip('/')}/api/v2"
        self._name = name
        self._held: dict[str, Held] = {}
        self._session: ClientSession | None = None
        self.dropped = 0

    @property
    def name(self) -> str:
        """Its name in metrics and health."""
        return self._name

    @property
    def waiting(self) -> int:
        """Alerts not told yet."""
        return sum(1 for held in self._held.values() if held.sent_ms is None and not held.alert.is_kept_back)

    def put(self, topic: str, partition: int, alert: Alert) -> None:
        """Take an alert; an older version never wins, pending ones and those that never fired aren't told."""
        held = self._held.get(alert.alert_id)
        if alert.state == "pending" or not alert.has_fired or (held is not None and held.alert.version >= alert.version):
            return
        self._held.pop(alert.alert_id, None)
        new = self._held[alert.alert_id] = Held((topic, partition), alert)
        new.silence = None if held is None else held.silence
        if len(self._held) > ALERTS_MAX:
            del self._held[next(iter(self._held))]
            self.dropped += 1

    def drop(self, topic: str, partition: int) -> None:
        """Another worker owns the partition now and tells its alerts."""
        self._held = {name: held for name, held in self._held.items() if held.source != (topic, partition)}

    async def publish(self, now_ms: int) -> None:
        """Send what is new at once and everything else once a minute. PublisherDown: it is still due."""
        self._forget(now_ms)
        told = (held for held in self._held.values() if not held.alert.is_kept_back)
        due = [held for held in told if held.sent_ms is None or now_ms - held.sent_ms >= REPEAT_MS]
        if not due:
            return
        for held in due:  # first, so that nobody is called between
            await self._silence(held, now_ms)
        await self._ask("POST", "alerts", msgspec.json.encode([posted(held.alert, now_ms) for held in due]))
        for held in due:
            held.sent_ms = now_ms

    async def _silence(self, held: Held, now_ms: int) -> None:
        """Silence an acknowledged or held back alert for the next minutes; let one speak that is so no longer."""
        if held.alert.state == "firing" and (held.alert.acknowledged is not None or held.alert.held_back is not None):
            answer = await self._ask("POST", "silences", msgspec.json.encode(silence(held.alert, held.silence, now_ms)))
            held.silence = msgspec.json.decode(answer, type=_Silenced).silence_id
        elif held.silence is not None:
            await self._ask("DELETE", f"silence/{held.silence}", b"")
            held.silence = None

    def _forget(self, now_ms: int) -> None:
        """Ends that were published long ago, whether told or read from the topic's past."""
        for name, held in list(self._held.items()):
            if held.alert.state != "firing" and now_ms - held.alert.published_ms >= ENDED_MS:
                del self._held[name]

    async def _ask(self, method: str, path: str, body: bytes) -> bytes:
        """One request, its answer; anything but success is PublisherDown."""
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=TIMEOUT_SECONDS))
        try:
            headers = {"Content-Type": "application/json"}
            async with self._session.request(method, f"{self._url}/{path}", data=body, headers=headers) as answer:
                if answer.status >= 300:
                    text = (await answer.text())[:200]
                    raise PublisherDown(f"Alertmanager at {self._url} answers {answer.status}: {text}")
                return await answer.read()
        except (TimeoutError, ClientError, OSError) as error:
            problem = f"Alertmanager at {self._url} doesn't answer ({type(error).__name__}); see [publish] alertmanager_urls"
            raise PublisherDown(problem) from error

    async def close(self) -> None:
        """Let the connection go."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def make_publishers(urls: Iterable[str]) -> list[AlertmanagerPublisher]:
    """One publisher per address, so that one that hangs delays no other: 'alertmanager', 'alertmanager_2', …"""
    return [
        AlertmanagerPublisher(url, "alertmanager" if number == 1 else f"alertmanager_{number}")
        for number, url in enumerate(urls, start=1)
    ]


def posted(alert: Alert, now_ms: int) -> dict[str, str | dict[str, str]]:
    """An alert in the words of the v2 API. An end never lies ahead of now, or Alertmanager would take it for firing."""
    ended_ms = alert.updated_ms if alert.resolved_ms is None else alert.resolved_ms
    ends_ms = now_ms + AHEAD_MS if alert.state == "firing" else min(ended_ms, now_ms)
    return {
        "labels": labels(alert),
        "annotations": annotations(alert),
        "startsAt": _time(min(alert.onset_ms, ends_ms - 1)),
        "endsAt": _time(ends_ms),
    }


def silence(alert: Alert, silence_id: str | None, now_ms: int) -> dict[str, object]:
    """The silence of an acknowledged or held back alert, in the words of the v2 API; with an id it prolongs that one."""
    seen, held = alert.acknowledged, alert.held_back
    assert seen is not None or held is not None, "only an alert that is acknowledged or held back is silenced"
    until_ms = None if seen is None else seen.until_ms
    ends_ms = now_ms + SILENCE_MS if until_ms is None else min(now_ms + SILENCE_MS, max(until_ms, now_ms + 1_000))
    why = "" if held is None else held.why
    return {
        **({} if silence_id is None else {"id": silence_id}),
        "matchers": [{"name": "alert_id", "value": alert.alert_id, "isRegex": False, "isEqual": True}],
        "startsAt": _time(now_ms),
        "endsAt": _time(ends_ms),
        "createdBy": "streams" if seen is None else seen.by,
        "comment": why if seen is None else seen.comment or "acknowledged",
    }


def labels(alert: Alert) -> dict[str, str]:
    """What identifies the alert; the same from its first to its last version."""
    return {
        "alertname": NAMES[alert.kind],
        "alert_id": alert.alert_id,
        "kind": alert.kind,
        "metric": alert.metric,
        "cut": alert.cut,
        **({"rule": alert.rule} if alert.rule else {}),
        **{dimension: alert.series[dimension] for dimension in cut_dimensions(alert.cut)},
    }


def annotations(alert: Alert) -> dict[str, str]:
    """What it says; changes with the figures."""
    place = ", ".join(f"{dimension} {value}" for dimension, value in alert.series.items()) or "all contacts"
    ratio = "" if alert.ratio is None else f", ratio {alert.ratio:.2f}"
    since = _time(alert.onset_ms)
    description = f"{alert.observed} contacts since {since}, {alert.expected:.1f} expected{ratio} ({alert.excess:+.1f})."
    what = "of contacts"
    if alert.kind == "threshold":
        what, description = f"of {alert.metric}", f"{alert.value} since {since}, limit {alert.limit} (n = {alert.observed})."
    if alert.foreseen is not None:
        what, description = "of staff", _foreseen(alert, alert.foreseen)
    elif alert.usual is not None:
        what = what if alert.kind == "mix" else f"of {alert.metric}"
        unit = " s" if alert.metric in ("aht", "asa") else ""
        description = f"Since {since} {alert.value}{unit}, usually {alert.usual}{unit}{ratio} (n = {alert.contacts})."
    return {
        "summary": f"{alert.kind.capitalize()} {what}: {place}",
        "description": description,
        "severity": alert.severity,
        **({"contribution": _contribution(alert)} if alert.contribution else {}),
        "recommendation": alert.recommendation,
        "runbook": alert.runbook,
    }


def _foreseen(alert: Alert, seen: Foreseen) -> str:
    return (
        f"From {_time(seen.start_ms)} to {_time(seen.end_ms)} {alert.excess:.1f} of {alert.expected:.1f} contacts expected are "
        f"beyond what can be taken; at the worst {seen.people:.1f} people are at work and {seen.people_needed:.1f} needed."
    )


def _contribution(alert: Alert) -> str:
    """'issue refund, region north: 92 % of it (usually 4 % of contacts); …'."""
    return "; ".join(
        f"{', '.join(f'{name} {value}' for name, value in part.series.items())}: {100 * part.share:.0f} % of it"
        f" (usually {100 * part.usual_share:.0f} % of contacts)"
        for part in alert.contribution
    )


def _time(time_ms: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
