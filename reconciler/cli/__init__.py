"""
The command line: parse, wire, print, exit.

The only floor that makes clients, reads the environment, writes to the terminal, and ends the process.
Heavy imports stand where they are used: help, completion and validation never load the AWS SDK.
"""
