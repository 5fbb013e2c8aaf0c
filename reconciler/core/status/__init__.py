"""The state of a dataset: results, summaries, conditions."""
