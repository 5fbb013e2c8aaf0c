"""
The command line: parse, wire, print, exit.

The only layer that creates clients, reads the environment, writes to the terminal, and ends the process.
Heavy imports are local to their use: help, completion and validation never load the AWS SDK.
"""
