"""
Render reports for people and programs: each document has a module, or a folder with a module for each format.

A rendering is a pure function of one object of the core. Text from outside reaches a terminal or a page only
escaped. `registry` names the formats.
"""
