"""Rules between settings: what keys that are right one by one have to mean to each other.

Reads two things of the machine, because a start with them wrong fails much later and less clearly: time zone data and key files.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from streams.core.agent_times import CODES
from streams.core.hours import parse_week
from streams.core.kpi_table import KPIS
from streams.core.local_spans import parse_once, parse_weekly
from streams.core.series import DIMENSIONS, HOURS, TOTAL, cut_dimensions
from streams.core.small_cells import PERSONAL
from streams.core.threshold import SHAPES
from streams.settings_sources import masked, meant
from streams.settings_types import Detect, Hours, Ingest, Kafka, Maintenance, Publish, Settings, Topics

_DIMENSIONS = (*DIMENSIONS, HOURS)


class Problem(NamedTuple):
    """Keys that don't go together: their paths, and what is expected."""

    paths: tuple[str, ...]
    expected: str


def problems(settings: Settings) -> Iterator[Problem]:
    """All that is wrong between keys whose values are right one by one."""
    yield from _address_problems(settings.kafka, settings.publish)
    yield from _security_problems(settings.kafka)
    yield from _topic_problems(settings.topics)
    yield from _window_problems(settings)
    yield from _hours_problems(settings.hours)
    yield from _cut_problems(settings.intake.cuts, settings.detect)
    yield from _ingest_problems(settings.ingest)
    yield from _threshold_problems(settings)
    if parse_weekly(settings.quiet.hours) is None:
        yield Problem(
            ("quiet.hours",), f"found '{settings.quiet.hours}', expected e.g. 'mo-su 22:00-06:00', or nothing for never"
        )
    for name, window in settings.maintenance.items():
        yield from _maintenance_problems(f"maintenance.{name}", window)
    yield from _forecast_problems(settings)
    for name, band in settings.bands.items():
        yield from _band_problems(name, settings.intake.cuts)
        if (band.high <= band.moderate) if band.direction == "up" else (band.high >= band.moderate):
            order = "above" if band.direction == "up" else "below"
            yield Problem(
                (f"bands.{name}.high", f"bands.{name}.moderate"),
                f"high is {band.high:g}, expected {order} moderate ({band.moderate:g}), because direction is {band.direction}",
            )


def _band_problems(key: str, cuts: Sequence[str]) -> Iterator[Problem]:
    """A band is of a KPI, and of a counted cut or a series of one: 'aht', 'aht@queue', 'aht@queue/billing'."""
    name, _, place = key.partition("@")
    cut, *values = place.split("/")
    known = [kpi.name for kpi in KPIS]
    if name not in known:
        yield Problem((f"bands.{key}",), f"'{name}' is not a KPI{meant(name, known) or '; streams kpis lists them'}")
    elif "@" in key and cut not in cuts:
        yield Problem((f"bands.{key}", "intake.cuts"), f"cut '{cut}' is not counted: add it to [intake] cuts")
    elif values and len(values) != len(cut_dimensions(cut)):
        yield Problem((f"bands.{key}",), f"expected {'/'.join((cut, *cut_dimensions(cut)))}, a value for each dimension")


def _address_problems(kafka: Kafka, publish: Publish) -> Iterator[Problem]:
    for address in kafka.bootstrap_servers.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdigit():
            yield Problem(("kafka.bootstrap_servers",), f"found '{address.strip()}', expected host:port, comma separated")
    if publish.redis_url and not publish.redis_url.startswith(("redis://", "rediss://", "unix://")):
        yield Problem(("publish.redis_url",), "expected redis://host:port/number, rediss:// for TLS, unix://path, or nothing")
    for url in publish.alertmanager_urls:
        if not url.startswith(("http://", "https://")):
            yield Problem(
                ("publish.alertmanager_urls",),
                f"found '{masked(('alertmanager_urls',), url)}', expected http://host:port or https://host:port",
            )


def _ingest_problems(ingest: Ingest) -> Iterator[Problem]:
    if ingest.public_url and not ingest.public_url.startswith(("http://", "https://")):
        yield Problem(("ingest.public_url",), "expected https://host as vendors call it, or nothing")
    for source in sorted(set(ingest.unsigned) & set(ingest.secrets)):
        yield Problem(("ingest.unsigned", "ingest.secrets"), f"'{source}' has a secret: expected it in one of them")
    for source, secret in sorted(ingest.secrets.items()):
        if not all(part.strip() for part in secret.split(",")):
            yield Problem((f"ingest.secrets.{source}",), "is empty: expected a secret, or several joined by commas")


