"""
Data and decisions, without I/O, clock, randomness or logging.

The core returns reasons, which its caller logs. Time and randomness are arguments.
"""
