"""Renderings of what the datasets of a spec tree teach."""
