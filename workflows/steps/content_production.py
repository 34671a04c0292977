"""The tasks of one piece of content, each asked of a role, with what stands in for an answer."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from workflows.calls import CHAT, ask
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
from workflows.data.llm import Prompt
from workflows.patterns.consult import Consulted
from workflows.prompts import content_production as prompts
from workflows.rules import content_production as rules

T = TypeVar("T")
R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=Record | None)
ROLES = ("triage", "analyst", "reviewer", "drafter")


class Host(Protocol):
    """What of the process the tasks need."""

    async def branch(
        self,
        name: str,
        work: Callable[[], Awaitable[T]],
        otherwise: Callable[[str], T] | None = None,
        /,
    ) -> T:
        """Run a named branch."""
        ...

    async def consult(self, role: str, prompt: Prompt, record: type[R], /) -> Consulted[R]:
        """Ask the models of a role."""
        ...


class PieceTasks:
    """T1 to T9, each a branch; who calls them decides when. `known` is what there is by now."""

    def __init__(self, host: Host, order: ContentOrder) -> None:
        self.host, self.order = host, order
        self.known = ContentSoFar()

    async def brief(self) -> ContentBrief:
        """T1: without a model, the order's own words."""
        asked, plain = prompts.brief(self.order), rules.brief_of(self.order)
        brief = await self._ask("brief", "triage", asked, ContentBrief, plain)
        self._know(brief=brief)
        return brief

    async def research(self, brief: ContentBrief) -> ResearchNotes:
        """T2: without a model, nothing is known."""
        asked, none = prompts.research(self.order, brief), ResearchNotes(notes=())
        return await self._ask("research", "analyst", asked, ResearchNotes, none)

    async def outline(self, brief: ContentBrief, notes: ResearchNotes) -> ContentOutline:
        """T3: without a model, a section for each point of the brief."""
        asked, plain = prompts.outline(self.order, brief, notes), rules.outline_of(brief)
        outline = await self._ask("outline", "triage", asked, ContentOutline, plain)
        self._know(outline=outline)
        return outline

    async def facts(self, notes: ResearchNotes) -> FactSheet:
        """T4: only what cites the material stays."""
        asked, none = prompts.facts(self.order, notes), FactSheet(facts=())
        said = await self._ask("facts", "analyst", asked, FactSheet, none)
        kept = FactSheet(facts=rules.sourced(said.facts, self.order))
        self._know(facts=kept)
        return kept

    async def draft(
        self, brief: ContentBrief, outline: ContentOutline, facts: FactSheet
    ) -> ContentDraft | None:
        """T5: nothing stands in for the text."""
        asked = prompts.draft(self.order, brief, outline, facts)
        draft = await self._ask("draft", "drafter", asked, ContentDraft, None)
        self._know(draft=draft)
        return draft

    async def begin_figures(self, brief: ContentBrief | None) -> FigurePlan:
        """T6, its start: with the brief or without it."""
        asked, none = prompts.sketch(self.order, brief), FigurePlan(figures=())
        sketch = await self._ask("figures begun", "triage", asked, FigurePlan, none)
        self._know(figures=sketch)
        return sketch

    async def finish_figures(
        self, sketch: FigurePlan, brief: ContentBrief, draft: ContentDraft, began: tuple[str, ...]
    ) -> FigurePlan:
        """T6, its end: without a model, the figures as they began, which was with `began`."""
        asked = prompts.figures(sketch, brief, draft)
        final = await self._ask("figures finished", "analyst", asked, FigurePlan, sketch)
        self._know(figures=final, revision=rules.revision(sketch, final, began))
        return final

    async def layout(self, draft: ContentDraft, figures: FigurePlan) -> ContentLayout:
        """T7: one that loses a figure or invents a heading gives way to the plain one."""
        asked, plain = prompts.layout(draft, figures), rules.layout_of(draft, figures.figures)
        layout = await self._ask("layout", "triage", asked, ContentLayout, plain)
        if rules.fits(layout, draft, figures.figures):
            return layout
        return plain.model_copy(update={"standfirst": layout.standfirst})

    async def check(
        self, draft: ContentDraft, layout: ContentLayout, figures: FigurePlan
    ) -> tuple[str, ...]:
        """T8: give what the facts do not bear out."""
        facts = self.known.facts or FactSheet(facts=())
        asked, none = prompts.check(draft, layout, figures, facts), PieceCheck(objections=())
        return (await self._ask("check", "reviewer", asked, PieceCheck, none)).objections

    async def hand_over(self, piece: ContentPiece) -> ContentPiece:
        """T9: tell the editors' channel, at most once; what stays unclear is said in the piece."""
        word = piece.outcome.replace("_", " ")
        text = f"content {piece.case}: {word}, {len(piece.objections)} objections"
        told = ChatOrder(template="content", number=0, text=text)
        unsaid = EffectReceipt(key="", reference="", state=EffectState.UNCLEAR)
        receipt = await self.host.branch("handing over", lambda: ask(CHAT, told), lambda _: unsaid)
        return piece.model_copy(update={"announced": receipt.state is EffectState.DONE})

    async def _ask(
        self, name: str, role: str, prompt: Prompt, record: type[R], otherwise: S
    ) -> R | S:
        """Ask a role; if none of its models answers, note the gap and give `otherwise`."""

        async def work() -> R | S:
            return (await self.host.consult(role, prompt, record)).value

        def stand_in(why: str) -> R | S:
            self._know(gaps=(*self.known.gaps, f"{name}: {why}"))
            return otherwise

        return await self.host.branch(name, work, stand_in)

    def _know(self, **more: Record | tuple[str, ...] | None) -> None:
        self.known = self.known.model_copy(update=more)
