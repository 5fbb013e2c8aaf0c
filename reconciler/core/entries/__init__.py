"""What an entry is, and when two entries are the same."""
