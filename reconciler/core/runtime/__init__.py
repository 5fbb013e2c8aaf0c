"""Limits, back-off, sharding and leader election, with time and randomness as arguments."""
