"""Where replicas agree on who writes: a Lease of Kubernetes. Needs the extra ``k8s``."""
