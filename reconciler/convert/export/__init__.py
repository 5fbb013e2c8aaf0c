"""The way out: lines become images with labels, and what a format cannot carry of them is counted and named."""
