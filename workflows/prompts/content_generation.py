"""Prompts of content generation."""

from collections.abc import Mapping

from workflows.data.content_generation import (
    ConsistencyEdit,
    ContentBrief,
    Piece,
    PieceDraft,
    PieceSpec,
)
from workflows.data.llm import Prompt
from workflows.prompts.documents import asking


def piece(
    brief: ContentBrief, name: str, spec: PieceSpec, before: tuple[str, ...], wrong: str
) -> Prompt:
    """Ask for a piece; after a first one, for another without what was wrong with it."""
    low, high = spec.parts
    return asking(
        f"write-{name}",
        f"Write {spec.form} about the topic for the audience: {low} to {high} parts of at most"
        f" {spec.longest} characters each, at most {spec.hashtags} hashtags. Tell the facts given"
        " and no others, with their numbers as they stand. If there is a piece `before`, mend what"
        " is `wrong` with it and leave the rest as it is.",
        {
            "piece": name,
            "topic": brief.topic,
            "audience": brief.audience,
            "facts": brief.facts,
            "limits": {"least": low, "most": high, "characters": spec.longest},
            "before": before,
            "wrong": wrong,
        },
        PieceDraft,
    )


def consistency(brief: ContentBrief, pieces: Mapping[str, Piece]) -> Prompt:
    """Ask what in the pieces contradicts the facts or another piece, or falls out of tone."""
    return asking(
        "consistency",
        "Read these pieces side by side. Object to what contradicts the facts or another piece, to"
        " a fact nobody gave, and to a tone that does not fit the others. quote: the words, copied"
        " from the piece. No objection to matters of taste.",
        {"facts": brief.facts, "pieces": {name: p.parts for name, p in pieces.items()}},
        ConsistencyEdit,
    )
