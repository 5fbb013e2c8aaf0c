"""Renderings of what changes between two revisions."""
