"""
Read the desired state from spec files, in a directory or a git repository.

Invariant: what cannot be read is a problem with a place; it never makes the desired state smaller.
"""
