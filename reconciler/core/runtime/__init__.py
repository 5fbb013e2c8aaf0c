"""Limits, back-off, sharding and leader election: decisions about running, with time and chance as arguments."""
