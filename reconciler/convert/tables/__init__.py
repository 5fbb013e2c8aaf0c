"""CSV: which columns there are, and what a row says."""
