"""
Delete a dataset and create it again from a manifest: the only way to remove entries that are not desired.

Nothing is deleted before every observed line is backed up in two places and read back. Every step is on disk
before its first call. From every step the rebuild can be finished, or undone to restore the old entries.

    keeping ─ kept ─ deleting ─ deleted ─ creating ─ filling ─ over
       └────────┴─────── nothing was changed
                          └──────────┴─────────┴────────┴─ undo: delete the new dataset, create from backup
"""
