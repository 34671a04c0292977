"""Records of the data pipeline: the order, a page of the source, a batch for the table."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from workflows.data.common import JSON, CaseId, CountryCode, PartyId, Record

Cursor = Annotated[int, Field(ge=0)]
"""Where the source's rows were read up to: rows after it are new."""
LONGEST_PAGE = 200


class PageOfRows(Record):
    """Which rows follow this cursor? `etag` is that of the answer we know: unchanged, the source
    need not give it again.
    """

    after: Cursor
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)]
    etag: str = ""


class RowsPage(Record):
    """Rows as the source holds them, unchecked, and the cursor after them; no rows: no more yet.

    `epoch` names what the cursors count: a source whose rows were numbered anew (restored, rebuilt)
    tells another. `etag` is the page's version. Both are empty where the source tells none.
    """

    rows: Annotated[tuple[JSON, ...], Field(max_length=LONGEST_PAGE)] = ()
    next: Cursor
    epoch: Annotated[str, Field(max_length=200)] = ""
    etag: str = ""


class TableRow(Record):
    """A sale as the table takes it; `cents` are of the currency."""

    id: PartyId
    day: date
    customer: str
    cents: int
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    country: CountryCode


class BadRow(Record):
    """A row that may not go into the table, as the source gave it, and why."""

    row: JSON
    why: str


class LoadAction(StrEnum):
    """What is done with a batch."""

    LOAD = "load_rows"
    SET_ASIDE = "set_rows_aside"


class LoadOrder(Record):
    """One batch for a table, or for the rows set aside beside it. The key is scope + action +
    table + batch; `batch` names the cursors it lies between.
    """

    action: LoadAction
    table: PartyId
    batch: str
    rows: tuple[TableRow, ...] = ()
    bad: tuple[BadRow, ...] = ()


class PipelineOutcome(StrEnum):
    """How a run ended."""

    UP_TO_DATE = "up_to_date"
    BOUND = "bound"
    """As many batches as the order allows; there may be more."""
    STOPPED = "stopped"
    """A batch was not loaded; `why` says why, and the watermark stands before it."""


class PipelineState(Record):
    """How far the pipeline is. What lies up to `watermark` is in the table or set aside.

    `epoch` is that of the source, `etag` that of the page which told that there is no more yet;
    `why` says why the run was stopped.
    """

    watermark: Cursor = 0
    epoch: str = ""
    etag: str = ""
    batches: int = 0
    loaded: int = 0
    set_aside: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    why: str = ""


class PipelineResult(PipelineState):
    """What this run did, and how it ended; the counts are of this run."""

    case: CaseId
    outcome: PipelineOutcome


class PipelineOrder(Record):
    """What is brought into which table.

    A batch is one page of the source. A batch with more than the share `tolerate` of bad rows is
    not loaded and stops the run. At most `batches` are done, all there are if None. After `fresh`
    batches the workflow goes on under a new history. Begins after `after`, or where the `last` run
    of its schedule ended (filled in by it), whichever is later; `epoch` says which of the source's
    counts `after` is of, and that runs over another do not count. `state` is what an earlier
    history came to.
    """

    case: CaseId
    table: PartyId
    page: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 50
    tolerate: Annotated[float, Field(ge=0, le=1)] = 0.2
    batches: Annotated[int, Field(ge=1)] | None = None
    fresh: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Cursor = 0
    epoch: str = ""
    state: PipelineState | None = None
    last: PipelineResult | None = None
