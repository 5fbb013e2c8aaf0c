"""A declarative reconciler for Amazon Rekognition Custom Labels datasets."""

__version__ = "0.1.0"
