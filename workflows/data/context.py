"""Records of what a model is told: pieces chosen and left out, parts of a text, what was summed up.

Sizes are estimated tokens (`tokens.py`).
"""

from typing import Annotated, Generic, TypeVar

from pydantic import Field, SerializeAsAny

from workflows.data.aggregate import DroppedCitation, MissingBranch
from workflows.data.common import Record
from workflows.data.documents import Document

T = TypeVar("T")
Tokens = Annotated[int, Field(ge=0)]


class Piece(Record):
    """Something a model may be told. A `required` one is never left out."""

    name: str
    text: str
    required: bool = False


class LeftOut(Record):
    """A piece that was not told, how large it is and why."""

    name: str
    tokens: Tokens
    why: str


class ContextRecord(Record):
    """What was told of what there was: `used` tokens of a `window` of which `reserve` was kept free
    for the question and the answer.
    """

    window: Tokens
    reserve: Tokens
    used: Tokens
    chosen: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


class Part(Record):
    """A stretch of a text: `text` is exactly its characters from `start` to before `end`."""

    name: str
    start: int
    end: int
    text: str


class PartRef(Record):
    """Where a part stands in the text it comes from."""

    name: str
    start: int
    end: int


class ReadDocument(Record, Generic[T]):
    """What a long text came to, citing its parts by name.

    `missing` are parts that no model read, `dropped` what was said without a part to rest on.
    `levels` counts how often notes were condensed before they fitted one question.
    """

    value: SerializeAsAny[T]
    parts: tuple[PartRef, ...]
    missing: tuple[MissingBranch, ...] = ()
    dropped: tuple[DroppedCitation, ...] = ()
    levels: int = 0


class Summary(Record):
    """What a model answers when it is asked to sum up."""

    text: str


class Summarised(Record):
    """What a summary replaced: the names of the entries, where their whole text is kept, and how
    many tokens became how many.
    """

    names: tuple[str, ...]
    original: Document
    before: Tokens
    after: Tokens
