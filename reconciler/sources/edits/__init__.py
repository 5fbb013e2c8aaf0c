"""Edits of spec files that keep their authors' formatting."""
