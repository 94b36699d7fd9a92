"""THE list of metrics: every name that worker and ingest expose, with its help text and labels.

Telemetry fills the first part; edge/vitals.py, ingest/telemetry.py and edge/prometheus.py fill the others. Units are base units;
counters end in `_total`. The surprise: business counters are today's exact totals from the state, so they survive a restart and
begin again at midnight, as counters may.
"""

from typing import Final, NamedTuple

from streams.core.measure import HANDLE_BOUNDARIES_MS, WAIT_BOUNDARIES_MS

# A flush takes 5 to 130 ms when all is well and stretches to a second under load.
FLUSH_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A collection of young objects takes microseconds, one of a million old ones some hundred milliseconds.
PAUSE_BOUNDARIES: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
# Two flushes and a publication make half a second; beyond 3 s the board says stale.
FRESHNESS_BOUNDARIES: Final = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
WAIT_BOUNDARIES: Final = tuple(boundary / 1000 for boundary in WAIT_BOUNDARIES_MS)
HANDLE_BOUNDARIES: Final = tuple(boundary / 1000 for boundary in HANDLE_BOUNDARIES_MS)


class Metric(NamedTuple):
    """One metric: its full name, what it says, its labels."""

    name: str
    text: str
    labels: tuple[str, ...] = ()


# The pipeline.
CONSUMED = Metric("streams_events_consumed_total", "Records read from Kafka.", ("topic",))
ACCEPTED = Metric("streams_events_accepted_total", "Events that changed the state of an interaction.")
REJECTED = Metric("streams_events_rejected_total", "Records refused as bad input.", ("reason",))
LATE = Metric("streams_events_late_total", "Events too late for a window that they belong to.", ("window",))
TOO_LATE = Metric("streams_events_too_late_total", "Events too late for every window.")
LATE_CHANGES = Metric(
    "streams_late_changes_total", "Series of a pane that woke too late for a window, after its partition was idle.", ("window",)
)
CAPPED = Metric("streams_series_capped_total", "Series counted as 'other' because their cut is full.", ("cut",))
DUPLICATE = Metric("streams_events_duplicate_total", "Events seen before.")
CONTRADICTIONS = Metric("streams_contradictions_total", "Facts of an interaction that contradict each other.", ("kind",))
WATERMARK = Metric("streams_watermark_timestamp_seconds", "Event time up to which the stage has seen everything.", ("stage",))
LAG = Metric("streams_consumer_lag_records", "Records in Kafka that are not applied yet.", ("topic", "partition"))
FLUSH = Metric("streams_flush_seconds", "Time to make state, outputs and offsets durable.", ("stage",))
RECOVERY = Metric("streams_recovery_seconds", "Time to read the state back at the last assignment.", ("stage",))
ENTRIES = Metric("streams_state_entries", "Entries in the state of the stage on this worker.", ("stage",))
REBALANCES = Metric("streams_rebalances_total", "Times that partitions came to or went from the stage here.", ("stage",))
PARTITIONS = Metric("streams_assigned_partitions", "Partitions that this worker owns.", ("stage",))
PARTIALS_SENT = Metric("streams_partials_sent_total", "Frames of pane changes sent from intake and journey to merge.")
CONTACTS_IGNORED = Metric("streams_contacts_ignored_total", "Customers' contacts that journey didn't follow.", ("kind",))
AGENT_STATES = Metric("streams_agent_states_total", "States of agents by what became of them.", ("outcome",))
WINDOWS_CLOSED = Metric("streams_windows_closed_total", "Windows made final, summed over series.", ("window",))
FRESHNESS = Metric("streams_freshness_seconds", "From reading an event to publishing its trend.")
PUBLISHER_UP = Metric("streams_publisher_up", "1 while the publisher's other side takes what it is given.", ("publisher",))
PUBLISHER_FAILURES = Metric("streams_publisher_failures_total", "Failed tries to hand over.", ("publisher",))
PUBLISHER_WAITING = Metric("streams_publisher_waiting_records", "Records that wait to be handed over.", ("publisher",))
PUBLISHER_DROPPED = Metric("streams_publisher_dropped_total", "Records given up because too many waited.", ("publisher",))
HEARTBEAT = Metric("streams_heartbeat_timestamp_seconds", "When the stage last gave a sign of life.", ("stage",))
BUILD_INFO = Metric("streams_build_info", "1; the version that runs.", ("version",))
CONFIG_INFO = Metric("streams_config_info", "1; the fingerprint of the settings in force.", ("fingerprint",))

