"""Content generation: four pieces at once about one topic, then an edit that may send some back."""

from collections import defaultdict
from functools import partial

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.content_generation import (
    ConsistencyEdit,
    ContentBrief,
    ContentGenerated,
    Objection,
    Piece,
    PieceDraft,
)
from workflows.data.llm import RoleQuery
from workflows.errors import BudgetSpent, ModelUnavailable
from workflows.patterns.bounds import Bounds
from workflows.patterns.otherwise import take_best
from workflows.patterns.process import Process
from workflows.patterns.refine import refine
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.patterns.together import gather
from workflows.prompts import content_generation as prompts
from workflows.rules.content_generation import SPECS, breaches, by_code, standing

EDITOR = "judge"
DRAFTS = 2
"""Drafts a piece may take to keep its limits; each is a paid call."""
AGAIN = 100
"""Samples from here on are those of revisions."""


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

        self.pieces[name] = await self.branch(name, partial(self.drafted, name), failed)

    async def revise(self, name: str, objections: tuple[Objection, ...]) -> None:
        """Send a piece back with what was objected to; without a revision it stays as it was."""
        first = self.pieces[name].model_copy(update={"objections": objections})

        def kept(why: str) -> Piece:
            return first.model_copy(update={"why": f"not revised: {why}"})

        work = partial(self.drafted, name, first)
        self.pieces[name] = await self.branch(f"{name} again", work, kept)

    async def drafted(self, name: str, first: Piece | None = None) -> Piece:
        """Have a piece written until it keeps its limits, in few drafts; else the best of them."""
        spec, before = SPECS[name], first.parts if first else ()
        wrong = "; ".join(f"{o.quote!r}: {o.why}" for o in first.objections) if first else ""

        async def write(turn: Turn[PieceDraft]) -> Draft[PieceDraft]:
            last, why = turn.previous, wrong
            if last is not None:
                why = "; ".join(filter(None, (wrong, last.reason)))
            parts = last.value.parts if last else before
            prompt = prompts.piece(self.brief, name, spec, parts, why)
            sample = turn.round + (AGAIN if first else 0)
            said = await self.consult(spec.role, prompt, PieceDraft, sample=sample)
            return Draft(said.value, said.usd)

        def rate(draft: PieceDraft) -> Score:
            found = breaches(name, draft)
            return Score(1 / (1 + len(found)), "; ".join(found))

        bounds = Bounds(rounds=DRAFTS, quality=1)
        best = (await refine(name, write, rate, bounds, otherwise=take_best())).value
        made = Piece(
            name=name,
            state="as_drafted",
            parts=best.parts,
            hashtags=best.hashtags,
            breaches=breaches(name, best),
        )
        if first is None:
            return made
        told = {"state": "revised", "before": before, "objections": first.objections}
        return made.model_copy(update=told)

    async def edit(self, number: int) -> dict[str, tuple[Objection, ...]]:
        """Read the pieces side by side: objections by piece, those only that quote it."""
        written = {name: p for name, p in self.pieces.items() if p.state != "failed"}
        if not written:
            return {}
        prompt = prompts.consistency(self.brief, written)
        try:
            said = await self.consult(EDITOR, prompt, ConsistencyEdit, sample=number)
            kept, dropped = standing(said.value.objections, written)
            self.known = self.known.model_copy(update={"dropped": self.known.dropped + dropped})
        except (ModelUnavailable, BudgetSpent):
            kept = by_code(self.brief, written)
            self.known = self.known.model_copy(update={"edit_by": "code"})
        found: dict[str, tuple[Objection, ...]] = defaultdict(tuple)
        for objection in kept:
            found[objection.piece] += (objection,)
        return dict(found)

    def so_far(self) -> ContentGenerated:
        """Give the pieces written by now, in the order of the table."""
        pieces = tuple(self.pieces[name] for name in SPECS if name in self.pieces)
        return self.known.model_copy(update={"pieces": pieces, "cost": self.cost()})
