"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine makes an example slow, not wrong. Each run draws others: sixty keep the whole within minutes.
settings.register_profile(
    "any-machine", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")
