"""Run git through its command line."""
