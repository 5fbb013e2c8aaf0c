"""Leader election through a Kubernetes Lease. Requires the extra ``k8s``."""
