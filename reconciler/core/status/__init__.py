"""What is known of a dataset: results, summaries, conditions."""
