"""Scopes: which branch code runs in, for calls, journal, logs and the timeline."""

import logging
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from temporalio import workflow

from workflows.data.common import SHADOW


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


_scope: ContextVar[Scope] = ContextVar("braid_scope")


def current_scope() -> Scope:
    """Give the scope this code runs in; the outermost one has an empty name."""
    return _scope.get(Scope())


def enter_scope(scope: Scope) -> None:
    """Run the rest of this task inside `scope`."""
    _scope.set(scope)


@dataclass(frozen=True)
class OwnCase:
    """A case of its own within a workflow of many: what is started there has `id` as the scope of
    journal and ledger, may read what `origins` paid for, and pays from `payer` too, if there is.
    A `sequential` one sends one thing at a time.
    """

    id: str
    origins: tuple[str, ...] = ()
    payer: str = ""
    sequential: bool = False


_level: ContextVar[int | None] = ContextVar("braid_level", default=None)


def current_level() -> int | None:
    """Give how urgent this code is, 1 the most of 5; None if nobody said."""
    return _level.get()


def enter_level(level: int) -> None:
    """Run the rest of this task at a level of urgency."""
    _level.set(level)


_case: ContextVar[OwnCase | None] = ContextVar("braid_case", default=None)


def in_shadow() -> bool:
    """Say whether this workflow is a shadow, which changes nothing outside."""
    if not workflow.in_workflow():
        return False
    return SHADOW in workflow.info().headers or workflow.memo_value(SHADOW, default=False) is True


def current_case() -> OwnCase | None:
    """Give the case of its own this code runs in; None where the workflow is the case."""
    return _case.get()


def enter_case(case: OwnCase | None) -> None:
    """Run the rest of this task as a case of its own, or (None) as part of the workflow's."""
    _case.set(case)


class _Log(logging.LoggerAdapter[logging.Logger]):
    """The workflow's log (silent on replay); outside a workflow a plain one."""

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        chosen = workflow.logger if workflow.in_workflow() else self.logger
        chosen.log(level, msg, *args, **kwargs)


log = _Log(logging.getLogger("braid.workflows"), {})


def told(**ids: str) -> dict[str, str]:
    """Give the ids of a log line: the branch it comes from, and those given."""
    return {"branch": current_scope().name, **ids}
