"""
Classify drift as people see images: by labels and boxes, not lines.

The rule of this package: it classifies the differences that `planning.diff` found and `planning.cause`
attributed. It never adds a difference, and never loses one.
"""
