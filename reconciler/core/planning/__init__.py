"""From desired and observed entries to a plan, its batches, and the calls that prove it."""
