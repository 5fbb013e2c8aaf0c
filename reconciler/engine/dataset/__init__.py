"""One dataset, once: observe, plan, apply, verify, record."""