def _security_problems(kafka: Kafka) -> Iterator[Problem]:
    sasl = kafka.security_protocol.startswith("SASL_")
    if sasl and not (kafka.sasl_mechanism and kafka.sasl_username and kafka.sasl_password):
        yield Problem(("kafka.security_protocol",), "SASL needs sasl_mechanism, sasl_username and sasl_password")
    if not sasl and (kafka.sasl_mechanism or kafka.sasl_username or kafka.sasl_password):
        yield Problem(
            ("kafka.security_protocol",),
            f"{kafka.security_protocol} doesn't use the sasl_… keys: expected SASL_SSL or SASL_PLAINTEXT",
        )
    if bool(kafka.ssl_certificate_location) != bool(kafka.ssl_key_location):
        yield Problem(("kafka.ssl_certificate_location", "kafka.ssl_key_location"), "give both or neither")
    for key in ("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"):
        location: str = getattr(kafka, key)
        if location and not Path(location).exists():
            yield Problem((f"kafka.{key}",), f"no such file: {location}")


def _topic_problems(topics: Topics) -> Iterator[Problem]:
    keys = (
        "interactions",
        "rejected",
        "late",
        "contacts",
        "agents",
        "partials",
        "minutes",
        "trends",
        "expectations",
        "alerts",
        "forecasts",
    )
    by_name: dict[str, list[str]] = {}
    for key in keys:
        by_name.setdefault(getattr(topics, key), []).append(f"topics.{key}")
    for name, same in by_name.items():
        if len(same) > 1:
            yield Problem(tuple(same), f"are all '{name}', expected a topic each")
    if topics.min_insync_replicas > topics.replication_factor:
        yield Problem(
            ("topics.min_insync_replicas", "topics.replication_factor"),
            "no write could succeed: expected at most the replication factor",
        )


def _window_problems(settings: Settings) -> Iterator[Problem]:
    engine, merge_ = settings.engine, settings.merge
    if engine.flush_seconds > engine.flush_seconds_max:
        yield Problem(
            ("engine.flush_seconds", "engine.flush_seconds_max"),
            f"{engine.flush_seconds:g} is above {engine.flush_seconds_max:g}",
        )
    if 60 % settings.intake.pane_seconds:
        yield Problem(
            ("intake.pane_seconds",), f"found {settings.intake.pane_seconds}, expected a divisor of 60 (1, 2, 3, 5, 6, 10 …)"
        )
    graces = [(f"merge.grace_{kind}_seconds", getattr(merge_, f"grace_{kind}_seconds")) for kind in ("1m", "15m", "1h", "1d")]
    for (short, seconds), (long, more) in pairwise(graces):
        if more < seconds:
            yield Problem(
                (short, long), f"found {seconds} and {more}: a longer window must wait at least as long as a shorter one"
            )
    try:
        ZoneInfo(merge_.time_zone)
    except (KeyError, ValueError, OSError):  # not found; not a name; a folder of the time zone data
        hint = meant(merge_.time_zone, available_timezones()) or "; an example is Europe/Berlin"
        yield Problem(("merge.time_zone",), f"'{merge_.time_zone}' is not an IANA time zone{hint}")


def _hours_problems(hours: Hours) -> Iterator[Problem]:
    texts = {"hours.default": hours.default} | {f"hours.queues.{queue}": text for queue, text in hours.queues.items()}
    for path, text in texts.items():
        if parse_week(text) is None:
            yield Problem((path,), f"found '{text}', expected e.g. 'mo-fr 08:00-18:00, sa 09:00-13:00', or nothing for always")
    country, _, part = hours.holidays.partition("/")
    if country:
        from holidays import list_supported_countries  # heavy, and seldom wanted

        known = list_supported_countries()
        if country not in known or (part and part not in known[country]):
            yield Problem(("hours.holidays",), f"'{hours.holidays}' is no country or part of one that the package holidays knows")
    for day in hours.closed_days:
        try:
            date.fromisoformat(day)
        except ValueError:
            yield Problem(("hours.closed_days",), f"found '{day}', expected a day like 2026-12-25")


