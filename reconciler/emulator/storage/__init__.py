"""Storage of datasets and objects."""
