"""Assemble and run the controller from the command line."""
