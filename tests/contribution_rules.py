"""Rules of contribution analysis for tests: none, and as config/default.toml has them."""

from streams.core.contribution_rows import ContributionRules

CUTS = (
    "queue",
    "channel",
    "issue",
    "product",
    "segment",
    "region",
    "language",
    "channel+queue",
    "channel+issue",
    "issue+region",
)
CONTRIBUTION = ContributionRules(cuts=CUTS, min_cell=5)
NO_CONTRIBUTION = ContributionRules(cuts=(), min_cell=0)
