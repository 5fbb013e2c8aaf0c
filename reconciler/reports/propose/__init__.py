"""Renderings of a proposal."""
