"""Errors of the store."""


class StoreError(Exception):
    """The store cannot be used; the message says what, where, and how to mend it."""


class StoreAway(StoreError):
    """The database does not answer, is busy or full; nothing was written, another try may help."""


class StoreConflict(StoreError):
    """What is to be kept contradicts what is kept under its key; no further try helps."""


class BlobGone(StoreError):
    """No such document is kept, or it is damaged; no further try helps."""
