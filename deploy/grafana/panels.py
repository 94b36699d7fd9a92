"""What is on the dashboards: rows of panels and their queries, as data; dashboards.py turns them into Grafana's JSON.

The surprise: stat panels divide today's totals, because the counters are today's exact totals; time series use rates.
"""

from panel import PLACE, RATE, Query, Row, figure, lines, quantile_by, rate_by, total

NOW = Row(
    "Now",
    (
        figure("In queue", total("streams_contacts_in_queue"), "Contacts that wait for an answer now."),
        figure("Oldest wait", f"max(streams_oldest_wait_seconds{PLACE})", "Of those that wait now.", "s", (120, 300), True),
        figure(
            "Offered today",
            total("streams_contacts_offered_total"),
            "Contacts that came in since midnight of the pipeline's time zone.",
        ),
        figure(
            "Service level today",
            f"({total('streams_contacts_answered_in_target_total')} + {total('streams_contacts_abandoned_in_target_total')})"
            f" / {total('streams_contacts_queued_total')}",
            "Variant A: answered or abandoned within the target, of those who queued.",
            "percentunit",
            (0.8, 0.7),
        ),
        figure(
            "Abandonment today",
            f"({total('streams_contacts_abandoned_total')} - {total('streams_contacts_short_abandoned_total')})"
            f" / ({total('streams_contacts_queued_total')} - {total('streams_contacts_short_abandoned_total')})",
            "Of those who queued; short abandons count in neither.",
            "percentunit",
            (0.05, 0.08),
            True,
        ),
        figure(
            "ASA today",
            f"{total('streams_wait_seconds_sum')} / {total('streams_wait_seconds_count')}",
            "Mean wait of the answered.",
            "s",
            (20, 60),
            True,
        ),
        figure(
            "AHT today",
            f"{total('streams_handle_seconds_sum')} / {total('streams_handle_seconds_count')}",
            "Mean talk, hold and wrap-up.",
            "s",
        ),
        figure(
            "Alerts firing",
            "sum(streams_alert_firing)",
            "Spikes, dips and outages that detect has found.",
            "short",
            (0.5, 2.5),
            True,
        ),
    ),
)

CONTACTS = Row(
    "Contacts",
    (
        lines(
            "Actual against expected",
            "All contacts of the last closed minute, what was expected and its 95 % band.",
            "short",
            Query('sum(streams_contacts_observed{cut="total"})', "actual"),
            Query('sum(streams_contacts_expected{cut="total"})', "expected"),
            Query('sum(streams_contacts_expected_low{cut="total"})', "band, low"),
            Query('sum(streams_contacts_expected_high{cut="total"})', "band, high"),
        ),
        lines("Offered by queue", "Per minute.", "short", Query(rate_by("queue", "streams_contacts_offered_total"), "{{queue}}")),
        lines(
            "Offered by channel",
            "Per minute.",
            "short",
            Query(rate_by("channel", "streams_contacts_offered_total"), "{{channel}}"),
        ),
        lines(
            "Answered by queue", "Per minute.", "short", Query(rate_by("queue", "streams_contacts_answered_total"), "{{queue}}")
        ),
        lines(
            "Abandoned by queue",
            "Per minute, short ones included.",
            "short",
            Query(rate_by("queue", "streams_contacts_abandoned_total"), "{{queue}}"),
        ),
        lines(
            "Alerts firing",
            "By kind and severity.",
            "short",
            Query("sum by (kind, severity) (streams_alert_firing)", "{{kind}}, {{severity}}"),
        ),
    ),
)

WAITING = Row(
    "Waiting and handling",
    (
        lines("In queue", "By queue.", "short", Query(f"sum by (queue) (streams_contacts_in_queue{PLACE})", "{{queue}}")),
        lines("Oldest wait", "By queue.", "s", Query(f"max by (queue) (streams_oldest_wait_seconds{PLACE})", "{{queue}}")),
        lines(
            "Service level, 30 minutes",
            "Variant A, by queue, all channels; empty where nobody queued.",
            "percentunit",
            Query('queue:streams_service_level:ratio_rate30m{queue=~"$queue"}', "{{queue}}"),
        ),
        lines(
            "Wait of the answered",
            "Median and 9 of 10, from exact buckets.",
            "s",
            Query(quantile_by("", 0.5, "streams_wait_seconds", PLACE), "half within"),
            Query(quantile_by("", 0.9, "streams_wait_seconds", PLACE), "9 of 10 within"),
        ),
        lines(
            "Handle time",
            "Median and 9 of 10, from exact buckets.",
            "s",
            Query(quantile_by("", 0.5, "streams_handle_seconds", PLACE), "half within"),
            Query(quantile_by("", 0.9, "streams_handle_seconds", PLACE), "9 of 10 within"),
        ),
        lines(
            "Satisfaction answers today",
            "By score: 1 and 2, 3, 4 and 5.",
            "short",
            Query(f"sum by (score_band) (streams_csat_answers_total{PLACE})", "{{score_band}}"),
        ),
    ),
)

