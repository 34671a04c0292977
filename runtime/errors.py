"""Errors of the runtime."""


class NoServer(Exception):
    """No Temporal service answers; the message says what was tried and how to mend it."""