def _cut_problems(counted: Sequence[str], detect: Detect) -> Iterator[Problem]:
    # Not used, but a slip of the pen is said.
    explaining = [("detect.contribution_cuts", cut) for cut in detect.contribution_cuts if cut not in counted]
    mixed = [("detect.mix_cuts", cut) for cut in detect.mix_cuts if cut not in counted]
    for key, cut in (*(("intake.cuts", cut) for cut in counted), *explaining, *mixed):
        dimensions = cut_dimensions(cut)
        unknown = [name for name in dimensions if name not in _DIMENSIONS]
        if unknown:
            hint = meant(unknown[0], _DIMENSIONS) or f"; expected {TOTAL} or some of {', '.join(_DIMENSIONS)} joined by +"
            yield Problem((key,), f"'{unknown[0]}' is not a dimension{hint}")
        elif list(dimensions) != sorted(set(dimensions), key=_DIMENSIONS.index):
            yield Problem((key,), f"found '{cut}', expected '{'+'.join(sorted(set(dimensions), key=_DIMENSIONS.index))}'")
    for cut in detect.mix_cuts:
        if cut == TOTAL or PERSONAL & set(cut_dimensions(cut)):
            yield Problem(("detect.mix_cuts",), f"'{cut}': expected cuts that divide the contacts, and not by groups of people")
    for cut in detect.cuts:
        if cut not in counted:
            yield Problem(("detect.cuts", "intake.cuts"), f"'{cut}' is watched but not counted: add it to [intake] cuts")
    for place in detect.own_false_alarms_per_day:
        cut, *values = place.split("/")
        at = f"detect.own_false_alarms_per_day.{place}"
        if cut not in detect.cuts:
            yield Problem((at, "detect.cuts"), f"'{cut}' is not watched{meant(cut, detect.cuts) or ': add it to [detect] cuts'}")
        elif values and len(values) != len(cut_dimensions(cut)):
            yield Problem((at,), f"expected {'/'.join((cut, *cut_dimensions(cut)))}, a value for each dimension")


def _threshold_problems(settings: Settings) -> Iterator[Problem]:
    kpis = {kpi.name: kpi for kpi in KPIS}
    # Agents' times don't come with minutes.
    of_agents = {kpi.name for kpi in KPIS if {*kpi.numerator.plus, *kpi.denominator.plus} & {*CODES}}
    allowed = sorted(name for name, kpi in kpis.items() if kpi.shape in SHAPES and name not in of_agents)
    for name, one in settings.thresholds.items():
        at, dimensions = f"thresholds.{name}", cut_dimensions(one.cut)
        if one.kpi not in allowed:
            reason = "can't be told of a minute" if one.kpi in kpis else "is not a KPI"
            yield Problem((f"{at}.kpi",), f"'{one.kpi}' {reason}{meant(one.kpi, allowed) or '; `streams kpis` lists them'}")
        if one.cut not in settings.intake.cuts:
            yield Problem((f"{at}.cut", "intake.cuts"), f"'{one.cut}' is judged but not counted: add it to [intake] cuts")
        if one.values and len(one.values) != len(dimensions):
            yield Problem(
                (f"{at}.values",), f"found {len(one.values)}, expected {len(dimensions)}, one each for {one.cut}, or []"
            )
        if one.minutes > one.of_minutes:
            yield Problem((f"{at}.minutes", f"{at}.of_minutes"), f"{one.minutes} of {one.of_minutes} is never reached")
        if (one.clear > one.limit) if one.side == "above" else (one.clear < one.limit):
            good = "at or below" if one.side == "above" else "at or above"
            yield Problem((f"{at}.clear", f"{at}.limit"), f"found {one.clear:g}, expected {good} the limit {one.limit:g}")
        if PERSONAL & set(dimensions) and one.contacts_min < settings.privacy.min_cell:
            yield Problem((f"{at}.contacts_min", "privacy.min_cell"), "fewer contacts of a group of people aren't shown")


def _maintenance_problems(at: str, window: Maintenance) -> Iterator[Problem]:
    if parse_weekly(window.weekly) is None:
        yield Problem((f"{at}.weekly",), f"found '{window.weekly}', expected e.g. 'mo-fr 22:00-06:00, su 02:00-04:00'")
    for text in window.once:
        if parse_once(text) is None:
            yield Problem((f"{at}.once",), f"found '{text}', expected local times like '2026-12-24 22:00/2026-12-25 06:00'")
    if not window.weekly.strip() and not window.once:
        yield Problem((f"{at}.weekly", f"{at}.once"), "are empty, expected at least one time")
    for series in window.series:
        cut, *values = series.split("/")
        dimensions = cut.split("+")
        unknown = [name for name in dimensions if name not in DIMENSIONS]
        if unknown:
            hint = meant(unknown[0], DIMENSIONS) or "; expected e.g. 'queue/billing', or [] for everything"
            yield Problem((f"{at}.series",), f"'{unknown[0]}' is not a dimension{hint}")
        elif len(values) != len(dimensions):
            yield Problem(
                (f"{at}.series",), f"found '{series}', expected {'/'.join((cut, *dimensions))}, a value for each dimension"
            )


def _forecast_problems(settings: Settings) -> Iterator[Problem]:
    forecast = settings.forecast
    for cut in forecast.cuts:
        if cut not in settings.detect.cuts:
            yield Problem(("forecast.cuts", "detect.cuts"), f"'{cut}' is forecast but not watched: add it to [detect] cuts")
    if 60 % forecast.slot_minutes:
        yield Problem(("forecast.slot_minutes",), f"found {forecast.slot_minutes}, expected a divisor of 60 (5, 10, 15, 30 …)")
