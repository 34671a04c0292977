"""Writing a piece within its limits, and reading all pieces side by side."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from workflows.data.common import Record
from workflows.data.content_generation import (
    ConsistencyEdit,
    ContentBrief,
    Objection,
    Piece,
    PieceDraft,
)
from workflows.data.llm import Prompt
from workflows.errors import BudgetSpent, ModelUnavailable
from workflows.patterns.bounds import Bounds
from workflows.patterns.consult import Consulted
from workflows.patterns.otherwise import take_best
from workflows.patterns.refine import refine
from workflows.patterns.rounds import Draft, Score, Turn
from workflows.prompts import content_generation as prompts
from workflows.rules.content_generation import SPECS, breaches, by_code, standing

R = TypeVar("R", bound=Record)
EDITOR = "judge"
DRAFTS = 2
"""Drafts a piece may take to keep its limits; each is a paid call."""
AGAIN = 100
"""Samples from here on are those of revisions."""
Objections = dict[str, tuple[Objection, ...]]
"""By the name of the piece."""


class Consult(Protocol):
    """Asks the models of a role: `Process.consult`."""

    async def __call__(
        self, role: str, prompt: Prompt, record: type[R], /, *, sample: int = 0
    ) -> Consulted[R]:
        """Ask; the same sample reads a paid answer back."""
        ...


async def drafted(
    consult: Consult, brief: ContentBrief, name: str, first: Piece | None = None
) -> Piece:
    """Have a piece written until it keeps its limits, in few drafts; else the best of them.

    `first` is the piece that is sent back, with what was objected to.
    """
    spec, before = SPECS[name], first.parts if first else ()
    objected = "; ".join(f"{o.quote!r}: {o.why}" for o in first.objections) if first else ""

    async def write(turn: Turn[PieceDraft]) -> Draft[PieceDraft]:
        parts, wrong = before, objected
        if turn.previous is not None:
            parts = turn.previous.value.parts
            wrong = "; ".join(filter(None, (objected, turn.previous.reason)))
        prompt = prompts.piece(brief, name, spec, parts, wrong)
        sample = turn.round + (AGAIN if first else 0)
        said = await consult(spec.role, prompt, PieceDraft, sample=sample)
        return Draft(said.value, said.usd)

    def rate(draft: PieceDraft) -> Score:
        found = breaches(name, draft)
        return Score(1 / (1 + len(found)), "; ".join(found))

    bounds = Bounds(rounds=DRAFTS, quality=1)
    best = (await refine(name, write, rate, bounds, otherwise=take_best())).value
    return Piece(
        name=name,
        state="revised" if first else "as_drafted",
        parts=best.parts,
        hashtags=best.hashtags,
        breaches=breaches(name, best),
        before=before,
        objections=first.objections if first else (),
    )


@dataclass(frozen=True)
class Edit:
    """What is objected to, what was dropped, and whether code read because no model did."""

    objections: Objections
    dropped: tuple[Objection, ...] = ()
    by_code: bool = False


async def edited(
    consult: Consult, brief: ContentBrief, pieces: Mapping[str, Piece], number: int
) -> Edit:
    """Have the pieces read side by side; only objections that quote their piece stand.

    `number` tells repeated readings apart.
    """
    written = {name: p for name, p in pieces.items() if p.state != "failed"}
    if not written:
        return Edit({})
    prompt = prompts.consistency(brief, written)
    try:
        said = await consult(EDITOR, prompt, ConsistencyEdit, sample=number)
    except (ModelUnavailable, BudgetSpent):
        return Edit(_by_piece(by_code(brief, written)), by_code=True)
    kept, dropped = standing(said.value.objections, written)
    return Edit(_by_piece(kept), dropped)


def _by_piece(objections: tuple[Objection, ...]) -> Objections:
    found: Objections = defaultdict(tuple)
    for objection in objections:
        found[objection.piece] += (objection,)
    return dict(found)
