"""Errors of Braid. All derive from ApplicationError: any other exception raised in a workflow
leaves it stuck, retrying its task for ever (see the SDK's workflow failure rules).

    ApplicationError
    └── BraidError
        ├── Misuse            a pattern was put together wrongly; raised before anything runs
        ├── JoinFailed        a join ended by an explicit or default `fail` policy
        ├── CoverageTooLow    a branch's value covers less than the branch must
        ├── DeadlinePassed    a deadline set by the process passed
        ├── ScopeClosed       a branch that was given up asked for another call
        ├── NotInStep         a fused step reached what only a workflow can do
        ├── Refused           a message was refused; says why and how to mend it
        ├── SourceSilent      a source of facts gave no answer
        ├── ModelUnavailable  no model of a role's chain gave a usable answer
        ├── ContextTooLarge   what a model must be told does not fit its window; nothing was cut
        ├── BudgetSpent       a budget of the case does not pay for the next call
        ├── SpreadFailed      a spread could not go on; what finished is in the store
        ├── Unresolved        a loop or ladder ended without a value that will do
        ├── Unusable          a function given to a pattern gave what it may not
        ├── StageFailed       a stage of a sequence failed for good; what was done is undone
        ├── AggregateFailed   branches' results do not make up the record they should
        ├── Conflict          a write met a newer version of the record; raised by the activity
        ├── Contested         a record was changed by others at every attempt to change it
        ├── NotGranted        a keeper refused what was asked of it, or did not grant it in time
        ├── LeaseLost         a lease ended before the work under it did
        └── UndoFailed        an undo could not be done; a person must finish it
    ApplicationError, retryable
    └── NotYet                an outside job is not done; raised by the activity that looks at it
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ApplicationErrorCategory,
    ChildWorkflowError,
    FailureError,
    RetryState,
)

NOT_YET = "NotYet"
"""Type of the error that says an outside job is not done."""


class BraidError(ApplicationError):
    """Base of all errors raised in workflow code; its type name travels to the caller."""

    def __init__(self, message: str, *details: Any) -> None:
        super().__init__(message, *details, type=type(self).__name__, non_retryable=True)


class Misuse(BraidError):
    """A pattern was put together wrongly. The message names the mend."""


class JoinFailed(BraidError):
    """A branch failed for good under a policy that lets no join go on.

    `values` holds what the other branches gave, by name, and `undone` what was undone, for whoever
    catches this inside the process. Only `details` travel: a summary by branch, then what was
    undone.
    """

    values: Mapping[str, Any] = MappingProxyType({})
    undone: tuple[Any, ...] = ()


class CoverageTooLow(BraidError):
    """A branch's value covers less than the branch must."""


class DeadlinePassed(BraidError):
    """A deadline set by the process passed."""


class ScopeClosed(BraidError):
    """A branch that was given up asked for another call."""


class NotInStep(BraidError):
    """A fused step reached what only a workflow can do: a gate, signal, timer or child workflow."""


class Refused(BraidError):
    """A message was refused; says why and how to mend it."""

    @property
    def kind(self) -> dict[str, str]:
        """Tell it as a log may: the gate and the kind of reason, never who said what."""
        details: Any = self.details[0] if self.details else {}
        return {name: str(details.get(name, "unknown")) for name in ("gate", "why")}


class SourceSilent(BraidError):
    """A source of facts gave no answer; says which and why."""


class ModelUnavailable(BraidError):
    """No model of a role's chain gave a usable answer."""


class BudgetSpent(BraidError):
    """A budget does not pay for the next call; nothing was sent.

    `details` hold one mapping: `budget`, its `unit`, and as text what is `left` and was `needed`.
    """


class ContextTooLarge(BraidError):
    """What a model must be told does not fit its window. Nothing was sent, and nothing cut."""


class SpreadFailed(BraidError):
    """A spread could not go on; what finished is in the store, and a redrive does the rest."""


class Unresolved(BraidError):
    """A loop or a ladder ended without a value that will do, and nothing else was declared."""


class Unusable(BraidError):
    """A function given to a pattern raised, or gave what it may not; the message names it."""


class StageFailed(BraidError):
    """A stage of a sequence failed for good; what the sequence did was undone."""


class AggregateFailed(BraidError):
    """Branches' results do not make up the record they should; says which and why."""


class Conflict(BraidError):
    """The record is not at the version sent any more; the activity that writes it raises this."""


class Contested(BraidError):
    """Others changed the record at every attempt to change it."""


class NotGranted(BraidError):
    """A keeper refused what was asked of it, or did not grant it in time."""


class LeaseLost(BraidError):
    """A lease ended before the work under it did; others may hold the resources by now."""