PIPELINE: Final = (
    CONSUMED,
    ACCEPTED,
    REJECTED,
    LATE,
    TOO_LATE,
    LATE_CHANGES,
    CAPPED,
    DUPLICATE,
    CONTRADICTIONS,
    WATERMARK,
    LAG,
    FLUSH,
    RECOVERY,
    ENTRIES,
    PARTITIONS,
    REBALANCES,
    PARTIALS_SENT,
    CONTACTS_IGNORED,
    AGENT_STATES,
    WINDOWS_CLOSED,
    FRESHNESS,
    PUBLISHER_UP,
    PUBLISHER_FAILURES,
    PUBLISHER_WAITING,
    PUBLISHER_DROPPED,
    HEARTBEAT,
    BUILD_INFO,
    CONFIG_INFO,
)

# The engine and the process, as they are when somebody looks: edge/vitals.py.
UNDER_WAY = Metric("streams_batches_under_way", "Record batches read but not yet taken by an agent.", ("stage",))
STATE_BYTES = Metric("streams_state_bytes", "Keys and values in the state of the stage on this worker.", ("stage",))
HELD = Metric("streams_backpressure_seconds_total", "How long a full pipeline kept the stage from reading.", ("stage",))
ABORTED = Metric("streams_transactions_aborted_total", "Flushes given up, whether written again or not.", ("stage",))
PAUSES = Metric("streams_gc_pause_seconds", "How long Python's collector of cyclic garbage held up everything.", ("generation",))

VITALS: Final = (UNDER_WAY, STATE_BYTES, HELD, ABORTED, PAUSES)

# The ingest service: ingest/telemetry.py. Answers take as long as Kafka takes to acknowledge.
ANSWER_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
PUSHES = Metric("streams_ingest_requests_total", "Requests answered.", ("source", "status"))
PUSHED_EVENTS = Metric("streams_ingest_events_total", "Events written to Kafka.", ("source",))
PUSHES_REFUSED = Metric("streams_ingest_rejected_total", "Payloads refused as bad input.", ("source", "reason"))
PUSHES_APPLIED = Metric(
    "streams_ingest_rules_total", "Rules of a source that were applied, e.g. what it doesn't count.", ("source", "rule")
)
PUSHES_UNDER_WAY = Metric("streams_ingest_under_way", "Requests that wait for an answer now.")
ANSWERS = Metric("streams_ingest_answer_seconds", "From a request to its answer.")

INGEST: Final = (PUSHES, PUSHED_EVENTS, PUSHES_REFUSED, PUSHES_APPLIED, PUSHES_UNDER_WAY, ANSWERS)

