"""Records between a spread and its chunks: what is to be done, what may be, and what was."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime, Field

from workflows.data.common import JSON, Record
from workflows.data.spread import ItemKey, SpreadRef, Tolerance


class WorkOrder(Record):
    """The contract of a Call, step or process by its name, for a workflow that cannot import it.

    A process (`child`) is a workflow of its own for each item: it bounds and retries itself.
    """

    kind: Literal["call", "step", "child"]
    name: str
    version: int = 1
    timeout: timedelta = timedelta(0)
    attempts: int = 1
    queue: str | None = None

    def digest(self, request: dict[str, JSON]) -> str:
        """Give the sha256 of this work with this request."""
        parts = [self.kind, self.name, self.version, request]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return sha256(text.encode()).hexdigest()


class ItemSource(Record):
    """Where the items come from: the Call that gives a page, and what it must know."""

    page: WorkOrder
    about: dict[str, JSON] = Field(default_factory=dict)


class OwnCases(Record):
    """Says that each item is a case of its own: `prefix` and its key are the scope of its journal
    and ledger, and the workflow id of a child.

    `origins` are prefixes of earlier runs whose paid replies may be read. `payer` names, as scope
    and name, a budget that every model call of the items waits for. `sequential` cases send one
    thing at a time each.
    """

    prefix: str
    origins: tuple[str, ...] = ()
    payer: str = ""
    sequential: bool = False


class ChunkOrder(Record):
    """One chunk: the items of one page, done with at most `slots` in flight.

    A tally is told after every `tell_every` items, every `tell_failures` failures, and whenever
    a slot is free for good.
    """

    ref: SpreadRef
    run: str
    number: int
    branch: str
    work: WorkOrder
    source: ItemSource
    cases: OwnCases | None = None
    cursor: str
    limit: int
    slots: int
    tell_every: int
    tell_failures: int


class ChunkLeave(Record):
    """What a chunk may do from now on: its slots in all so far, or stop. A paused one starts no
    item; those in flight go on.
    """

    slots: int
    stop: bool = False
    paused: bool = False


class ChunkTally(Record):
    """How far a chunk has come; all numbers count from its start. Also its result.

    `released` counts the slots it will not need again, `in_flight` the items under way, told while
    it pauses. `size`, `next` and `total` are those of
    its page, once it was read.
    """

    number: int
    page_read: bool = False
    size: int = 0
    next: str | None = None
    total: int | None = None
    already: int = 0
    succeeded: int = 0
    failed: int = 0
    failed_keys: tuple[ItemKey, ...] = ()
    released: int = 0
    in_flight: int = 0

    @property
    def settled(self) -> int:
        """Items that ended in this run."""
        return self.succeeded + self.failed


class SpreadSoFar(Record):
    """What a spread carries from run to run: where it stands in its source, and its counts.

    `cursor` None means that the source has no more items.
    """

    run: str = ""
    started: AwareDatetime | None = None
    paused: bool = False
    chunks: int = 0
    cursor: str | None = ""
    total: int | None = None
    seen: int = 0
    already: int = 0
    succeeded: int = 0
    failed: int = 0
    failed_keys: tuple[ItemKey, ...] = ()


class SpreadOrder(Record):
    """A spread, as its workflow takes it. After `chunks_per_run` chunks it continues as new."""

    ref: SpreadRef
    branch: str = ""
    work: WorkOrder
    source: ItemSource
    cases: OwnCases | None = None
    window: int
    chunk: int
    tolerance: Tolerance
    chunks_per_run: int = 50
    so_far: SpreadSoFar = SpreadSoFar()
