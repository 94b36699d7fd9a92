"""For all tests. Hypothesis has no deadline: a busy machine isn't a defect, and time is measured in tests/bench."""

from hypothesis import settings

settings.register_profile("streams", deadline=None)
settings.load_profile("streams")
