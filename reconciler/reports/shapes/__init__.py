"""The JSON documents, as types."""
