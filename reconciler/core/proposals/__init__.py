"""
Spec patches that take drift from AWS into git, so that labels edited in AWS are kept.

Invariant: a line that need not change keeps every byte; a line that must change keeps its author's formatting
(key order, spaces, notation of numbers, escapes).
"""
