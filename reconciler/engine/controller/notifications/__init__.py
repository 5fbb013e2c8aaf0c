"""Report changes to notification channels and to the git host, beside the cycles."""
