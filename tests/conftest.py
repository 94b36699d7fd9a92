"""For all tests. Hypothesis has no deadline: a busy machine isn't a defect, and time is measured in tests/bench."""

from hypothesis import settings
from laws import DEFAULT, examples

settings.register_profile("streams", examples(DEFAULT), deadline=None)
settings.load_profile("streams")
