"""As much of S3 as manifests and images need."""
