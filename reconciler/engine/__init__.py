"""
The imperative shell: it executes the decisions of the core through ports.

Start with `dataset.reconcile`.
"""
