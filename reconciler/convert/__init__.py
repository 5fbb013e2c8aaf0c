"""
Convert labels that other tools exported to JSON Lines.

Its law: the same input gives the same bytes on every machine. No clock, no network, no decoded image; names are
joined to the base unchanged, code point by code point. Whatever a line cannot express is reported, never dropped
silently, and an image with an object that cannot be converted is not converted at all, since training would take
the object for background. A reader yields images, lines and problems; `compose` makes the lines, and
`core.validation` checks every one of them.
"""
