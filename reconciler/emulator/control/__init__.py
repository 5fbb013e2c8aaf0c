"""The control endpoint and the simulated console user."""
