"""
What moved outside git, as people see images: labels and boxes, not lines.

The law of this package: it takes up what `planning.diff` found different and `planning.cause` attributed, and only
says what kind of difference that is. It never finds a difference of its own, and never loses one.
"""
