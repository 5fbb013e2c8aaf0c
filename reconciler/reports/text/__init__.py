"""Reports for a terminal: short where all is well, exact where it is not, safe whatever they hold."""
