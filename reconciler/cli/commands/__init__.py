"""
One module a command: its `COMMAND` declares name, summary, example, exit codes, arguments and run.

All of them are imported before it is known which one is wanted, so each imports inside `run` what that needs; a
command of more than a function or two does its work in `reconciler.cli.handlers`.
"""
