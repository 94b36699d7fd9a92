"""Settings as the rules of core: the one place where seconds become milliseconds. Core may not know the settings."""

from collections.abc import Container
from datetime import date

import msgspec

from streams.core.agents import AgentRules
from streams.core.contribution_rows import ContributionRules
from streams.core.customer import key_fingerprint
from streams.core.detect import DetectRules
from streams.core.forecasting import ForecastRules
from streams.core.held_back import HeldBackRules, MaintenanceWindow
from streams.core.hours import ALWAYS, BusinessHours, parse_week
from streams.core.journey import JourneyRules
from streams.core.kpi import Band, KpiRules
from streams.core.local_spans import LocalTimes, parse_once, parse_weekly
from streams.core.merge import MergeRules
from streams.core.recommend_words import RecommendRules
from streams.core.roster import CHANNELS_CUT, CUT
from streams.core.rules import IntakeRules
from streams.core.series import series_of
from streams.core.shortage_verdict import ShortageRules
from streams.core.staffing import StaffingRules
from streams.core.threshold import ThresholdRule, ThresholdRules
from streams.core.trend import WindowKind
from streams.settings import Hours, Merge, Settings

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS


def graces_ms(merge: Merge) -> tuple[tuple[WindowKind, int], ...]:
    """Grace per tumbling kind, shortest kind first."""
    return (
        ("1m", merge.grace_1m_seconds * SECOND_MS),
        ("15m", merge.grace_15m_seconds * SECOND_MS),
        ("1h", merge.grace_1h_seconds * SECOND_MS),
        ("1d", merge.grace_1d_seconds * SECOND_MS),
    )


def intake_rules(settings: Settings) -> IntakeRules:
    """What intake follows."""
    intake, kpi = settings.intake, settings.kpi
    return IntakeRules(
        shards=settings.topics.shards,
        pane_ms=intake.pane_seconds * SECOND_MS,
        disorder_ms=intake.disorder_seconds_max * SECOND_MS,
        idle_ms=intake.idle_seconds * SECOND_MS,
        live_ms=intake.live_seconds * SECOND_MS,
        linger_ms=intake.linger_minutes * MINUTE_MS,
        open_ms=intake.open_hours * HOUR_MS,
        cuts=intake.cuts,
        cut_series_max=intake.cut_series_max,
        sources=frozenset(settings.events.sources),
        ahead_ms=settings.events.ahead_seconds_max * SECOND_MS,
        time_zone=settings.merge.time_zone,
        graces_ms=graces_ms(settings.merge),
        target_ms=kpi.service_level_seconds * SECOND_MS,
        queue_target_ms={queue: seconds * SECOND_MS for queue, seconds in kpi.queue_service_level_seconds.items()},
        short_abandon_ms=kpi.short_abandon_seconds * SECOND_MS,
        customer_key=customer_key(settings),
        hours=business_hours(settings.hours),
    )


def business_hours(hours: Hours) -> BusinessHours:
    """When queues are open; the settings were checked."""
    queues = {queue: parse_week(text) or ALWAYS for queue, text in hours.queues.items()}
    return BusinessHours(week=parse_week(hours.default) or ALWAYS, queues=queues, closed=ClosedDays(hours))


class ClosedDays:
    """The days on which no queue is open: public holidays, made year by year as they are asked for, and those of the settings."""

    def __init__(self, hours: Hours) -> None:
        self._days = frozenset(date.fromisoformat(day) for day in hours.closed_days)
        self._holidays: Container[date] = ()
        country, _, part = hours.holidays.partition("/")
        if country:
            from holidays import country_holidays  # heavy, and seldom wanted

            self._holidays = country_holidays(country, subdiv=part or None)

    def __contains__(self, day: object) -> bool:
        """Whether queues are closed on a local day."""
        return day in self._days or day in self._holidays


def customer_key(settings: Settings) -> bytes:
    """The key of the hash that hides customers; without one in the settings, one that all workers of this [app] name make."""
    return (settings.privacy.customer_key or f"app {settings.app.name}").encode()


def journey_rules(settings: Settings) -> JourneyRules:
    """What journey follows."""
    return JourneyRules(
        counting=intake_rules(settings),
        sources=settings.topics.partitions,
        repeat_ms=settings.journey.repeat_hours * HOUR_MS,
    )


