"""Data pipeline: extract, clean, validate, transform, load; only what is new, in batches.

While a batch is loaded the next page is extracted. The watermark moves only past what is in the
table or set aside, and goes with the pipeline from history to history and from run to run.
"""

from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import EXTRACT, LOAD, ask
from workflows.data.effects import EffectReceipt
from workflows.data.pipeline import (
    LoadAction,
    LoadOrder,
    PageOfRows,
    PipelineOrder,
    PipelineOutcome,
    PipelineResult,
    PipelineState,
    RowsPage,
)
from workflows.errors import reason
from workflows.patterns.process import Process
from workflows.patterns.together import gather
from workflows.rules import pipeline as rules


@workflow.defn(name="data-pipeline")
class DataPipeline(Process):
    """One run, from the watermark to the end of the source."""

    @workflow.init
    def __init__(self, order: PipelineOrder) -> None:
        super().__init__("data-pipeline", order.case)
        self.order = order
        self.state = order.state or rules.begin(order)

    @workflow.run
    async def run(self, order: PipelineOrder) -> PipelineResult:
        """Bring batch after batch into the table, until there is no more."""
        try:
            outcome, why = await self.batches()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            outcome, why = PipelineOutcome.STOPPED, reason(error)
        self.state = self.state.model_copy(update={"why": why})
        self.enter("closed", outcome)
        await self.finish()
        return PipelineResult(case=order.case, outcome=outcome, **self.state.model_dump())

    async def batches(self) -> tuple[PipelineOutcome, str]:
        """Do what there is, or as many batches as the order allows."""
        first = self.state.batches
        page = await self.extract(self.state.watermark, self.state.etag)
        while not (why := rules.out_of_order(self.state, page)):
            self.state = rules.seen(self.state, page)
            if not page.rows:
                return PipelineOutcome.UP_TO_DATE, ""
            if self.state.batches == self.order.batches:
                return PipelineOutcome.BOUND, ""
            if self.state.batches - first >= self.order.fresh:
                await self.finish()
                workflow.continue_as_new(self.order.model_copy(update={"state": self.state}))
            batch = rules.batch(self.state.watermark, page)
            if why := rules.too_bad(batch, self.order.tolerate):
                return PipelineOutcome.STOPPED, why
            page = await self.stored(batch)
        return PipelineOutcome.STOPPED, why

    async def stored(self, batch: rules.Batch) -> RowsPage:
        """Load a batch and set its bad rows aside while the next page comes; then move on."""
        self.enter(f"batch {batch.name}")
        page, *_ = await gather(
            self.extract(batch.end),
            self.load(LoadAction.LOAD, batch) if batch.rows else nothing(),
            self.load(LoadAction.SET_ASIDE, batch) if batch.bad else nothing(),
        )
        self.state = rules.advanced(self.state, batch)
        return page

    async def extract(self, after: int, etag: str = "") -> RowsPage:
        """Read the page after a cursor, unless the source still has the one of this ETag there."""
        query = PageOfRows(after=after, limit=self.order.page, etag=etag)
        return await self.branch("extract", partial(ask, EXTRACT, query))

    async def load(self, action: LoadAction, batch: rules.Batch) -> EffectReceipt:
        """Bring a batch's rows, or its bad rows, to where they belong; each key once."""
        part = {"rows": batch.rows} if action is LoadAction.LOAD else {"bad": batch.bad}
        order = LoadOrder(action=action, table=self.order.table, batch=batch.name, **part)
        return await self.branch(action, partial(ask, LOAD, order))

    def so_far(self) -> PipelineState:
        """Give how far the pipeline is."""
        return self.state


async def nothing() -> None:
    """Load nothing: a batch may have no good rows, or no bad ones."""
