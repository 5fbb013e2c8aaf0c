"""What the commands do with datasets."""
