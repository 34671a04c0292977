"""How a simulated model writes pieces about a topic, and reads them side by side."""

import re
from textwrap import shorten

from simulator.brain.documents import EditDocuments, PieceDocuments
from workflows.data.content_generation import ConsistencyEdit, Objection, PieceDraft

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LARGE = re.compile(r"\b(\d{1,3}),(?!000)\d{3}\b")


def piece(documents: PieceDocuments) -> PieceDraft:
    """Tell the facts in the form asked for. A first caption rounds large numbers."""
    limits = documents.limits
    parts = [documents.topic, *documents.facts]
    if documents.piece == "caption":
        parts = parts[:2]
        if not documents.wrong:
            parts = [_LARGE.sub(r"\g<1>,000", part) for part in parts]
    if limits.most == 1:
        parts = [" ".join(parts)]
    while len(parts) < limits.least:
        parts.append("More soon.")
    short = (shorten(p, limits.characters, placeholder=" ...") for p in parts[: limits.most])
    return PieceDraft(parts=tuple(short))


def consistency(documents: EditDocuments) -> ConsistencyEdit:
    """Object to each number that no fact holds."""
    known = set(_NUMBER.findall(" ".join(documents.facts)))
    return ConsistencyEdit(
        objections=tuple(
            Objection(piece=name, quote=number, why="no fact says this number")
            for name, parts in documents.pieces.items()
            for number in dict.fromkeys(_NUMBER.findall(" ".join(parts)))
            if number not in known
        )
    )
