"""The Rekognition operations."""
