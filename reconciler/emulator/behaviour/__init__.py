"""How the service behaves: what it makes of lines, and what tests can change about it."""