class UndoFailed(BraidError):
    """An undo could not be done; a person must finish it."""


class NotYet(ApplicationError):
    """An outside job is not done yet. Raised by an activity; `patient` has it tried again.

    `after` is the other side's wish when to ask again; None leaves it to the process's interval.
    """

    def __init__(self, message: str, *, after: timedelta | None = None) -> None:
        super().__init__(
            message,
            type=NOT_YET,
            next_retry_delay=after,
            category=ApplicationErrorCategory.BENIGN,  # no failure worth a warning
        )


def not_yet(error: BaseException) -> ApplicationError | None:
    """Give the NotYet that a Call ended with, or that its door raised; None for anything else."""
    said = error.cause if isinstance(error, ActivityError) else error
    return said if isinstance(said, ApplicationError) and said.type == NOT_YET else None


def budget_spent(error: BaseException) -> "BudgetSpent | None":
    """Give the BudgetSpent that a Call or a child case ended with; None for anything else."""
    said = error.cause if isinstance(error, ActivityError | ChildWorkflowError) else error
    if isinstance(said, ApplicationError) and said.type == BudgetSpent.__name__:
        return BudgetSpent(said.message, *said.details)
    return None


def usd_of(error: BaseException | None) -> Decimal:
    """Give what unusable replies cost, where the error says it (as ModelUnavailable does)."""
    details = error.details if isinstance(error, ApplicationError) else ()
    told = details[0] if details else None
    return Decimal(str(told["usd"])) if isinstance(told, dict) and "usd" in told else Decimal(0)


def asked_of_sdk(error: BaseException | None) -> str:
    """Name the function of the SDK that was used where there is no workflow; empty if none was.

    As `workflow.sleep`. Looks through causes: whoever passes such an error on wraps it.
    """
    while error is not None and not isinstance(error, workflow._NotInWorkflowEventLoopError):
        error = error.__cause__
    trace = None if error is None else error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__", "").startswith(workflow.__name__):
            return f"workflow.{frame.f_code.co_name}"
        trace = trace.tb_next
    return "" if error is None else "something of temporalio.workflow"


def reason(error: BaseException) -> str:
    """Say in one line why something failed: the innermost cause, without stack or wrapper."""
    cause: BaseException = error
    while isinstance(cause, ActivityError | ChildWorkflowError) and cause.cause is not None:
        cause = cause.cause
    text = cause.message if isinstance(cause, ApplicationError) else str(cause)
    kind = (
        cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
    )
    return f"{kind}: {text}" if text else kind


def reasons(errors: Sequence[BaseException]) -> str:
    """Join the reasons of several errors."""
    return "; ".join(reason(e) for e in errors)


# ---- errors of fused steps: they cross from the activity into the workflow unchanged ----------

CALL_FAILED = "CallFailed"
"""Type of an error that stands for the ActivityError of a Call inside a fused step."""


def call_failed(call: str, cause: ApplicationError) -> ActivityError:
    """Make the error a Call raises when it failed for good, where no activity was scheduled."""
    error = ActivityError(
        f"call {call} failed",
        scheduled_event_id=0,
        started_event_id=0,
        identity="",
        activity_type=call,
        activity_id="",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    error.__cause__ = cause
    return error


def sent_out(error: FailureError) -> ApplicationError:
    """Make of an error in a fused step the one its activity fails with, once and for all."""
    if isinstance(error, ActivityError) and isinstance(error.cause, ApplicationError):
        cause = error.cause
        details = (error.activity_type, cause.type, cause.message, list(cause.details))
        return ApplicationError(reason(error), *details, type=CALL_FAILED, non_retryable=True)
    kind, more = type(error).__name__, list[Any]()
    if isinstance(error, ApplicationError):
        kind, more = error.type or kind, list(error.details)
    return ApplicationError(error.message, *more, type=kind, non_retryable=True)


def raised_inside(error: ActivityError) -> Exception:
    """Give the error a fused step raised inside its activity; the activity's own if there is none.

    What an error carried besides message and details (the values of JoinFailed) stays behind.
    """
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return error  # cancelled, timed out: nothing of the step's own
    if cause.type == CALL_FAILED:
        call, kind, text, details = cause.details
        failed = ApplicationError(text, *details, type=kind, non_retryable=True)
        return call_failed(call, failed)
    known = {c.__name__: c for c in BraidError.__subclasses__()}
    if cause.type in known:
        return known[cause.type](cause.message, *cause.details)
    return cause


def misfits(error: ValidationError) -> str:
    """Say in words what does not fit its record, and where; never what was given."""
    wrong = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
