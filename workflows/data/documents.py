"""Documents: texts too long to travel, declared as such in the record that holds them.

A document travels as a reference to the blob store, or, as another service sends it, with its
text. `calls.KEEP_DOCUMENT` turns the one into the other, `calls.READ_DOCUMENT` back.
"""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import Record

LARGE = 32 * 1024
"""Bytes from which a text, or a payload of an activity, goes by reference."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Document(Record):
    """A text, by reference (`sha256` of its UTF-8 bytes and their `size`) or in itself (`text`)."""

    media_type: str = "text/plain"
    sha256: Sha256 | None = None
    size: Annotated[int, Field(ge=0)] = 0
    text: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.sha256 is None) == (self.text is None):
            raise ValueError("a document has either a text or the sha256 of one: give one of them")
        return self

    @property
    def by_reference(self) -> bool:
        """Say whether the text lies in the store."""
        return self.sha256 is not None
