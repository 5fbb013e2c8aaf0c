"""Where output goes, and in which format."""
