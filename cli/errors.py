"""Errors of the command line, each with its exit code."""

OK, FAILED, BAD_INPUT, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130


class Trouble(Exception):
    """Something the person can mend. The message says what, where and how."""

    code = FAILED


class NotCounted(Trouble):
    """A decision was refused by its case."""


class NoAnswer(Trouble):
    """No worker answered in time: whether it was taken is not known."""


class BadInput(Trouble):
    """What was given cannot be used."""

    code = BAD_INPUT