FORECASTS = Row(
    "Forecasts, from the second day on",
    (
        lines(
            "To come",
            "All contacts expected from the last closed slot on.",
            "short",
            Query('sum by (horizon) (streams_contacts_forecast{cut="total"})', "within {{horizon}}"),
        ),
        lines(
            "To come by queue",
            "Contacts expected from the last closed slot on.",
            "short",
            Query(
                'max by (queue, horizon) (streams_contacts_forecast{queue!="", queue=~"$queue"})', "{{queue}}, within {{horizon}}"
            ),
        ),
        lines(
            "Within the bands",
            "Share of the total's slots, last twenty days, by how far ahead the band was told; 80 and 95 % are meant.",
            "percentunit",
            Query('max by (ahead, band) (streams_forecast_coverage_ratio{cut="total"})', "{{band}} %, {{ahead}} ahead"),
        ),
        lines(
            "Forecast error",
            "Sum of errors in shares of contacts, last twenty days, by how far ahead.",
            "percentunit",
            Query('max by (ahead) (streams_forecast_error_ratio{cut="total"})', "{{ahead}} ahead"),
        ),
    ),
)

PIPELINE = Row(
    "Pipeline",
    (
        lines(
            "Records read",
            "Per second, by topic.",
            "cps",
            Query(f"sum by (topic) (rate(streams_events_consumed_total[{RATE}]))", "{{topic}}"),
        ),
        lines(
            "Lag",
            "Records in Kafka that are not applied yet.",
            "short",
            Query("sum by (topic) (streams_consumer_lag_records)", "{{topic}}"),
        ),
        lines(
            "Freshness",
            "From reading an event to publishing its trend.",
            "s",
            Query(quantile_by("", 0.5, "streams_freshness_seconds"), "half within"),
            Query(quantile_by("", 0.99, "streams_freshness_seconds"), "99 of 100 within"),
        ),
        lines(
            "Watermark behind the clock",
            "Large in a replay of old data; in a live feed it is the disorder allowed plus a flush.",
            "s",
            Query("max by (stage) (time() - streams_watermark_timestamp_seconds)", "{{stage}}"),
        ),
        lines(
            "Heartbeat age",
            "Beyond 10 s the stage hangs.",
            "s",
            Query("max by (stage, instance) (time() - streams_heartbeat_timestamp_seconds)", "{{stage}} on {{instance}}"),
        ),
        lines(
            "Flush, 99 of 100",
            "State, outputs and offsets become durable.",
            "s",
            Query(quantile_by("stage", 0.99, "streams_flush_seconds"), "{{stage}}"),
        ),
        lines(
            "Held back",
            "Share of the time that a full pipeline keeps a stage from reading; records wait in Kafka meanwhile.",
            "percentunit",
            Query(f"max by (stage) (rate(streams_backpressure_seconds_total[{RATE}]))", "{{stage}}"),
        ),
        lines(
            "Batches under way",
            "Read but not yet taken by an agent, by stage.",
            "short",
            Query("max by (stage) (streams_batches_under_way)", "{{stage}}"),
        ),
        lines(
            "Garbage collection",
            "Share of the time that Python's collector held up everything; generation 2 is all that isn't frozen.",
            "percentunit",
            Query(f"sum by (generation) (rate(streams_gc_pause_seconds_sum[{RATE}]))", "generation {{generation}}"),
        ),
        lines(
            "Refused, late, repeated",
            "Events per second.",
            "cps",
            Query(f"sum by (reason) (rate(streams_events_rejected_total[{RATE}]))", "refused: {{reason}}"),
            Query(f"sum by (window) (rate(streams_events_late_total[{RATE}]))", "late for {{window}}"),
            Query(f"sum(rate(streams_events_duplicate_total[{RATE}]))", "repeated"),
        ),
        lines(
            "Publishers",
            "1 while the other side takes what it is given.",
            "short",
            Query("min by (publisher) (streams_publisher_up)", "{{publisher}}"),
        ),
        lines(
            "Partitions",
            "Owned, by stage and worker.",
            "short",
            Query("sum by (stage, instance) (streams_assigned_partitions)", "{{stage}} on {{instance}}"),
        ),
        lines(
            "Rebalances and aborts",
            "In an hour: partitions came or went; flushes were given up, most of them written again.",
            "short",
            Query("sum by (stage) (increase(streams_rebalances_total[1h]))", "{{stage}}: rebalances"),
            Query("sum by (stage) (increase(streams_transactions_aborted_total[1h]))", "{{stage}}: aborts"),
        ),
        lines("State", "Entries by stage.", "short", Query("sum by (stage) (streams_state_entries)", "{{stage}}")),
        lines(
            "Memory",
            "Of each worker, and of that the state as it is encoded; decoded objects come on top.",
            "bytes",
            Query("max by (instance) (process_resident_memory_bytes)", "{{instance}}"),
            Query("sum by (instance) (streams_state_bytes)", "{{instance}}: state"),
        ),
        lines(
            "Recovery",
            "Time to read the state back at the last assignment.",
            "s",
            Query("max by (stage) (streams_recovery_seconds)", "{{stage}}"),
        ),
        lines(
            "Windows made final",
            "Per second, by length, summed over series.",
            "cps",
            Query(f"sum by (window) (rate(streams_windows_closed_total[{RATE}]))", "{{window}}"),
        ),
    ),
)

ROWS = (NOW, CONTACTS, WAITING, FORECASTS, PIPELINE)
