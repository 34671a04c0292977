"""Sentiment: how a thousand customers feel, ten to a call, the unsure ones asked about alone."""

from collections import Counter
from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.llm import RoleQuery
from workflows.data.sentiment import Remark, RemarkTone, SentimentCase, SentimentResult, Tone, Tones
from workflows.patterns.pack import Pack, Packed
from workflows.patterns.process import Process
from workflows.prompts.sentiment import tones

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
            self.tones[remark.id] = told(remark, packed)
        unsure = [r for r in case.remarks if 0 < self.tones[r.id].confidence < case.sure]
        if unsure:
            self.enter("alone")
            alone = await self.branch("alone", partial(self.asked, STRONGER, unsure, 1))
            found = {r.id: told(r, alone, "alone") for r in unsure if r.id in alone.values}
            self.tones |= found
        result = self.so_far()
        self.enter("closed", "with unanswered" if result.unanswered else "complete")
        await self.finish()
        return result

    async def asked(
        self, role: str, remarks: tuple[Remark, ...] | list[Remark], per_call: int
    ) -> Packed[Tone]:
        """Ask a role about remarks, so many to a call."""
        limit = self.case.at_once
        pack = Pack("tones", tones, into=Tones, each=Tone, max_items=per_call, limit=limit)
        return await pack(remarks, partial(self.consult, role))

    def so_far(self) -> SentimentResult:
        """Give the tones known by now."""
        found = tuple(self.tones.values())
        counted = Counter(str(t.sentiment) for t in found if t.sentiment is not None)
        return SentimentResult(
            case=self.case.case,
            totals=dict(sorted(counted.items())),
            unanswered=sum(t.sentiment is None for t in found),
            tones=found,
            saving=self.saving,
            cost=self.cost(),
        )


def told(remark: Remark, packed: Packed[Tone], asked: str = "packed") -> RemarkTone:
    """Say what a pack told of a remark, or why it told nothing."""
    said = packed.values.get(remark.id)
    if said is None:
        why = packed.record.unanswered.get(remark.id, "no answer")
        return RemarkTone(id=remark.id, sentiment=None, why=why)
    more = {"sentiment": said.sentiment, "confidence": said.confidence, "asked": asked}
    return RemarkTone.model_validate({"id": remark.id, **more})
