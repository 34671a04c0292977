"""Errors of the store."""


class StoreError(Exception):
    """The store cannot be used; the message says what, where, and how to mend it."""
