"""Read YAML strictly, with a place for every value, and edit it in place."""
