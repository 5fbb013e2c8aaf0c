"""Turn desired and observed entries into a plan, its batches, and the listing calls that verify it."""
