"""
Drift as a change of the specs, so that what was labelled in AWS is kept in git.

The law of this package: a line that need not change keeps every byte, and a line that must change keeps its
author's hand: the order of keys, the spaces, the way numbers and letters are written.
"""
