"""
The imperative shell: it carries out through ports what the core decided.

Read `reconcile` first. Every module here does one step of it.
"""
