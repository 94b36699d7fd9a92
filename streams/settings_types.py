"""The types of all settings: one section of config/default.toml each. What one key may hold is said here, and nowhere else.

No defaults here: they live in config/default.toml, which a test compares with these types key by key.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.core.kpi_table import Abandonment, ServiceLevel
from streams.core.trend import WindowKind
from streams.core.wire import Text

PositiveInt = Annotated[int, Meta(gt=0)]
NaturalInt = Annotated[int, Meta(ge=0)]
PositiveFloat = Annotated[float, Meta(gt=0)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+$")]
Port = Annotated[int, Meta(ge=0, le=65535)]


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: frozen, keyword only, no unknown keys."""


class App(_Section, frozen=True):
    name: Name
    worker: str
    data_directory: str


class Kafka(_Section, frozen=True):
    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    sasl_username: str
    sasl_password: str
    ssl_ca_location: str
    ssl_certificate_location: str
    ssl_key_location: str
    session_timeout_seconds: PositiveInt
    transactions: Literal["auto", "on", "off"]
    transaction_timeout_seconds: PositiveInt
    connect_timeout_seconds: PositiveInt
    outage_seconds_max: NaturalInt


class Topics(_Section, frozen=True):
    interactions: Name
    rejected: Name
    late: Name
    contacts: Name
    agents: Name
    partials: Name
    minutes: Name
    trends: Name
    expectations: Name
    alerts: Name
    forecasts: Name
    partitions: PositiveInt
    contact_partitions: PositiveInt
    agent_partitions: PositiveInt
    shards: PositiveInt
    replication_factor: PositiveInt
    min_insync_replicas: PositiveInt
    trend_retention_days: PositiveInt


class Engine(_Section, frozen=True):
    flush_seconds: PositiveFloat
    flush_seconds_max: PositiveFloat
    batch_records: PositiveInt
    batches_under_way: PositiveInt
    fetch_queue_kilobytes: PositiveInt
    kilobytes_under_way: PositiveInt
    disk_stages: tuple[Literal["intake", "journey", "merge", "detect"], ...]
    disk_cache_megabytes: PositiveInt
    warm_replicas: Literal["none", "all"]


class Events(_Section, frozen=True):
    sources: tuple[str, ...]
    ahead_seconds_max: PositiveInt


class Intake(_Section, frozen=True):
    pane_seconds: PositiveInt
    disorder_seconds_max: NaturalInt
    idle_seconds: PositiveInt
    live_seconds: PositiveInt
    linger_minutes: PositiveInt
    open_hours: PositiveInt
    cuts: tuple[str, ...]
    cut_series_max: PositiveInt


class Privacy(_Section, frozen=True):
    customer_key: str
    min_cell: NaturalInt


class Journey(_Section, frozen=True):
    repeat_hours: PositiveInt


class Agents(_Section, frozen=True):
    state_hours_max: PositiveInt


class Merge(_Section, frozen=True):
    time_zone: str
    grace_1m_seconds: NaturalInt
    grace_15m_seconds: NaturalInt
    grace_1h_seconds: NaturalInt
    grace_1d_seconds: NaturalInt
    refresh_seconds: PositiveInt


class Kpi(_Section, frozen=True):
    service_level_seconds: PositiveInt
    service_level_variant: ServiceLevel
    short_abandon_seconds: NaturalInt
    abandonment_variant: Abandonment
    queue_service_level_seconds: dict[str, PositiveInt]
    segment_customers: dict[str, PositiveInt]


class Hours(_Section, frozen=True):
    default: str
    holidays: str
    closed_days: tuple[str, ...]
    queues: dict[str, str]


class Band(_Section, frozen=True):
    direction: Literal["up", "down"]
    high: float
    moderate: float
    windows: tuple[WindowKind, ...]


