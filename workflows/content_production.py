"""Content production: nine tasks, each begun as soon as what it needs is there.

T1 brief, T2 research, then T3 outline and T4 facts at once, then T5 draft. Beside them T6, the
figures, begin (soft on the brief) and are finished with the draft (hard). Then T7 layout, T8 check,
T9 handing over.
"""

import asyncio

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentOrder,
    ContentPiece,
    ContentSoFar,
    FigurePlan,
)
from workflows.data.llm import RoleQuery
from workflows.patterns.process import Process
from workflows.patterns.together import Group, gather, in_time
from workflows.rules import content_production as rules
from workflows.steps.content_production import ROLES, PieceTasks


@workflow.defn(name="content-production")
class ContentProduction(Process):
    """One piece, from the order to the editors' channel."""

    @workflow.init
    def __init__(self, order: ContentOrder) -> None:
        super().__init__("content-production", order.case)
        self.order = order
        self.tasks = PieceTasks(self, order)

    @workflow.run
    async def run(self, order: ContentOrder) -> ContentPiece:
        """Write, illustrate, lay out, check, hand over."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=ROLES))
        if order.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=order.models.budget_usd))
        self.enter("writing")
        async with Group() as group:
            brief = group.start(self.tasks.brief())  # T1
            draft = group.start(self.text(brief))  # T2 to T5
            figures = group.start(self.figures(brief, draft))  # T6
        piece = await self.finished(draft.result(), figures.result())  # T7, T8
        self.enter("handing over", piece.outcome)
        piece = await self.tasks.hand_over(piece)  # T9
        self.enter("closed", piece.outcome)
        await self.finish()
        return piece

    async def text(self, coming: asyncio.Task[ContentBrief]) -> ContentDraft | None:
        """T2 needs T1; T3 and T4 need T2; T5 needs both."""
        brief = await coming
        notes = await self.tasks.research(brief)
        outline, facts = await gather(self.tasks.outline(brief, notes), self.tasks.facts(notes))
        return await self.tasks.draft(brief, outline, facts)

    async def figures(
        self, coming: asyncio.Task[ContentBrief], writing: asyncio.Task[ContentDraft | None]
    ) -> FigurePlan:
        """T6: soft on the brief, which is taken if it comes in time; hard on the draft."""
        brief = await in_time(coming, self.order.brief_wait, "brief")
        began = ("order", "brief") if brief else ("order",)
        sketch = await self.tasks.begin_figures(brief)
        if (draft := await writing) is None:
            return sketch
        return await self.tasks.finish_figures(sketch, await coming, draft, began)

    async def finished(self, draft: ContentDraft | None, figures: FigurePlan) -> ContentPiece:
        """T7 needs T5 and T6, T8 needs T7; without a draft there is nothing to lay out."""
        layout, objections = None, tuple[str, ...]()
        if draft is not None:
            self.enter("finishing")
            layout = await self.tasks.layout(draft, figures)
            objections = await self.tasks.check(draft, layout, figures)
        known = self.so_far()
        return ContentPiece(
            case=self.order.case,
            outcome=rules.outcome(draft, objections, known.gaps),
            draft=draft,
            layout=layout,
            figures=figures.figures,
            facts=known.facts.facts if known.facts else (),
            objections=objections,
            revision=known.revision,
            gaps=known.gaps,
            cost_usd=self.cost().usd,
        )

    def so_far(self) -> ContentSoFar:
        """Give what there is by now."""
        return self.tasks.known
