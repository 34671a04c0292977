"""Content generation: four pieces at once about one topic, then an edit that may send some back."""

from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.content_generation import ContentBrief, ContentGenerated, Objection, Piece
from workflows.data.llm import RoleQuery
from workflows.patterns.process import Process
from workflows.patterns.together import gather
from workflows.rules.content_generation import SPECS
from workflows.steps.content_generation import EDITOR, Objections, drafted, edited


@workflow.defn(name="content-generation")
class ContentGeneration(Process):
    """One topic, from brief to four pieces that agree."""

    @workflow.init
    def __init__(self, brief: ContentBrief) -> None:
        super().__init__("content-generation", brief.case)
        self.brief = brief
        self.known = ContentGenerated(case=brief.case)
        self.pieces: dict[str, Piece] = {}

    @workflow.run
    async def run(self, brief: ContentBrief) -> ContentGenerated:
        """Write all four at once, read them side by side, and send back what does not fit, once."""
        roles = (*(spec.role for spec in SPECS.values()), EDITOR)
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=roles))
        if brief.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=brief.models.budget_usd))
        self.enter("writing")
        await gather(*(self.write(name) for name in SPECS))
        self.enter("editing")
        objections = await self.branch("edit", partial(self.edit, 0))
        if objections:
            self.enter("revising")
            await gather(*(self.revise(name, found) for name, found in objections.items()))
            objections = await self.branch("edit again", partial(self.edit, 1))
        unsettled = tuple(o for found in objections.values() for o in found)
        good = all(p.state != "failed" and not p.breaches for p in self.pieces.values())
        self.enter("closed", "ready" if good and not unsettled else "needs_editor")
        await self.finish()
        return self.so_far().model_copy(update={"unsettled": unsettled})

    async def write(self, name: str) -> None:
        """Write a piece; one that nobody writes is told, and the others go on."""

        def failed(why: str) -> Piece:
            return Piece(name=name, state="failed", why=why)

        work = partial(drafted, self.consult, self.brief, name)
        self.pieces[name] = await self.branch(name, work, failed)

    async def revise(self, name: str, objections: tuple[Objection, ...]) -> None:
        """Send a piece back with what was objected to; without a revision it stays as it was."""
        first = self.pieces[name].model_copy(update={"objections": objections})

        def kept(why: str) -> Piece:
            return first.model_copy(update={"why": f"not revised: {why}"})

        work = partial(drafted, self.consult, self.brief, name, first)
        self.pieces[name] = await self.branch(f"{name} again", work, kept)

    async def edit(self, number: int) -> Objections:
        """Have the pieces read side by side: objections by piece."""
        edit = await edited(self.consult, self.brief, self.pieces, number)
        dropped = self.known.dropped + edit.dropped
        by = "code" if edit.by_code else self.known.edit_by
        self.known = self.known.model_copy(update={"dropped": dropped, "edit_by": by})
        return edit.objections

    def so_far(self) -> ContentGenerated:
        """Give the pieces written by now, in the order of the table."""
        pieces = tuple(self.pieces[name] for name in SPECS if name in self.pieces)
        return self.known.model_copy(update={"pieces": pieces, "cost": self.cost()})
