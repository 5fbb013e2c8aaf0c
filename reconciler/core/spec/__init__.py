"""The documents of a spec tree: their schema and their meaning."""
