"""Parse JSON, XML, class names and manifest attributes, each value with its origin."""
