"""Parse JSON, XML, tables, shapes, class names and manifest attributes, each value with its origin."""
