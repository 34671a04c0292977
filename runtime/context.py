"""Where an activity runs: for which case, in which branch, on which worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity


@dataclass(frozen=True)
class CallContext:
    """`scope` is the journal's scope (root workflow id), `worker` the identity of the process.

    `origins` are scopes whose paid replies may be read too (a fork's parent, a shadow's origin).
    `tenant`, `weight` and `priority` (1 first, 5 last) are those of the case's Temporal Priority.
    `beat` heartbeats with details; None inside a fused step, which tells its own.
    """

    scope: str
    branch: str
    worker: str
    attempt: int
    origins: tuple[str, ...] = ()
    tenant: str = ""
    weight: float = 1.0
    priority: int = 3
    beat: Callable[[Any], None] | None = field(default=None, compare=False)


_context: ContextVar[CallContext] = ContextVar("braid_call_context")


def call_context() -> CallContext:
    """Give the context of the running activity.

    Outside our interceptor (a bare ActivityEnvironment) it is derived from the activity's info.
    """
    if (known := _context.get(None)) is not None:
        return known
    info = activity.info()
    return CallContext(info.workflow_id or info.activity_id, "", "unknown", info.attempt)


def enter_call(context: CallContext) -> None:
    """Run the rest of this task in `context`."""
    _context.set(context)


@contextmanager
def within_call(context: CallContext) -> Iterator[None]:
    """Run the block in `context`: a Call inside a fused step."""
    token = _context.set(context)
    try:
        yield
    finally:
        _context.reset(token)
