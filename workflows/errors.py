"""Errors of Braid. All derive from ApplicationError: any other exception raised in a workflow
leaves it stuck, retrying its task for ever (see the SDK's workflow failure rules).

    ApplicationError
    └── BraidError
        ├── Misuse            a pattern was put together wrongly; raised before anything runs
        ├── JoinFailed        a join ended by an explicit or default `fail` policy
        ├── DeadlinePassed    a deadline set by the process passed
        ├── ScopeClosed       a branch that was given up asked for another call
        ├── NotInStep         a fused step reached what only a workflow can do
        ├── Refused           a message was refused; says why and how to mend it
        ├── ModelUnavailable  no model of a role's chain gave a usable answer
        └── UndoFailed        an undo could not be done; a person must finish it
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from temporalio.exceptions import ActivityError, ApplicationError


class BraidError(ApplicationError):
    """Base of all errors raised in workflow code; its type name travels to the caller."""

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type=type(self).__name__, non_retryable=True)


class Misuse(BraidError):
    """A pattern was put together wrongly. The message names the mend."""


class JoinFailed(BraidError):
    """A branch failed for good under a policy that lets no join go on.

    `values` holds what the other branches gave, by name, for whoever catches this inside the
    process; only `details` (names and statuses) travel.
    """

    values: Mapping[str, Any] = MappingProxyType({})


class DeadlinePassed(BraidError):
    """A deadline set by the process passed."""


class ScopeClosed(BraidError):
    """A branch that was given up asked for another call."""


class NotInStep(BraidError):
    """A fused step reached what only a workflow can do: a gate, signal, timer or child workflow."""


class Refused(BraidError):
    """A message was refused; says why and how to mend it."""


class ModelUnavailable(BraidError):
    """No model of a role's chain gave a usable answer."""


class UndoFailed(BraidError):
    """An undo could not be done; a person must finish it."""


def reason(error: BaseException) -> str:
    """Say in one line why something failed: the innermost cause, without stack or wrapper."""
    cause: BaseException = error
    while isinstance(cause, ActivityError) and cause.cause is not None:
        cause = cause.cause
    text = cause.message if isinstance(cause, ApplicationError) else str(cause)
    kind = (
        cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    )
    return f"{kind}: {text}" if text else kind


def reasons(errors: Sequence[BaseException]) -> str:
    """Join the reasons of several errors."""
    return "; ".join(reason(e) for e in errors)
