"""Content generation: the limits of each piece, and which objections count. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping

from workflows.data.content_generation import ContentBrief, Objection, Piece, PieceDraft, PieceSpec

SPECS = {
    "thread": PieceSpec(
        role="analyst",
        form="a thread of short posts that follow each other",
        parts=(3, 8),
        longest=280,
        hashtags=2,
    ),
    "post": PieceSpec(
        role="reviewer",
        form="one post for a business network",
        parts=(1, 1),
        longest=1_300,
        hashtags=5,
    ),
    "caption": PieceSpec(
        role="drafter",
        form="the caption of a picture",
        parts=(1, 1),
        longest=300,
        hashtags=8,
    ),
    "newsletter": PieceSpec(
        role="triage",
        form="a newsletter: the subject, then its paragraphs",
        parts=(2, 8),
        longest=900,
        hashtags=0,
    ),
}
"""The four pieces. House policy."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def breaches(name: str, draft: PieceDraft) -> tuple[str, ...]:
    """List the limits a draft does not keep."""
    return tuple(_breaches(SPECS[name], draft))


def _breaches(spec: PieceSpec, draft: PieceDraft) -> Iterator[str]:
    low, high = spec.parts
    if not low <= len(draft.parts) <= high:
        yield f"it has {len(draft.parts)} parts, {low} to {high} are wanted"
    for number, part in enumerate(draft.parts, 1):
        if not part.strip():
            yield f"part {number} is empty"
        if len(part) > spec.longest:
            yield f"part {number} has {len(part)} characters, {spec.longest} are allowed"
    if len(draft.hashtags) > spec.hashtags:
        yield f"it has {len(draft.hashtags)} hashtags, {spec.hashtags} are allowed"


def standing(
    objections: Iterable[Objection], pieces: Mapping[str, Piece]
) -> tuple[tuple[Objection, ...], tuple[Objection, ...]]:
    """Part objections into those whose words stand in their piece, and those to drop."""
    given = tuple(objections)
    kept = tuple(o for o in given if o.piece in pieces and _says(pieces[o.piece], o.quote))
    return kept, tuple(o for o in given if o not in kept)


def by_code(brief: ContentBrief, pieces: Mapping[str, Piece]) -> tuple[Objection, ...]:
    """Object to numbers that the brief does not hold, where no model reads the pieces."""
    known = set(_NUMBER.findall(" ".join((brief.topic, brief.audience, *brief.facts))))
    return tuple(
        Objection(piece=name, quote=number, why="the brief does not hold this number")
        for name, piece in pieces.items()
        for number in dict.fromkeys(_NUMBER.findall(" ".join(piece.parts)))
        if number not in known
    )


def _says(piece: Piece, quote: str) -> bool:
    wanted = " ".join(quote.split())
    return bool(wanted) and wanted in " ".join(" ".join(piece.parts).split())
