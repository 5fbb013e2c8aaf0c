"""The controller: poll the source, run cycles, publish what is known."""
