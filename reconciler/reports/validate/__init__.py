"""Renderings of the problems of a spec tree."""
