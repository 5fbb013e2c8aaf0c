"""Renderings of what a controller answers to an order."""
