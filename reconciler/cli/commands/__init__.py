"""
One module for each command; its `COMMAND` declares name, summary, example, exit codes, arguments and run.

All modules are imported for every command, so each imports what it needs inside `run`; larger commands do
their work in `reconciler.cli.handlers`.
"""
