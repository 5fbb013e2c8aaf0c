"""Take in the calls of other principals that a queue of events reports."""
