"""The controller: poll the source, run cycles, publish the status."""
