"""Records of a spread: its items, its chunks, its results, and how far it has come."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, RootModel, StringConstraints

from workflows.data.common import JSON, Record

SpreadName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""Lower-case words, digits and dashes. Part of a workflow id."""
ITEM_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$"
ItemKey = Annotated[str, StringConstraints(pattern=ITEM_PATTERN)]
"""The id of an item; it stands in summaries and results, so it names no person."""

MOST_BYTES = 512 * 1024
"""How much JSON one page of items, or one batch of results, may hold (the wire takes 2 MiB)."""
LISTED = 100
"""How many failed keys a summary names; the store has them all."""


class Content(RootModel[dict[str, JSON]]):
    """A record as JSON, where only its meaning's owner knows its type."""

    model_config = ConfigDict(frozen=True)


class SpreadRef(Record):
    """Where the results of a spread are: the journal's scope and the spread's name."""

    scope: str
    spread: SpreadName


class Item(Record):
    """One thing to do: its id and the request that is sent for it."""

    key: ItemKey
    request: dict[str, JSON]


class PageQuery(Record):
    """Asks a source for the items from `cursor` on (empty: from the start), at most `limit`.

    `about` says what else the source must know; it is passed as it was given.
    """

    about: dict[str, JSON] = Field(default_factory=dict)
    cursor: str = ""
    limit: int


class ItemPage(Record):
    """Items of a source. `next` None means these are the last; `total` None means unknown.

    The same query must give the same page, and stay below `MOST_BYTES`.
    """

    items: tuple[Item, ...]
    next: str | None = None
    total: int | None = None


class ItemBatch(Record):
    """Items to keep for the chunks; the first stands at `first` in the list called `list`."""

    scope: str
    list: str
    first: int
    items: tuple[Item, ...]


class KeptList(Record):
    """Names a list of kept items: what a query's `about` says to their source."""

    scope: str
    list: str
    total: int


class Kept(Record):
    """How many rows the store kept."""

    count: int


class ClaimedItem(Record):
    """An item a chunk is about to do; `digest` is that of its work and request."""

    key: ItemKey
    digest: str


class ItemClaim(Record):
    """The items of one chunk, before any is done. `run` tells runs of a spread apart."""

    ref: SpreadRef
    run: str
    chunk: int
    items: tuple[ClaimedItem, ...]


class ItemsClaimed(Record):
    """The keys of items that had succeeded before with the same work and request."""

    done: tuple[ItemKey, ...]


class ItemState(StrEnum):
    """Where an item stands in the store. An open one was never finished."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ItemResult(Record):
    """What became of one item: the record it gave as JSON, or why it failed. `at` is when it was
    kept, for a query `since`.
    """

    key: ItemKey
    digest: str = ""
    state: ItemState
    value: JSON = None
    error: str = ""
    at: str = ""


class ResultBatch(Record):
    """Results to keep."""

    ref: SpreadRef
    results: tuple[ItemResult, ...]


class ResultQuery(Record):
    """Asks for results by key order, those after the key `after`, at most `limit`.

    With `since` (the `at` of the last one read, or `0`) by the order in which they were kept, and
    none that is open. One that is kept at this very moment may be missed: read all at the end.
    """

    ref: SpreadRef
    state: ItemState | None = None
    after: str = ""
    since: str = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class ResultPage(Record):
    """Results; `next` is the `after` of the following page, None at the end."""

    results: tuple[ItemResult, ...]
    next: str | None = None


class Tolerance(Record):
    """How many items may fail, as a count or as a share (0 to 1) of all."""

    count: int | None = None
    share: float | None = None

    def exceeded(self, failed: int, total: int | None) -> bool:
        """Say whether so many failures are too many; a share of an unknown total never is."""
        if self.count is not None and failed > self.count:
            return True
        return self.share is not None and total is not None and failed > self.share * total


class SpreadProgress(Record):
    """The answer to the query `progress`. Counts are those the chunks told last.

    While `paused`, nothing new starts. `done` includes `already` and `failed`; `in_flight` is an
    upper bound; `rate` is items per second since the start. `total` and `estimated_end` are None
    while unknown.
    """

    total: int | None
    done: int
    failed: int
    already: int
    in_flight: int
    chunks_running: int
    rate: float
    started: AwareDatetime
    estimated_end: datetime | None
    paused: bool = False


class SpreadResult(Record):
    """How a spread ended. The results themselves are in the store, under `ref`.

    `succeeded` includes the `already` of earlier runs; `not_run` items were stopped or never
    started (of a source without a total, only those seen). `failed_keys` names at most 100.
    """

    ref: SpreadRef
    reason: Literal["complete", "too_many_failures"]
    total: int
    succeeded: int
    already: int
    failed: int
    not_run: int
    failed_keys: tuple[ItemKey, ...] = ()
    chunks: int = 0
    started: AwareDatetime
    ended: AwareDatetime