def agent_rules(settings: Settings) -> AgentRules:
    """What agents follows."""
    return AgentRules(
        counting=intake_rules(settings),
        sources=settings.topics.partitions,
        state_max_ms=settings.agents.state_hours_max * HOUR_MS,
    )


def merge_rules(settings: Settings) -> MergeRules:
    """What merge follows."""
    followers = settings.topics.contact_partitions + settings.topics.agent_partitions
    return MergeRules(
        shards=settings.topics.shards,
        sources=settings.topics.partitions + followers,
        followers=followers,
        pane_ms=settings.intake.pane_seconds * SECOND_MS,
        time_zone=settings.merge.time_zone,
        graces_ms=graces_ms(settings.merge),
        refresh_ms=settings.merge.refresh_seconds * SECOND_MS,
        watch_cuts=frozenset((*settings.detect.cuts, *(threshold.cut for threshold in settings.thresholds.values()))),
        contribution_cuts=frozenset((*contribution_rules(settings).cuts, *settings.detect.mix_cuts)),
        kpi=kpi_rules(settings),
    )


def kpi_rules(settings: Settings) -> KpiRules:
    """Targets, thresholds and bands of the KPIs."""
    kpi = settings.kpi
    bands: dict[str, dict[str, Band]] = {}
    for key, band in settings.bands.items():
        name, where = band_place(key)
        bands.setdefault(where, {})[name] = Band(band.direction, band.high, band.moderate, band.windows)
    return KpiRules(
        service_level_seconds=kpi.service_level_seconds,
        short_abandon_seconds=kpi.short_abandon_seconds,
        queue_service_level_seconds=kpi.queue_service_level_seconds,
        repeat_hours=settings.journey.repeat_hours,
        segment_customers=kpi.segment_customers,
        bands=bands.get("", {}),
        own_bands={where: own for where, own in bands.items() if where},
        service_level=kpi.service_level_variant,
        abandonment=kpi.abandonment_variant,
    )


def band_place(key: str) -> tuple[str, str]:
    """KPI and place of a key of [bands]: 'aht' → everywhere, 'aht@queue' → that cut, 'aht@queue/billing' → that series."""
    name, _, place = key.partition("@")
    cut, *values = place.split("/")
    return name, series_of(cut, *values)


def detect_rules(settings: Settings) -> DetectRules:
    """What detect follows."""
    detect = settings.detect
    return DetectRules(
        cuts=detect.cuts,
        mix_cuts=tuple(cut for cut in detect.mix_cuts if cut in settings.intake.cuts),
        false_alarms_per_day=detect.false_alarms_per_day,
        own_false_alarms_per_day={series_of(*place.split("/")): n for place, n in detect.own_false_alarms_per_day.items()},
        memory_minutes=detect.memory_minutes,
        warm_up_minutes=detect.warm_up_minutes,
        contacts_min=detect.contacts_min,
        ratio_min=detect.ratio_min,
        cool_down_minutes=detect.cool_down_minutes,
        resolve_minutes=detect.resolve_minutes,
        runbook=detect.runbook,
        forecast=forecast_rules(settings),
        contribution=contribution_rules(settings),
        thresholds=threshold_rules(settings),
        held_back=held_back_rules(settings),
        shortage=shortage_rules(settings),
    )


def held_back_rules(settings: Settings) -> HeldBackRules:
    """When nobody is called; the settings were checked."""
    windows = (
        MaintenanceWindow(
            name=name,
            times=LocalTimes(
                weekly=parse_weekly(window.weekly) or (),
                once=tuple(span for text in window.once if (span := parse_once(text)) is not None),
            ),
            series=tuple(series_of(*series.split("/")) for series in window.series),
        )
        for name, window in settings.maintenance.items()
    )
    return HeldBackRules(
        time_zone=settings.merge.time_zone,
        maintenance=tuple(windows),
        quiet=LocalTimes(weekly=parse_weekly(settings.quiet.hours) or ()),
        quiet_below=settings.quiet.below,
    )


