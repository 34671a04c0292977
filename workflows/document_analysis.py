"""Document analysis: several models read each document, votes decide, one summary cites them."""

from functools import partial

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

from workflows.calls import READ_COST, RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder, CostQuery
from workflows.data.common import CostView
from workflows.data.document_analysis import (
    LISTED,
    AnalysisCase,
    AnalysisResult,
    AnalysisSoFar,
    BusinessDocument,
    ReadingOrder,
)
from workflows.data.llm import RoleQuery
from workflows.data.spread import SpreadResult
from workflows.errors import reason, usd_of
from workflows.patterns.join import join
from workflows.patterns.process import Process
from workflows.patterns.until import all_settled
from workflows.rules.document_analysis import Tally
from workflows.steps.pile import read_pile, summarised
from workflows.steps.reading import read_document


@workflow.defn(name="document-analysis")
class DocumentAnalysis(Process):
    """A pile of documents, from case file to totals and a cited summary."""

    @workflow.init
    def __init__(self, case: AnalysisCase) -> None:
        super().__init__("document-analysis", case.case)
        self.case = case
        self.tally = Tally(keep=max(LISTED, case.spread_from))

    @workflow.run
    async def run(self, case: AnalysisCase) -> AnalysisResult:
        """Have all documents read, add up what the models agree on, and have it summarised."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=(case.readers, "reviewer")))
        if case.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.models.budget_usd))
        self.enter("reading")
        spread_over = None
        if len(case.documents) < case.spread_from:
            await self.read_here()
        else:
            spread_over = await self.branch("documents", self.read_spread)
        self.tally.hold_to(case.tolerate)
        self.enter("summary")
        summarise = partial(summarised, self.tally, partial(self.consult, "reviewer"))
        summary = await self.branch("summary", summarise)
        totals = self.tally.totals
        whole = totals.agreed == totals.documents
        self.enter("closed", "complete" if whole else "with open documents")
        await self.finish()
        return AnalysisResult(
            case=case.case,
            totals=totals,
            documents=self.tally.documents,
            unread=tuple(self.tally.unread),
            summary=summary,
            spread=spread_over,
            cost=self.cost(),
        )

    def order(self, document: BusinessDocument) -> ReadingOrder:
        """Say how a document is read."""
        assert self.roles is not None  # noqa: S101 - resolved first of all
        return ReadingOrder(
            document=document,
            topics=self.case.topics,
            readers=self.roles.chain(self.case.readers),
            patience=self.case.patience,
            budget=self.terms.budget,
        )

    # ---- some documents: each a branch of this case ---------------------------------------------

    async def read_here(self) -> None:
        """Read the documents as branches; one that nobody reads is missing, the others go on."""
        works = {d.id: partial(self.read_one, d) for d in self.case.documents}
        await join(works, until=all_settled(), limit=self.case.at_once)

    async def read_one(self, document: BusinessDocument) -> None:
        """Read one document, and count it."""
        order = self.order(document)
        try:
            found = await self.branch(document.id, partial(read_document, order))
        except Exception as error:
            if not is_cancelled_exception(error):
                self.tally.missed(document.id, reason(error))
                self.add_cost(CostView(usd=usd_of(error), by_branch={document.id: usd_of(error)}))
            raise
        self.add_cost(found.cost)
        self.tally.add(found)

    # ---- thousands: each an item of a spread --------------------------------------------------

    async def read_spread(self) -> SpreadResult:
        """Read the documents in child workflows, and count their results."""
        orders = {document.id: self.order(document) for document in self.case.documents}
        done = await read_pile(self.case, orders, self.tally)
        mine = CostQuery(prefix=workflow.info().workflow_id, is_id=True)
        self.add_cost(await ask(READ_COST, mine))
        return done

    def so_far(self) -> AnalysisSoFar:
        """Give the documents read by now."""
        tally = self.tally
        return AnalysisSoFar(
            totals=tally.totals, documents=tally.documents, unread=tuple(tally.unread)
        )
