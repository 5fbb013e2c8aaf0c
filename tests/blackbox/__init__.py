"""
The command line as a real process, judged from outside against the public contract.

Shares no code with the project: its own stand-in for AWS (`standin`), its own opinion of manifest lines
(`judge`), its own shapes of the JSON documents (`shapes`). Every process that a test starts has its JSON
checked key by key; every stand-in counts what no client may do.

A test takes seconds, most of them spent at the pace that AWS allows. The default run takes one of each kind;
`pytest tests/blackbox -m "slow or not slow" -n 3` runs all.
"""
