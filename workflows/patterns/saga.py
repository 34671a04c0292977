"""Saga: steps that register their undo; on failure or cancellation all is undone in reverse."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from temporalio.exceptions import ActivityError, ApplicationError

from workflows.errors import Misuse, UndoFailed
from workflows.patterns.clock import shielded
from workflows.patterns.tasks import Tasks
from workflows.patterns.undoing import Entry, Ledger, Path
from workflows.patterns.undoing import Undone as Undone
from workflows.scope import Scope, current_scope, enter_scope

T = TypeVar("T")
Undo = Callable[[], Awaitable[Any]]
REFUSED = "EffectRefused"
"""Type of an error that says the other side did nothing: there is nothing to undo."""

_current: ContextVar["Saga | None"] = ContextVar("braid_saga", default=None)


def current_saga() -> "Saga | None":
    """Give the saga, or its section, this code runs in; None if there is none."""
    return _current.get()


def enter_saga(saga: "Saga | None") -> None:
    """Run the rest of this task inside `saga`.

    Whoever enters a section this way answers for it: it is open from now on, and undoing it is up
    to him, as joins do for their branches. A saga that is no section still needs its block.
    """
    if saga is not None and saga._outer is not None:
        saga._open += 1
    _current.set(saga)


class Saga:
    """Use as `async with Saga() as saga`, then `await saga.step(name, do, undo)`.

    An undo must be idempotent and must not mind that its step never took effect: a step that
    failed without a clear refusal may have worked, so its undo runs too. The error that broke the
    saga is raised again after undoing; `undone` says what was undone and what could not be.
    With `tasks` an undo that fails for good becomes a task, and undoing ends only when a person
    said `done`, or `retry` and the undo then worked; without, it is `left_over`.

    Steps are done inside the block: before and after it nobody would undo them. Inside a saga there
    is no other, only its sections (`inside`). A step under way when the block ends is undone.
    """

    def __init__(self, tasks: Tasks | None = None) -> None:
        self._tasks = tasks
        self._outer: Saga | None = None
        self._open = 0
        self._ended = False
        self._path: Path = ()
        self._ledger = Ledger()
        self._marks: dict[str, int] = {}
        self._sections: dict[str, int] = {}
        self._around: list[Saga | None] = []

    def inside(self, name: str, tasks: Tasks | None = None) -> "Saga":
        """Open a section: a branch's part, which may be undone alone.

        What it registers stands in this saga too, in one order over all sections. A second
        section of one name is called `name#2`. `tasks` are this saga's if none are given. Raises
        Misuse without a name.
        """
        _check_name(name, "section")
        section = Saga(tasks or self._tasks)
        section._outer = self
        number = self._sections[name] = self._sections.get(name, 0) + 1
        section._path = (*self._path, name if number == 1 else f"{name}#{number}")
        section._ledger = self._ledger
        return section

    async def step(
        self,
        name: str,
        do: Callable[[], Awaitable[T]],
        undo: Undo | None = None,
        *,
        group: str = "",
        how: str = "",
        again: bool = False,
    ) -> T:
        """Do a step. Its undo is registered once it succeeded, or may have.

        Neighbours of one `group` do not depend on each other and are undone at once. `how` tells a
        person to undo it by hand. `again` says that the step was tried before under its name; its
        undo is still registered once. Raises Misuse, before anything is done, when the name is
        taken or the saga's block was not entered or has ended; a step that was refused or undone
        may be done again. Raises Misuse, after undoing it, if the block ended meanwhile.
        """
        self._check(name, do, undo, about_undo=group or how)
        key = (*self._path, name)
        if key in self._ledger.taken and not again:
            raise Misuse(f"saga step {name!r} stands there twice; rename one")
        free_after_refusal = key not in self._ledger.taken
        self._ledger.taken.add(key)
        entry = None
        if undo is not None:
            entry = Entry(self._path, name, partial(_outside, undo), group, how, self._tasks)
        try:
            value = await do()
        except (Exception, asyncio.CancelledError) as error:
            if not was_refused(error):
                await self._register(entry)
            elif free_after_refusal:
                self._ledger.taken.discard(key)
            raise
        if await self._register(entry):
            raise _overtaken(name)
        return value

    def mark(self, name: str) -> None:
        """Remember this point, for `rollback_to`. Raises Misuse when the name is taken."""
        _check_name(name, "mark")
        if name in self._marks:
            raise Misuse(f"mark {name!r} stands there already; choose another name")
        self._marks[name] = self._ledger.places

    async def rollback_to(self, name: str) -> tuple[Undone, ...]:
        """Undo in reverse what was registered since the mark, so as to go on another way.

        The mark stays, later marks are forgotten. Raises Misuse if there is no such mark, and
        UndoFailed if something could not be undone: then there is no other way.
        """
        if name not in self._marks:
            known = ", ".join(self._marks) or "none was set"
            raise Misuse(f"there is no mark {name!r} to go back to; marks: {known}")
        before = len(self._ledger.undone)
        await self._ledger.undo(self._path, self._marks[name])
        while next(reversed(self._marks)) != name:
            self._marks.popitem()
        undone = self._ledger.ended(self._path, before)
        if left := [f"{u.step} ({u.error})" for u in undone if u.is_left]:
            raise UndoFailed(f"not back at mark {name!r}: {', '.join(left)}; a person must undo it")
        return undone

    async def undo(self) -> tuple[Undone, ...]:
        """Undo everything registered, in reverse order, past failures, each undo once.

        Runs to its end whatever cancellation arrives, which is raised afterwards. Raises UndoFailed
        at the end if a task could not be opened.
        """
        await self._ledger.undo(self._path)
        return self.undone

    def full_name(self, step: str) -> str:
        """Give a step's name with the sections around it."""
        return "/".join((*self._path, step))

    @property
    def registered(self) -> tuple[str, ...]:
        """Steps whose undo is registered and not done yet, in order; a section's by full name."""
        return tuple(e.full_name for e in self._ledger.inside(self._path))

    @property
    def undone(self) -> tuple[Undone, ...]:
        """What became of the undos so far, in the order they ended."""
        return self._ledger.ended(self._path)

    @property
    def left_over(self) -> tuple[Undone, ...]:
        """Undos that failed for good and that nobody finished by hand."""
        return tuple(u for u in self.undone if u.is_left)

    async def __aenter__(self) -> Self:
        self._check_entry()
        self._open += 1
        self._around.append(_current.get())
        _current.set(self)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # Not when an evicted workflow is closed (GeneratorExit): it goes on elsewhere.
        if error is None or isinstance(error, (Exception, asyncio.CancelledError)):
            _current.set(self._around.pop())
            self._open -= 1
            self._ended = not self._open
            await (shielded(self._ledger.settle(self._path)) if error is None else self.undo())

    def _check(self, name: str, do: object, undo: object | None, *, about_undo: str) -> None:
        _check_name(name, "step")
        if not callable(do) or not (undo is None or callable(undo)):
            raise Misuse(f"saga step {name!r}: give functions, not what they return (use partial)")
        if undo is None and about_undo:
            raise Misuse(f"saga step {name!r} tells about its undo but has none; give the undo")
        self._check_not_ended(f"saga step {name!r}")
        if not any(saga._open for saga in self._line()):
            raise Misuse(
                f"saga step {name!r}: nobody entered its saga, so nobody would undo it; write"
                " `async with Saga() as saga` round it"
            )

    def _check_entry(self) -> None:
        """Raise Misuse if nobody would undo, when needed, what is done in this block."""
        if self._outer is None and _current.get() is not None:
            raise Misuse(
                "a saga of its own inside a saga (or a join's branch), which would not undo it;"
                " use current_saga(), or a section of it: current_saga().inside(name)"
            )
        self._check_not_ended("a saga's block")

    def _check_not_ended(self, what: str) -> None:
        if any(saga._ended for saga in self._line()):
            raise Misuse(
                f"{what}: its saga has ended and would not undo it any more; do it inside the"
                " block, and wait there for what goes on (joined.late)"
            )

    def _line(self) -> Iterator["Saga"]:
        """Give this saga and those it is a section of."""
        saga: Saga | None = self
        while saga is not None:
            yield saga
            saga = saga._outer

    async def _register(self, entry: Entry | None) -> bool:
        """Register an undo; if the block has ended meanwhile, undo at once and give True."""
        before = self._ledger.places
        if entry is None:
            return False
        self._ledger.register(entry)
        if not any(saga._ended for saga in self._line()):
            return False
        await shielded(self._undo_late(before))
        return True

    async def _undo_late(self, since: int) -> None:
        enter_scope(Scope(current_scope().name))  # the branch's own may be closed
        await self._ledger.undo(self._path, since)


async def _outside(undo: Undo) -> None:
    """Undo outside any saga: what an undo does is not registered to be undone."""
    enter_saga(None)
    await undo()


def _overtaken(name: str) -> Misuse:
    return Misuse(
        f"saga step {name!r} was under way when its saga's block ended, and was undone; wait inside"
        " the block for what goes on (joined.late)"
    )


def _check_name(name: str, what: str) -> None:
    if not name.strip():
        raise Misuse(f"a {what} needs a name; it says in records and tasks what was done")


def was_refused(error: BaseException) -> bool:
    """Say whether this very call was refused; deeper causes may stand beside other effects."""
    cause = error.cause if isinstance(error, ActivityError) else error
    return isinstance(cause, ApplicationError) and cause.type == REFUSED
