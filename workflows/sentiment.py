"""Sentiment: how a thousand customers feel, ten to a call, the unsure ones asked about alone."""

from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.llm import RoleQuery
from workflows.data.sentiment import Remark, RemarkTone, SentimentCase, SentimentResult, Tone, Tones
from workflows.patterns.pack import Pack, Packed
from workflows.patterns.process import Process
from workflows.prompts.sentiment import tones
from workflows.rules import sentiment as rules

ROLE, STRONGER = "triage", "reviewer"


@workflow.defn(name="sentiment")
class SentimentOfCustomers(Process):
    """Remarks of customers, from case file to a tone each and the totals."""

    @workflow.init
    def __init__(self, case: SentimentCase) -> None:
        super().__init__("sentiment", case.case)
        self.case = case
        self.tones: dict[str, RemarkTone] = {}
        self.saving = ""

    @workflow.run
    async def run(self, case: SentimentCase) -> SentimentResult:
        """Ask about all remarks in packs at once, then about the unsure ones alone."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=(ROLE, STRONGER)))
        if case.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=case.models.budget_usd))
        self.enter("packs")
        packed = await self.branch("packs", partial(self.asked, ROLE, case.remarks, case.per_call))
        self.saving = packed.record.saving
        for remark in case.remarks:
            self.tones[remark.id] = rules.told(remark, packed)
        if unsure := rules.unsure(case.remarks, self.tones, case.sure):
            self.enter("alone")
            alone = await self.branch("alone", partial(self.asked, STRONGER, unsure, 1))
            self.tones |= {
                r.id: rules.told(r, alone, "alone") for r in unsure if r.id in alone.values
            }
        result = self.so_far()
        self.enter("closed", "with unanswered" if result.unanswered else "complete")
        await self.finish()
        return result

    async def asked(self, role: str, remarks: tuple[Remark, ...], per_call: int) -> Packed[Tone]:
        """Ask a role about remarks, so many to a call."""
        limit = self.case.at_once
        pack = Pack("tones", tones, into=Tones, each=Tone, max_items=per_call, limit=limit)
        return await pack(remarks, partial(self.consult, role))

    def so_far(self) -> SentimentResult:
        """Give the tones known by now."""
        found = tuple(self.tones.values())
        return SentimentResult(
            case=self.case.case,
            totals=rules.totals(found),
            unanswered=sum(t.sentiment is None for t in found),
            tones=found,
            saving=self.saving,
            cost=self.cost(),
        )
