"""Records of content generation: the brief, four pieces, and what the edit objects to."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from workflows.data.case_policy import ModelPolicy
from workflows.data.common import CaseId, CostView, Record

Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ContentBrief(Record):
    """The case file: what to write about, for whom, and the facts that may be told."""

    case: CaseId
    topic: Line
    audience: Line
    facts: Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
    models: ModelPolicy = ModelPolicy()


class PieceSpec(Record):
    """A kind of piece: which role writes it in which form, the least and most parts, the characters
    a part and the hashtags it may have.
    """

    role: str
    form: str
    parts: tuple[int, int]
    longest: int
    hashtags: int


class PieceDraft(Record):
    """What a model writes: the parts of a piece in order, and its hashtags without the sign."""

    parts: tuple[str, ...]
    hashtags: tuple[str, ...] = ()


class Objection(Record):
    """What the edit objects to in a piece: the words, copied from it, and why."""

    piece: str
    quote: str
    why: str


class ConsistencyEdit(Record):
    """A model's reading of all pieces side by side."""

    objections: tuple[Objection, ...]


class Piece(Record):
    """A piece and what became of it. `breaches` are limits it does not keep, `before` the parts it
    had when it was sent back with `objections`; `why` says why there is none, or no revision.
    """

    name: str
    state: Literal["as_drafted", "revised", "failed"]
    parts: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    breaches: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    why: str = ""


class ContentGenerated(Record):
    """How it ended. `unsettled` are objections that stand after the revisions, `dropped` those
    that quote what no piece says; `edit_by` is `code` where no model read the pieces.
    """

    case: CaseId
    pieces: tuple[Piece, ...] = ()
    unsettled: tuple[Objection, ...] = ()
    dropped: tuple[Objection, ...] = ()
    edit_by: Literal["model", "code"] = "model"
    cost: CostView = CostView()
