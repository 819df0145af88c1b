"""For all tests: Hypothesis without deadlines, because a unit test never fails for its time."""

from hypothesis import HealthCheck, settings

settings.register_profile("exeat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("exeat")
