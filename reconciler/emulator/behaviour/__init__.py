"""The behaviour of the service: validation of lines, and what tests can configure."""
