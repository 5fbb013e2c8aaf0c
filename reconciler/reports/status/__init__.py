"""Renderings of the last known state."""
