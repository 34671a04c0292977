"""Content production: nine tasks, each begun as soon as what it needs is there.

T1 brief, T2 research, then T3 outline and T4 facts at once, then T5 draft. Beside them T6, the
figures, begin (soft on the brief) and are finished with the draft (hard). Then T7 layout, T8 check,
T9 handing over.
"""

import asyncio
from typing import TypeVar

from temporalio import workflow

from workflows.calls import CHAT, RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.common import Record
from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentLayout,
    ContentOrder,
    ContentOutline,
    ContentPiece,
    ContentSoFar,
    FactSheet,
    FigurePlan,
    PieceCheck,
    ResearchNotes,
)
from workflows.data.effects import ChatOrder, EffectReceipt, EffectState
from workflows.data.llm import Prompt, RoleQuery
from workflows.patterns.process import Process
from workflows.patterns.together import Group, gather, in_time
from workflows.prompts import content_production as prompts
from workflows.rules import content_production as rules

R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=Record | None)


@workflow.defn(name="content-production")
class ContentProduction(Process):
    """One piece, from the order to the editors' channel."""

    @workflow.init
    def __init__(self, order: ContentOrder) -> None:
        super().__init__("content-production", order.case)
        self.order = order
        self.known = ContentSoFar()
        self.gaps: list[str] = []

    @workflow.run
    async def run(self, order: ContentOrder) -> ContentPiece:
        """Write, illustrate, lay out, check, hand over."""
        roles = ("triage", "analyst", "reviewer", "drafter")
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=roles))
        if order.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=order.models.budget_usd))
        self.enter("writing")
        async with Group() as group:
            brief = group.start(self.brief())  # T1
            draft = group.start(self.text(brief))  # T2 to T5
            figures = group.start(self.figures(brief, draft))  # T6
        piece = await self.finished(draft.result(), figures.result())  # T7, T8
        piece = await self.hand_over(piece)  # T9
        await self.finish()
        return piece

    async def brief(self) -> ContentBrief:
        """T1: needs the order alone."""
        asked = prompts.brief(self.order)
        brief = await self.task("brief", "triage", asked, ContentBrief, rules.brief_of(self.order))
        self.know(brief=brief)
        return brief

    async def text(self, coming: asyncio.Task[ContentBrief]) -> ContentDraft | None:
        """T2 needs T1; T3 and T4 need T2; T5 needs both."""
        brief = await coming
        asked = prompts.research(self.order, brief)
        none = ResearchNotes(notes=())
        notes = await self.task("research", "analyst", asked, ResearchNotes, none)
        outline, facts = await gather(self.outline(brief, notes), self.facts(notes))
        asked = prompts.draft(self.order, brief, outline, facts)
        draft = await self.task("draft", "drafter", asked, ContentDraft, None)
        self.know(draft=draft)
        return draft

    async def outline(self, brief: ContentBrief, notes: ResearchNotes) -> ContentOutline:
        """T3: without a model, a section for each point of the brief."""
        asked, plain = prompts.outline(self.order, brief, notes), rules.outline_of(brief)
        outline = await self.task("outline", "triage", asked, ContentOutline, plain)
        self.know(outline=outline)
        return outline

    async def facts(self, notes: ResearchNotes) -> FactSheet:
        """T4: only what cites the material stays."""
        asked, none = prompts.facts(self.order, notes), FactSheet(facts=())
        said = await self.task("facts", "analyst", asked, FactSheet, none)
        kept = FactSheet(facts=rules.sourced(said.facts, self.order))
        self.know(facts=kept)
        return kept

    async def figures(
        self, coming: asyncio.Task[ContentBrief], writing: asyncio.Task[ContentDraft | None]
    ) -> FigurePlan:
        """T6: soft on the brief, which is taken if it comes in time; hard on the draft."""
        brief = await in_time(coming, self.order.brief_wait, "brief")
        began, none = ("order", "brief") if brief else ("order",), FigurePlan(figures=())
        asked = prompts.sketch(self.order, brief)
        sketch = await self.task("figures begun", "triage", asked, FigurePlan, none)
        self.know(figures=sketch)
        if (draft := await writing) is None:
            return sketch
        asked = prompts.figures(sketch, await coming, draft)
        final = await self.task("figures finished", "analyst", asked, FigurePlan, sketch)
        self.know(figures=final, revision=rules.revision(sketch, final, began))
        return final

    async def finished(self, draft: ContentDraft | None, figures: FigurePlan) -> ContentPiece:
        """T7 needs T5 and T6, T8 needs T7; without a draft there is nothing to lay out."""
        layout, objections, facts = None, tuple[str, ...](), self.known.facts
        if draft is not None:
            self.enter("finishing")
            plain = rules.layout_of(draft, figures.figures)
            asked = prompts.layout(draft, figures)
            layout = await self.task("layout", "triage", asked, ContentLayout, plain)
            if not rules.fits(layout, draft, figures.figures):
                layout = plain.model_copy(update={"standfirst": layout.standfirst})
            asked = prompts.check(draft, layout, figures, facts or FactSheet(facts=()))
            none = PieceCheck(objections=())
            objections = (await self.task("check", "reviewer", asked, PieceCheck, none)).objections
        return ContentPiece(
            case=self.order.case,
            outcome=rules.outcome(draft, objections, self.gaps),
            draft=draft,
            layout=layout,
            figures=figures.figures,
            facts=facts.facts if facts else (),
            objections=objections,
            revision=self.known.revision,
            gaps=tuple(self.gaps),
            cost_usd=self.cost().usd,
        )

    async def hand_over(self, piece: ContentPiece) -> ContentPiece:
        """T9: tell the editors' channel, at most once; what stays unclear is said in the piece."""
        self.enter("handing over", piece.outcome)
        word = piece.outcome.replace("_", " ")
        text = f"content {piece.case}: {word}, {len(piece.objections)} objections"
        told = ChatOrder(template="content", number=0, text=text)
        unsaid = EffectReceipt(key="", reference="", state=EffectState.UNCLEAR)
        receipt = await self.branch("handing over", lambda: ask(CHAT, told), lambda _: unsaid)
        self.enter("closed", piece.outcome)
        return piece.model_copy(update={"announced": receipt.state is EffectState.DONE})

    async def task(
        self, name: str, role: str, prompt: Prompt, record: type[R], otherwise: S
    ) -> R | S:
        """Ask a role; if none of its models answers, note the gap and give `otherwise`."""

        async def work() -> R | S:
            return (await self.consult(role, prompt, record)).value

        def stand_in(why: str) -> R | S:
            self.gaps.append(f"{name}: {why}")
            return otherwise

        return await self.branch(name, work, stand_in)

    def know(self, **more: Record | None) -> None:
        """Keep what came, for the query."""
        self.known = self.known.model_copy(update=more)

    def so_far(self) -> ContentSoFar:
        """Give what there is by now."""
        return self.known.model_copy(update={"gaps": tuple(self.gaps)})
