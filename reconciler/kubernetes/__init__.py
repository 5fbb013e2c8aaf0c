"""The API of Kubernetes, through lightkube, which is imported only on use. Requires the extra ``k8s``."""
