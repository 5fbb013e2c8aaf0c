"""The part of S3 that manifests and images need."""
