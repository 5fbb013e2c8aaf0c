"""YAML, read strictly and edited in place."""