# The business. One consistent set: contacts by channel and queue, so that sums over a label are true.
_PLACE = ("channel", "queue")
_WATCHED = ("cut", "channel", "queue")
OFFERED = Metric("streams_contacts_offered_total", "Contacts that came in today.", _PLACE)
QUEUED = Metric("streams_contacts_queued_total", "Contacts that entered a queue today.", _PLACE)
ANSWERED = Metric("streams_contacts_answered_total", "Contacts answered today.", _PLACE)
ABANDONED = Metric("streams_contacts_abandoned_total", "Contacts abandoned in a queue today, short ones included.", _PLACE)
SHORT_ABANDONED = Metric("streams_contacts_short_abandoned_total", "Contacts abandoned today within the short limit.", _PLACE)
ANSWERED_IN_TARGET = Metric("streams_contacts_answered_in_target_total", "Contacts answered today within the target.", _PLACE)
ABANDONED_IN_TARGET = Metric("streams_contacts_abandoned_in_target_total", "Contacts abandoned today within the target.", _PLACE)
KNOWN = Metric("streams_contacts_known_total", "Contacts of known customers that ended today.", _PLACE)
REPEATED = Metric("streams_contacts_repeated_total", "The part of them that followed another of the customer within W.", _PLACE)
MATURED = Metric("streams_first_contacts_matured_total", "First contacts whose W was over today.", _PLACE)
MATURED_FOLLOWED = Metric("streams_first_contacts_followed_total", "The part of them that was followed within W.", _PLACE)
WAIT = Metric("streams_wait_seconds", "Wait of the contacts answered today.", _PLACE)
HANDLE = Metric("streams_handle_seconds", "Talk, hold and wrap-up of the contacts handled today.", _PLACE)
IN_QUEUE = Metric("streams_contacts_in_queue", "Contacts that wait in a queue now.", _PLACE)
OLDEST_WAIT = Metric("streams_oldest_wait_seconds", "Wait so far of the contact that has waited longest.", _PLACE)
AGENTS = Metric(
    "streams_agents",
    "Agents now, by what they do; in cut queue those who serve it, one of two queues in each.",
    ("cut", "queue", "state"),
)
OCCUPANCY = Metric("streams_occupancy_ratio", "Share of agents' time on and after contacts in half an hour.", ("cut", "queue"))
CSAT = Metric("streams_csat_answers_total", "Satisfaction answers today (1-2, 3, 4-5).", (*_PLACE, "score_band"))
NPS = Metric("streams_nps_answers_total", "Recommendation answers today (0-6, 7-8, 9-10).", (*_PLACE, "group"))
OBSERVED = Metric("streams_contacts_observed", "Contacts offered in the last closed minute.", _WATCHED)
EXPECTED = Metric("streams_contacts_expected", "Contacts expected in the last closed minute.", _WATCHED)
EXPECTED_LOW = Metric("streams_contacts_expected_low", "Lower end of the 95 % band of the expected contacts.", _WATCHED)
EXPECTED_HIGH = Metric("streams_contacts_expected_high", "Upper end of the 95 % band of the expected contacts.", _WATCHED)
FORECAST = Metric(
    "streams_contacts_forecast", "Contacts forecast from the last closed slot on, within the horizon.", (*_WATCHED, "horizon")
)
_AHEAD = (*_WATCHED, "ahead")
FORECAST_ERROR = Metric(
    "streams_forecast_error_ratio",
    "Sum of the errors of forecasts made so far ahead, in shares of contacts; last twenty days.",
    _AHEAD,
)
FORECAST_COVERAGE = Metric(
    "streams_forecast_coverage_ratio", "Share of slots within the band told so far ahead; last twenty days.", (*_AHEAD, "band")
)
ALERT_FIRING = Metric("streams_alert_firing", "Alerts that fire now.", ("kind", "severity", "queue", "channel"))
ALERT_ACKNOWLEDGED = Metric(
    "streams_alert_acknowledged", "Alerts that fire now and are acknowledged.", ("kind", "severity", "queue", "channel")
)
ALERT_HELD_BACK = Metric(
    "streams_alert_held_back",
    "Alerts that fire now and for which nobody is called.",
    ("kind", "severity", "queue", "channel"),
)
SERIES_HIDDEN = Metric("streams_series_hidden", "Series that are not exposed because there are too many.")

BUSINESS: Final = (
    OFFERED,
    QUEUED,
    ANSWERED,
    ABANDONED,
    SHORT_ABANDONED,
    ANSWERED_IN_TARGET,
    ABANDONED_IN_TARGET,
    KNOWN,
    REPEATED,
    MATURED,
    MATURED_FOLLOWED,
    WAIT,
    HANDLE,
    IN_QUEUE,
    OLDEST_WAIT,
    AGENTS,
    OCCUPANCY,
    CSAT,
    NPS,
    OBSERVED,
    EXPECTED,
    EXPECTED_LOW,
    EXPECTED_HIGH,
    FORECAST,
    FORECAST_ERROR,
    FORECAST_COVERAGE,
    ALERT_FIRING,
    ALERT_ACKNOWLEDGED,
    ALERT_HELD_BACK,
    SERIES_HIDDEN,
)
