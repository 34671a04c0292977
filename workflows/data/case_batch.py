"""Records of a batch: one process run for each of many inputs, and how that ended."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from workflows.data.chunk import ItemSource, SpreadSoFar, WorkOrder
from workflows.data.common import CostView, Record
from workflows.data.spread import SpreadRef, SpreadResult, Tolerance

BUDGET = "batch"
"""Name of a batch's budget; its scope is the batch."""


class BatchInputs(Record):
    """Where the inputs came from: the name of the file or folder, sha256 of all its bytes, and how
    many were taken and how many could not be used.
    """

    name: str
    sha256: str
    taken: int
    refused: int = 0


class CaseBatch(Record):
    """A batch, as its workflow takes it.

    The work of a case is a `child`, a workflow whose steps run in the `grade`, or all of it is a
    `step`, which is one activity (fused).

    `ref` is where the results are: those of an earlier batch when it is driven again, and then
    `origins` are the ids of all before it. `usd` bounds what the models of all cases may cost.
    `sequential` cases send one thing at a time each. `so_far` is carried from run to run.
    """

    process: str
    grade: Literal["visible", "fused"] = "visible"
    work: WorkOrder
    inputs: BatchInputs
    source: ItemSource
    ref: SpreadRef
    origins: tuple[str, ...] = ()
    window: Annotated[int, Field(ge=1)]
    chunk: Annotated[int, Field(ge=1, le=1000)]
    tolerance: Tolerance
    usd: Annotated[Decimal, Field(gt=0)] | None = None
    sequential: bool = False
    so_far: SpreadSoFar = SpreadSoFar()


class Raise(Record):
    """What the models of a batch may cost in all, in US dollars, from now on."""

    usd: Annotated[Decimal, Field(gt=0)]


class CaseBatchResult(Record):
    """How a batch ended; the results of its cases are in the store, under `spread.ref`.

    `cost` is what the models of its cases were paid, without what earlier batches had paid.
    """

    process: str
    inputs: BatchInputs
    spread: SpreadResult
    cost: CostView
