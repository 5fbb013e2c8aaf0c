"""
Delete a dataset and make it anew from a manifest: the one way to be rid of entries that are not desired.

Its law: nothing is deleted before every observed line is kept in two places and was read back; every step is on
the disk before its first call goes out; from each the rebuild can be finished, or the old entries brought back.

    keeping ─ kept ─ deleting ─ deleted ─ creating ─ filling ─ over
       └────────┴─────── nothing was changed
                          └──────────┴─────────┴────────┴─ undo: delete what was made, create from the old entries
"""
