"""Records of content production: the order, what each task gives, and the finished piece."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.case_policy import ModelPolicy
from workflows.data.common import CaseId, PartyId, Record

Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Material(Record):
    """A text the piece may rest on; facts cite its id."""

    id: PartyId
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


class ContentOrder(Record):
    """What is to be written, for whom, and from what.

    The figures wait `brief_wait` for the brief, then begin without it.
    """

    case: CaseId
    topic: Line
    audience: Line
    messages: Annotated[tuple[Line, ...], Field(min_length=1, max_length=10)]
    material: Annotated[tuple[Material, ...], Field(min_length=1, max_length=50)]
    words: Annotated[int, Field(ge=100, le=3000)] = 600
    brief_wait: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=5)
    models: ModelPolicy = ModelPolicy()

    @model_validator(mode="after")
    def _each_material_once(self) -> Self:
        twice = [i for i, n in Counter(m.id for m in self.material).items() if n > 1]
        if twice:
            raise ValueError(f"material: {twice[0]!r} is there twice; give each text its own id")
        return self


# ---- what models answer with -----------------------------------------------------------------


class ContentBrief(Record):
    """T1: what the piece is to reach, in which tone, with which points."""

    aim: str
    tone: str
    points: tuple[str, ...]


class SourcedFact(Record):
    """A statement and the ids of the material it is from."""

    text: str
    cites: tuple[str, ...]


class ResearchNotes(Record):
    """T2: what the material says on the brief's points."""

    notes: tuple[SourcedFact, ...]


class OutlineSection(Record):
    """A section as planned."""

    heading: str
    covers: str


class ContentOutline(Record):
    """T3: the order of the piece."""

    sections: tuple[OutlineSection, ...]


class FactSheet(Record):
    """T4: the statements the piece may make, with their material."""

    facts: tuple[SourcedFact, ...]


class Section(Record):
    """A section as written."""

    heading: str
    text: str


class ContentDraft(Record):
    """T5: the text."""

    title: str
    sections: tuple[Section, ...]


class Figure(Record):
    """A figure as an illustrator is told it."""

    name: str
    shows: str
    caption: str


class FigurePlan(Record):
    """T6: the figures, first from little, then from the text."""

    figures: tuple[Figure, ...]


class Placement(Record):
    """Below which heading a figure stands."""

    figure: str
    heading: str


class ContentLayout(Record):
    """T7: the lines under the title, and where the figures stand."""

    standfirst: str
    placements: tuple[Placement, ...]


class PieceCheck(Record):
    """T8: statements that the fact sheet does not bear out."""

    objections: tuple[str, ...]


# ---- what comes out --------------------------------------------------------------------------


class ContentOutcome(StrEnum):
    """What became of the piece."""

    READY = "ready"
    NEEDS_EDITOR = "needs_editor"
    """Something is missing, unchecked or not borne out; `gaps` and `objections` say what."""
    NOT_WRITTEN = "not_written"


class Revision(Record):
    """How the figures changed between their start and the text, by name."""

    began_with: tuple[str, ...]
    ended_with: tuple[str, ...]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class ContentSoFar(Record):
    """What there is by now; None: not yet, or never."""

    brief: ContentBrief | None = None
    outline: ContentOutline | None = None
    facts: FactSheet | None = None
    draft: ContentDraft | None = None
    figures: FigurePlan | None = None
    revision: Revision | None = None
    gaps: tuple[str, ...] = ()


class ContentPiece(Record):
    """The piece with what it rests on, and what is wrong with it."""

    case: CaseId
    outcome: ContentOutcome
    draft: ContentDraft | None
    layout: ContentLayout | None
    figures: tuple[Figure, ...]
    facts: tuple[SourcedFact, ...]
    objections: tuple[str, ...]
    revision: Revision | None
    gaps: tuple[str, ...]
    cost_usd: Decimal
    announced: bool = False
    """The editors' channel confirmed that it was told."""
