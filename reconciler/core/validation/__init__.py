"""
Validation of lines and datasets against the rules of AWS, without calling AWS.

A rule is one function that never raises and never repairs; it returns problems, under AWS's own code where
there is one. An error is what the service would drop silently, refuse or mark; a warning is what training
would ignore, or what is suspicious. `line` defines the order of the rules; `fast` is a shortcut for clean
lines.
"""
