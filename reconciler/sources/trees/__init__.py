"""Spec trees: directories, revisions, overlays."""