class Detect(_Section, frozen=True):
    cuts: tuple[str, ...]
    contribution_cuts: tuple[str, ...]
    mix_cuts: tuple[str, ...]
    false_alarms_per_day: PositiveFloat
    memory_minutes: PositiveInt
    warm_up_minutes: PositiveInt
    contacts_min: PositiveInt
    ratio_min: Annotated[float, Meta(gt=1)]
    cool_down_minutes: PositiveInt
    resolve_minutes: PositiveInt
    runbook: str
    own_false_alarms_per_day: dict[str, PositiveFloat]


class Threshold(_Section, frozen=True):
    kpi: str
    cut: str
    values: tuple[str, ...]
    side: Literal["above", "below"]
    limit: float
    clear: float
    minutes: PositiveInt
    of_minutes: Annotated[int, Meta(ge=1, le=60)]
    contacts_min: PositiveInt
    severity: Literal["info", "warning", "critical"]
    runbook: str


class Maintenance(_Section, frozen=True):
    weekly: str
    once: tuple[str, ...]
    series: tuple[str, ...]


class Quiet(_Section, frozen=True):
    hours: str
    below: Literal["warning", "critical"]


class Forecast(_Section, frozen=True):
    cuts: tuple[str, ...]
    slot_minutes: PositiveInt
    days_ahead: Annotated[int, Meta(ge=1, le=31)]
    series_max: PositiveInt
    calendar_effects: bool


class Staffing(_Section, frozen=True):
    service_level: Annotated[float, Meta(gt=0, lt=1)]
    occupancy_max: Annotated[float, Meta(gt=0, le=1)]
    shrinkage: Annotated[float, Meta(ge=0, lt=1)]
    patience_seconds: Annotated[float, Meta(ge=0)]
    concurrency: dict[str, Annotated[float, Meta(ge=1)]]


class Recommend(_Section, frozen=True):
    horizon_minutes: Annotated[int, Meta(ge=15, le=720)]
    call_in_minutes: Annotated[int, Meta(ge=0, le=720)]
    callback_share: Annotated[float, Meta(ge=0, le=1)]
    announcement_share: Annotated[float, Meta(ge=0, le=1)]


class Shortage(_Section, frozen=True):
    horizon_minutes: Annotated[int, Meta(ge=0, le=720)]
    chance: Annotated[float, Meta(gt=0.5, lt=1)]
    origins: PositiveInt
    lasting_minutes: NaturalInt
    severity: Literal["info", "warning", "critical"]
    runbook: str


class Publish(_Section, frozen=True):
    publish_seconds: PositiveFloat
    redis_url: str
    redis_expiry_seconds: PositiveInt
    alertmanager_urls: tuple[str, ...]
    retry_seconds_max: PositiveInt


class Worker(_Section, frozen=True):
    host: str
    port: Port


class Board(_Section, frozen=True):
    host: str
    port: Port
    stale_seconds: PositiveFloat
    ack_secret: str


class Ingest(_Section, frozen=True):
    host: str
    port: Port
    public_url: str
    body_kilobytes_max: Annotated[int, Meta(gt=0, le=900)]
    requests_under_way: PositiveInt
    acknowledge_seconds_max: PositiveInt
    retry_seconds: PositiveInt
    unsigned: tuple[str, ...]
    secrets: dict[str, str]


class Names(_Section, frozen=True):
    queue: dict[str, Text]
    issue: dict[str, Text]


class Settings(_Section, frozen=True):
    """Everything that can be set, validated; sections as in config/default.toml."""

    app: App
    kafka: Kafka
    topics: Topics
    engine: Engine
    events: Events
    intake: Intake
    privacy: Privacy
    journey: Journey
    agents: Agents
    merge: Merge
    kpi: Kpi
    hours: Hours
    bands: dict[str, Band]
    detect: Detect
    thresholds: dict[str, Threshold]
    maintenance: dict[str, Maintenance]
    quiet: Quiet
    forecast: Forecast
    staffing: Staffing
    recommend: Recommend
    shortage: Shortage
    publish: Publish
    worker: Worker
    board: Board
    ingest: Ingest
    names: Names
