"""A real API server of Kubernetes: what is applied to it, and replicas that share the datasets through it."""
