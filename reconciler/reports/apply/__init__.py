"""Renderings of the result of an apply."""
