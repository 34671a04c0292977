"""Undoing: the one ledger a saga and its sections share, and how it is worked off backwards."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from workflows.data.common import Verdict
from workflows.errors import Misuse, UndoFailed, reason, reasons
from workflows.patterns.clock import shielded
from workflows.patterns.tasks import Tasks
from workflows.scope import current_scope, enter_scope, log, told

Path = tuple[str, ...]
"""Names of the sections down to one; empty for the saga itself."""


@dataclass(frozen=True)
class Undone:
    """What became of one undo; `error` empty means done, `by` who finished it by hand."""

    step: str
    error: str = ""
    by: str = ""

    @property
    def is_left(self) -> bool:
        """Whether the effect may still be there."""
        return bool(self.error) and not self.by


@dataclass(eq=False)
class Entry:
    """A registered undo, of `step` in the section `path`; `undoing` once it has begun."""

    path: Path
    step: str
    undo: Callable[[], Awaitable[Any]]
    group: str
    how: str
    tasks: Tasks | None
    place: int = 0
    undoing: asyncio.Task[Exception | None] | None = None

    @property
    def full_name(self) -> str:
        """The step with its sections."""
        return "/".join((*self.path, self.step))

    @property
    def undo_name(self) -> str:
        """What the undo is called: as a branch, and as the gate if a person must do it."""
        return f"undo {self.full_name}"

    @property
    def company(self) -> tuple[Path, str, int]:
        """Equal for neighbours that may be undone at once."""
        return (self.path, self.group, 0 if self.group else self.place)


@dataclass(eq=False)
class Ledger:
    """Undos in the order they were registered, over all sections, and what became of them.

    `taken` holds the names of steps that were done and not undone.
    """

    entries: list[Entry] = field(default_factory=list)
    undone: list[tuple[Path, Undone]] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)
    places: int = 0

    def register(self, entry: Entry) -> None:
        """Add an undo at the end, unless its step has one that waits."""
        if entry.full_name not in [e.full_name for e in self.entries if e.undoing is None]:
            self.places += 1
            entry.place = self.places
            self.entries.append(entry)

    def inside(self, path: Path, since: int = 0) -> list[Entry]:
        """Give what a section and those in it have registered after a place."""
        ours = (e for e in self.entries if e.path[: len(path)] == path)
        return [e for e in ours if e.place > since]

    def ended(self, path: Path, since: int = 0) -> tuple[Undone, ...]:
        """Give what became of a section's undos, leaving out the first `since` of all."""
        return tuple(u for p, u in self.undone[since:] if p[: len(path)] == path)

    async def undo(self, path: Path, since: int = 0) -> None:
        """Undo a section from its end back to a place, whatever cancellation arrives meanwhile.

        Raises Misuse inside an undo of this ledger, UndoFailed if nobody could be asked.
        """
        if self in _busy.get():
            raise Misuse("an undo may not undo the saga it belongs to; leave that to the saga")
        await shielded(self._backwards(path, since))

    async def settle(self, path: Path) -> None:
        """Wait for undos of a section that somebody else has begun: a join, of its losers."""
        while begun := [e.undoing for e in self.inside(path) if e.undoing is not None]:
            await asyncio.gather(*begun)

    async def _backwards(self, path: Path, since: int) -> None:
        """Undo batch by batch; what somebody else has begun is waited for."""
        unasked: list[Exception] = []
        while left := self.inside(path, since)[::-1]:
            batch = list(takewhile(lambda e: e.company == left[0].company, left))
            tasks = [asyncio.ensure_future(e.undoing or self._undo(e)) for e in batch]
            for entry, task in zip(batch, tasks, strict=True):
                entry.undoing = task
            unasked += [error for error in await asyncio.gather(*tasks) if error is not None]
        if unasked:
            raise UndoFailed(f"no task could be opened: {reasons(unasked)}") from unasked[0]

    async def _undo(self, entry: Entry) -> Exception | None:
        """Undo one step, with a person's help if need be; give why nobody could be asked.

        It stands in a branch of its own, so that reports say what its calls undo.
        """
        enter_scope(current_scope().inside(entry.undo_name))
        _busy.set((*_busy.get(), self))
        by, unasked = "", None
        error = await _tried(entry)
        try:
            while error and entry.tasks and not by:
                by = await _settled_by(entry.tasks, entry, error)
                error = error if by else await _tried(entry)
        except Exception as failure:
            unasked = failure
        self.undone.append((entry.path, Undone(entry.full_name, error, by)))
        self.entries.remove(entry)
        self.taken.discard((*entry.path, entry.step))
        return unasked


_busy: ContextVar[tuple[Ledger, ...]] = ContextVar("braid_undoing", default=())
"""Ledgers this code undoes for: it may not wait for them."""


async def _tried(entry: Entry) -> str:
    """Undo; give the reason why it failed, if it did."""
    try:
        await entry.undo()
    except (Exception, asyncio.CancelledError) as error:
        log.error("undo failed", extra=told(step=entry.full_name))
        return reason(error)
    return ""


async def _settled_by(tasks: Tasks, entry: Entry, error: str) -> str:
    """Ask until somebody decides: give who undid it by hand, or nothing to try the undo again."""
    question = (
        f"The undo of step {entry.full_name!r} failed ({error}); its effect may still be there."
        f" By hand: {entry.how or 'not described'}."
        " Say done once it is undone by hand, or retry to have the undo tried again."
    )
    decision = await tasks.settled(entry.undo_name, question, (Verdict.DONE, Verdict.RETRY))
    return decision.by if decision.verdict is Verdict.DONE else ""
