"""
What others can ask of a running controller, over HTTP.

Its law: it answers from what is known already, and never waits for AWS or for a worker.
"""
