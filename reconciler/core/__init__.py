"""
Data and decisions. Its law: no I/O, no clock, no randomness, no logging.

The core returns reasons; whoever called it logs them. Time and chance are arguments.
"""
