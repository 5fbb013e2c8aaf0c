"""
Convert label exports of other tools to JSON Lines manifests.

The output is deterministic: the same input gives the same bytes on every machine, without the clock, the
network or decoding an image, and names are joined to the base without Unicode normalization. What a line
cannot express is reported, never dropped silently. An image with an object that cannot be converted is not
converted at all, since training would treat the object as background. Readers yield images, lines and
problems; `compose` builds the lines, and `core.validation` checks each of them.
"""
