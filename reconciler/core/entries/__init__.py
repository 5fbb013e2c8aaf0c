"""Dataset entries: their lines, identity, equality and index."""
