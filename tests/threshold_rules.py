"""Thresholds for tests: none, with KPIs as config/default.toml has them."""

from streams import rules, settings
from streams.core.held_back import HeldBackRules, HeldBacks
from streams.core.threshold import ThresholdRules

NO_THRESHOLDS = ThresholdRules(rules=(), kpi=rules.kpi_rules(settings.load([], {})))
NEVER_HELD_BACK = HeldBacks(HeldBackRules())
