"""Renderings of a plan."""
