"""Renderings of a preflight."""
