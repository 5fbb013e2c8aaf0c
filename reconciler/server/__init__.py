"""
The HTTP interface of a running controller: probes, metrics, pages and orders.

Invariant: it answers from what is known already, and never waits for AWS or for a worker.
"""
