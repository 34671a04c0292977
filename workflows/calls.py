"""Every door to the world: one typed `Call` per activity, and `ask`, which opens it.

A process writes `await ask(calls.COMPANY, CompanyQuery(...))`. The Call holds the contract
(name, records, queue, timeouts, retries); which code answers is decided in `worker.py`.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.data.common import Record
from workflows.data.effects import AccountOrder, ChatOrder, EffectReceipt, MailOrder
from workflows.data.llm import ModelAnswer, ModelRequest, RoleBook, RoleQuery
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    FactsAnswer,
    FactsQuery,
    FilingsAnswer,
    FilingsQuery,
    LeiAnswer,
    LeiQuery,
    ScreenAnswer,
    ScreenQuery,
)
from workflows.errors import NotInStep, ScopeClosed

In = TypeVar("In", bound=Record)
Out = TypeVar("Out", bound=Record)

MAIN_QUEUE = "braid"
HEARTBEAT = timedelta(seconds=5)


@dataclass(frozen=True)
class Call(Generic[In, Out]):
    """The contract of one activity.

    `timeout` bounds one attempt; `attempts` counts the first. `queue` None means the queue of
    the workflow itself. `version` is part of the journal key: raise it when the same request
    should be asked anew.
    """

    name: str
    input: type[In]
    output: type[Out]
    timeout: timedelta
    attempts: int
    queue: str | None = None
    version: int = 1


@dataclass
class Scope:
    """A stretch of work that can be given up: a branch. Closing it closes all inside it."""

    name: str = ""
    parent: "Scope | None" = None
    closed: bool = False

    def inside(self, name: str) -> "Scope":
        """Open a scope within this one."""
        return Scope(f"{self.name}/{name}" if self.name else name, self)

    def is_closed(self) -> bool:
        """Say whether this scope or one around it was given up."""
        return self.closed or (self.parent is not None and self.parent.is_closed())


Door = Callable[[Call[Any, Any], Record], Awaitable[Record]]

_scope: ContextVar[Scope] = ContextVar("braid_scope")
_door: ContextVar[Door | None] = ContextVar("braid_door", default=None)
_fused: ContextVar[str] = ContextVar("braid_fused_step", default="")


def current_scope() -> Scope:
    """Give the scope this code runs in; the outermost one has an empty name."""
    return _scope.get(Scope())


def enter_scope(scope: Scope) -> None:
    """Run the rest of this task inside `scope`."""
    _scope.set(scope)


@contextmanager
def open_door(door: Door) -> Iterator[None]:
    """Answer every Call inside with `door` instead of an activity (pure tests, fused steps)."""
    token = _door.set(door)
    try:
        yield
    finally:
        _door.reset(token)


async def ask(call: Call[In, Out], request: In, *, queue: str | None = None) -> Out:
    """Open a door to the world and return its answer.

    Raises ActivityError when all attempts failed, ScopeClosed when the branch was given up.
    """
    scope = current_scope()
    if scope.is_closed():
        raise ScopeClosed(f"branch {scope.name!r} was given up and may not call {call.name!r}")
    if (door := _door.get()) is not None:
        return cast(Out, await door(call, request))
    answer = await workflow.execute_activity(
        call.name,
        request,
        result_type=call.output,
        task_queue=on_queue(queue or call.queue),
        start_to_close_timeout=call.timeout,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_retries(call.attempts),
        summary=f"{scope.name}: {queue or call.name}" if scope.name else queue or call.name,
    )
    return cast(Out, answer)


def only_in_workflow(what: str) -> None:
    """Raise NotInStep, naming `what`, if this code runs in a fused step instead of a workflow."""
    if step := _fused.get():
        raise NotInStep(f"{what} is reached inside the fused step {step!r}; run it visibly")


class _Log(logging.LoggerAdapter[logging.Logger]):
    """The workflow's log (silent on replay); outside a workflow a plain one."""

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        chosen = workflow.logger if workflow.in_workflow() else self.logger
        chosen.log(level, msg, *args, **kwargs)


log = _Log(logging.getLogger("braid.workflows"), {})


def told(**ids: str) -> dict[str, str]:
    """Give the ids of a log line: the branch it comes from, and those given."""
    return {"branch": current_scope().name, **ids}


def on_queue(queue: str | None) -> str | None:
    """Name the queue for this deployment: a workflow on `braid-x` uses `llm-openai-x`."""
    if queue is None:
        return None
    return queue + workflow.info().task_queue.removeprefix(MAIN_QUEUE)


def _retries(attempts: int) -> RetryPolicy:
    """Back off from 50 ms (a crash costs an attempt, not a second) up to 30 s."""
    return RetryPolicy(
        initial_interval=timedelta(milliseconds=50),
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=attempts,
    )


def _source(name: str, query: type[In], answer: type[Out]) -> Call[In, Out]:
    return Call(name, query, answer, timeout=timedelta(seconds=30), attempts=5)


RESOLVE_ROLES = Call(
    "resolve_roles", RoleQuery, RoleBook, timeout=timedelta(seconds=10), attempts=10
)
ASK_MODEL = Call(
    "ask_model", ModelRequest, ModelAnswer, timeout=timedelta(minutes=3), attempts=6
)  # its queue is the vendor's, given per call

COMPANY = _source("company_register", CompanyQuery, CompanyAnswer)
LEI = _source("lei_record", LeiQuery, LeiAnswer)
SCREEN = _source("sanctions_search", ScreenQuery, ScreenAnswer)
SCREEN_LIST = _source("sanctions_list_file", ScreenQuery, ScreenAnswer)
FILINGS = _source("filings", FilingsQuery, FilingsAnswer)
FACTS = _source("company_facts", FactsQuery, FactsAnswer)

ACCOUNT = Call(
    "account_service", AccountOrder, EffectReceipt, timeout=timedelta(seconds=30), attempts=8
)
MAIL = Call("send_mail", MailOrder, EffectReceipt, timeout=timedelta(seconds=30), attempts=8)
CHAT = Call("chat_message", ChatOrder, EffectReceipt, timeout=timedelta(seconds=30), attempts=4)

ALL: tuple[Call[Any, Any], ...] = (
    RESOLVE_ROLES,
    ASK_MODEL,
    COMPANY,
    LEI,
    SCREEN,
    SCREEN_LIST,
    FILINGS,
    FACTS,
    ACCOUNT,
    MAIL,
    CHAT,
)
"""Every Call; `worker.py` must answer each (test)."""
