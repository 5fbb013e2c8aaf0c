"""CSV tables: the meaning of their columns and rows."""
