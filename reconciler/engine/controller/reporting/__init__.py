"""Report changes beside the cycles: to notification channels, the git host, and objects of Kubernetes."""
