"""Where an activity runs: for which case, in which branch, on which worker."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity

HELD_BY = "held_by"
"""In heartbeat details: the service whose limit a call waits for."""
HELD_AFTER = 1.0
"""Seconds a call waits for a permit until it says so."""


@dataclass(frozen=True)
class CallContext:
    """`scope` is the journal's scope (root workflow id), `worker` the identity of the process.

    `call` is the activity's name, or that of the Call inside a fused step.
    `origins` are scopes whose paid replies may be read too (a fork's parent, a shadow's origin).
    `one_at_a_time` says that the case takes turns, a fused step among its own Calls too; `shadow`
    that it changes nothing outside.
    `tenant`, `weight` and `priority` (1 first, 5 last) are those of the case's Temporal Priority.
    `payer` names, as scope and name, a budget of many cases that pays for model calls too.
    `beat` heartbeats with details; None inside a fused step, which tells its own.
    """

    scope: str
    branch: str
    worker: str
    attempt: int
    call: str = ""
    origins: tuple[str, ...] = ()
    tenant: str = ""
    weight: float = 1.0
    priority: int = 3
    payer: str = ""
    one_at_a_time: bool = False
    shadow: bool = False
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


def running_call() -> CallContext | None:
    """Give the context our interceptor, or a fused step, runs this code in, if it does."""
    return _context.get(None)


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


@contextmanager
def held_by(service: str) -> Iterator[None]:
    """Tell by heartbeat that the call waits for a permit of `service`, if the block takes long.

    Otherwise whoever watches would take it for one at work. A fused step tells its own progress.
    """
    beat = known.beat if (known := _context.get(None)) is not None else None
    if beat is None:
        yield
        return
    loop = asyncio.get_running_loop()
    telling = loop.call_later(HELD_AFTER, beat, {HELD_BY: service})
    try:
        yield
    finally:
        telling.cancel()
        if loop.time() >= telling.when():
            beat({})
