"""The work of larger commands; each handler is imported when its command runs."""
