"""
Where the desired state comes from. Its law: what cannot be read is a problem with a place, never less desire.
"""
