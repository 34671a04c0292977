"""Records between a spread and its chunks: what is to be done, what may be, and what was."""

import json
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from pydantic import AwareDatetime, Field

from workflows.data.common import JSON, Record
from workflows.data.spread import (
    LISTED,
    MOST_BYTES,
    Item,
    ItemKey,
    ItemResult,
    ItemState,
    SpreadRef,
    Tolerance,
)
from workflows.data.steps import StepSpent

LONGEST_REASON = 500


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

    def result(self, item: Item, *, value: JSON = None, error: str = "") -> ItemResult:
        """Say what became of an item: it gave `value`, or failed with an `error`."""
        if not error and (size := len(json.dumps(value))) > MOST_BYTES:
            value, error = None, f"the result has {size} bytes; give a reference instead"
        return ItemResult(
            key=item.key,
            digest=self.digest(item.request),
            state=ItemState.FAILED if error else ItemState.SUCCEEDED,
            value=value,
            error=error[:LONGEST_REASON],
        )


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

    def id_of(self, key: str) -> str:
        """Give the scope of an item."""
        return self.prefix + key

    def origins_of(self, key: str) -> tuple[str, ...]:
        """Give the scopes of an item whose paid replies it may read."""
        return tuple(origin + key for origin in self.origins)


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

    @property
    def place(self) -> str:
        """The branch its items are done in: that of the process, and the name of the spread."""
        return f"{self.branch}/{self.ref.spread}" if self.branch else self.ref.spread

    def is_news(self, now: "ChunkTally", told: "ChunkTally") -> bool:
        """Say whether a chunk's tally should be told, after the one told last."""
        return (
            now.page_read != told.page_read
            or now.released > told.released
            or now.in_flight != told.in_flight
            or now.settled - told.settled >= self.tell_every
            or now.failed - told.failed >= self.tell_failures
        )


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

    @property
    def left(self) -> int:
        """Items that have not ended."""
        return self.size - self.already - self.settled

    def plus(self, results: Sequence[ItemResult]) -> "ChunkTally":
        """Count what became of items."""
        failed = tuple(r.key for r in results if r.state is ItemState.FAILED)
        return self.model_copy(
            update={
                "succeeded": self.succeeded + len(results) - len(failed),
                "failed": self.failed + len(failed),
                "failed_keys": (*self.failed_keys, *failed)[:LISTED],
            }
        )


class BulkOrder(Record):
    """The items of a chunk whose work is a `step`, for one activity that does them all.

    `tally` is how far the chunk has come, `leave` what it may do. What it may do from then on the
    activity reads in the chunk's history: the signals after the first `heard`. It tells its
    tallies to the workflow `teller`, if one is named.
    """

    step: str
    chunk: ChunkOrder
    items: tuple[Item, ...]
    tally: ChunkTally
    leave: ChunkLeave
    heard: int = 0
    teller: str = ""


class BulkEnd(Record):
    """How far a chunk has come when its activity ends; items are left if it paused or stopped.

    `spent` is what models took in this attempt, None if it asked none.
    """

    tally: ChunkTally
    spent: StepSpent | None = None


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
