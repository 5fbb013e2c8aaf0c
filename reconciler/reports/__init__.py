"""
Say what was found, to people and to programs.

The law of this package: every report is a pure function of one object of the core, and so are its text, its
JSON and its exit code. Nothing that was read from outside reaches a person's screen as it is.
"""
