"""
Labels that were exported elsewhere, as JSON Lines.

Its law: the same input gives the same bytes on every machine. No clock, no network, no image is decoded; names
are joined to the base as they are, code point by code point. What a line cannot carry is never dropped without a
word, and an image of which one object cannot be carried is not converted, since to training the object would not
be there. A reader says what it finds, or what is wrong with it and where; `compose` makes the lines, and
`core.validation` judges every one of them.
"""
