"""The documents of a spec tree: what may be written, and what it means."""