def threshold_rules(settings: Settings) -> ThresholdRules:
    """Static limits."""
    rules = (ThresholdRule(name=name, **msgspec.structs.asdict(one)) for name, one in settings.thresholds.items())
    return ThresholdRules(rules=tuple(rules), kpi=kpi_rules(settings))


def contribution_rules(settings: Settings) -> ContributionRules:
    """What contribution analysis follows: of its cuts those that are counted."""
    cuts = tuple(cut for cut in settings.detect.contribution_cuts if cut in settings.intake.cuts)
    return ContributionRules(cuts=cuts, min_cell=settings.privacy.min_cell)


def forecast_rules(settings: Settings) -> ForecastRules:
    """What the forecaster follows."""
    forecast = settings.forecast
    return ForecastRules(
        cuts=forecast.cuts,
        slot_minutes=forecast.slot_minutes,
        days_ahead=forecast.days_ahead,
        series_max=forecast.series_max,
        time_zone=settings.merge.time_zone,
        holidays=ClosedDays(settings.hours),
        calendar_effects=forecast.calendar_effects,
    )


def staffing_rules(settings: Settings) -> StaffingRules:
    """Targets of staffing."""
    staffing, kpi = settings.staffing, settings.kpi
    return StaffingRules(
        share=staffing.service_level,
        within_seconds=kpi.service_level_seconds,
        queue_within_seconds=kpi.queue_service_level_seconds,
        occupancy_max=staffing.occupancy_max,
        shrinkage=staffing.shrinkage,
        patience_seconds=staffing.patience_seconds,
        concurrency=staffing.concurrency,
    )


def shortage_rules(settings: Settings) -> ShortageRules | None:
    """What is said of queues that will be short of people; None where nothing can be: no horizon, no forecast of queues, or
    nobody tells by which channels their contacts come though agents have more than one at once on some."""
    shortage, detect = settings.shortage, settings.detect
    told = (*detect.cuts, *contribution_rules(settings).cuts)
    is_known = all(agents == 1 for agents in settings.staffing.concurrency.values()) or CHANNELS_CUT in told
    if not shortage.horizon_minutes or CUT not in settings.forecast.cuts or not is_known:
        return None
    return ShortageRules(
        staffing=staffing_rules(settings),
        time_zone=settings.merge.time_zone,
        slot_minutes=settings.forecast.slot_minutes,
        horizon_minutes=shortage.horizon_minutes,
        chance=shortage.chance,
        origins=shortage.origins,
        lasting_minutes=shortage.lasting_minutes,
        contacts_min=detect.contacts_min,
        cool_down_minutes=detect.cool_down_minutes,
        severity=shortage.severity,
        runbook=shortage.runbook,
    )


def recommend_rules(settings: Settings) -> RecommendRules:
    """What recommendations follow; fewer contacts at risk than an alert takes aren't worth a word either."""
    recommend = settings.recommend
    return RecommendRules(
        staffing=staffing_rules(settings),
        time_zone=settings.merge.time_zone,
        contacts_min=settings.detect.contacts_min,
        horizon_minutes=recommend.horizon_minutes,
        call_in_minutes=recommend.call_in_minutes,
        callback_share=recommend.callback_share,
        announcement_share=recommend.announcement_share,
    )


def state_rules(settings: Settings, stage: str) -> dict[str, str]:
    """The settings without which a stage's state means something else: panes cut otherwise, windows that close at other times."""
    if stage == "detect":  # minutes are minutes
        return {}
    graces = {f"[merge] grace_{kind}_seconds": str(grace_ms // SECOND_MS) for kind, grace_ms in graces_ms(settings.merge)}
    key = {"fingerprint of [privacy] customer_key": key_fingerprint(customer_key(settings))}  # who is hidden has one name
    own: dict[str, dict[str, str]] = {
        "intake": {"[intake] open_hours": str(settings.intake.open_hours), **key},  # who has timed out is stored
        "journey": {"[journey] repeat_hours": str(settings.journey.repeat_hours)},  # whose W is over is stored
        "agents": {"[agents] state_hours_max": str(settings.agents.state_hours_max), **key},  # until when states count is stored
    }
    return {
        "[intake] pane_seconds": str(settings.intake.pane_seconds),
        "[merge] time_zone": settings.merge.time_zone,
        **graces,
        **own.get(stage, {}),
    }
