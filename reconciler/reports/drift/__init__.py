"""
Drift, for people and for programs: every rendering is made from one `core.drift.report.Drift`.

What is bounded says what it leaves out; what is read from outside is escaped where it is written.
"""
