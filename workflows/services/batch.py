"""One process for each of many inputs: a spread whose items are cases of their own."""

from temporalio import workflow

from workflows.calls import OPEN_BUDGET, READ_COST, ask
from workflows.data.budget import BudgetOrder, CostQuery
from workflows.data.case_batch import BUDGET, CaseBatch, CaseBatchResult, Raise
from workflows.data.chunk import OwnCases, SpreadOrder
from workflows.data.common import Record
from workflows.patterns.process import Process
from workflows.services.spreading import Spreading


@workflow.defn(name="batch")
class Batch(Process, Spreading):
    """Started by the command `batch`. A case has the id of its batch, a colon, and its case id."""

    @workflow.init
    def __init__(self, given: CaseBatch) -> None:
        Process.__init__(self, "batch", given.process)
        Spreading.__init__(self, _spread(given))
        self._given, self._usd = given, given.usd

    @workflow.run
    async def run(self, given: CaseBatch) -> CaseBatchResult:
        """Do every input once. Raises SpreadFailed when it cannot go on."""
        if given.so_far.chunks == 0 and self._usd is not None:
            await self._open()
        self.enter("running")
        end = await self.spread.run()
        if isinstance(end, SpreadOrder):
            await self.finish()
            carried = {"usd": self._usd, "so_far": end.so_far}
            workflow.continue_as_new(given.model_copy(update=carried))
        self.add_cost(await ask(READ_COST, CostQuery(prefix=_prefix())))
        self.enter("closed", end.reason)
        await self.finish()
        return CaseBatchResult(
            process=given.process, inputs=given.inputs, spread=end, cost=self.cost()
        )

    def so_far(self) -> Record:
        """Give how far it has come."""
        return self.progress()

    @workflow.signal
    async def raise_budget(self, more: Raise) -> None:
        """Let the models of all cases cost so much in all; calls that wait for money go on."""
        if self._usd is None:
            self.refuse("unknown", "raise_budget", "this batch was started without a budget")
            return
        self._usd = more.usd
        await self._open()

    async def _open(self) -> None:
        await ask(OPEN_BUDGET, BudgetOrder(name=BUDGET, usd=self._usd))


def _spread(given: CaseBatch) -> SpreadOrder:
    payer = f"{workflow.info().workflow_id} {BUDGET}" if given.usd else ""
    origins = tuple(f"{batch}:" for batch in given.origins)
    return SpreadOrder(
        ref=given.ref,
        work=given.work,
        source=given.source,
        cases=OwnCases(prefix=_prefix(), origins=origins, payer=payer, sequential=given.sequential),
        window=given.window,
        chunk=given.chunk,
        tolerance=given.tolerance,
        so_far=given.so_far,
    )


def _prefix() -> str:
    """Give what the ids of the cases begin with; the colon keeps them apart from chunks."""
    return f"{workflow.info().workflow_id}:"
