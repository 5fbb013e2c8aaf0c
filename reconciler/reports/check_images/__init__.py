"""Renderings of what a check of images found."""
