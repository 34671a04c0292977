"""What a writer, an illustrator and a checker answer, by plain rules over the documents."""

import re
from collections.abc import Iterable, Sequence

from simulator.brain.documents import Document
from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentLayout,
    ContentOutline,
    FactSheet,
    Figure,
    FigurePlan,
    Material,
    OutlineSection,
    PieceCheck,
    Placement,
    ResearchNotes,
    Section,
    SourcedFact,
)

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[a-z0-9]{3,}")
_NUMBER = re.compile(r"\d[\d.,]*")
MOST_FIGURES = 3


class _Order(Document):
    topic: str
    audience: str
    messages: tuple[str, ...]


class BriefDocuments(Document):
    """For ContentBrief."""

    order: _Order


class ResearchDocuments(Document):
    """For ResearchNotes."""

    brief: ContentBrief
    material: tuple[Material, ...]


class OutlineDocuments(Document):
    """For ContentOutline."""

    brief: ContentBrief
    notes: tuple[SourcedFact, ...]


class FactDocuments(Document):
    """For FactSheet."""

    notes: tuple[SourcedFact, ...]
    material: tuple[Material, ...]


class DraftDocuments(Document):
    """For ContentDraft."""

    topic: str
    outline: tuple[OutlineSection, ...]
    facts: tuple[SourcedFact, ...]


class FigureDocuments(Document):
    """For FigurePlan: to begin with an order, at the end a sketch and a text."""

    order: _Order | None = None
    brief: ContentBrief | None = None
    sketch: tuple[Figure, ...] = ()
    draft: ContentDraft | None = None


class LayoutDocuments(Document):
    """For ContentLayout."""

    draft: ContentDraft
    figures: tuple[Figure, ...]


class CheckDocuments(Document):
    """For PieceCheck."""

    draft: ContentDraft
    standfirst: str
    figures: tuple[Figure, ...]
    facts: tuple[SourcedFact, ...]


def brief(told: BriefDocuments) -> ContentBrief:
    """Say the order in other words."""
    order = told.order
    aim = f"Help {order.audience} decide about {order.topic}."
    return ContentBrief(aim=aim, tone="plain and exact", points=order.messages)


def research(told: ResearchDocuments) -> ResearchNotes:
    """Note every sentence of the material."""
    return ResearchNotes(notes=tuple(_sentences(told.material)))


def outline(told: OutlineDocuments) -> ContentOutline:
    """Plan a section for each point."""
    planned = (OutlineSection(heading=p, covers=_nearest(p, told.notes)) for p in told.brief.points)
    return ContentOutline(sections=tuple(planned))


def facts(told: FactDocuments) -> FactSheet:
    """Keep the notes that stand in the material to the letter."""
    there = {f.text for f in _sentences(told.material)}
    return FactSheet(facts=tuple(n for n in told.notes if n.text in there))


def draft(told: DraftDocuments) -> ContentDraft:
    """Put every fact into the section it has most words in common with."""
    texts: list[list[str]] = [[] for _ in told.outline]
    for fact in told.facts if told.outline else ():
        shared = [_shared(fact.text, f"{s.heading} {s.covers}") for s in told.outline]
        texts[shared.index(max(shared))].append(fact.text)
    sections = (
        Section(heading=s.heading, text=" ".join(text) or "More on this later.")
        for s, text in zip(told.outline, texts, strict=True)
    )
    return ContentDraft(title=told.topic.capitalize(), sections=tuple(sections))


def figures(told: FigureDocuments) -> FigurePlan:
    """Begin with one figure a point; with a text, show the numbers of its sections."""
    if told.draft is None:
        points = told.brief.points if told.brief else told.order.messages if told.order else ()
        begun = [Figure(name=f"figure-{n}", shows=p, caption=p) for n, p in enumerate(points, 1)]
        return FigurePlan(figures=tuple(begun[:MOST_FIGURES]))
    with_numbers = [s for s in told.draft.sections if _NUMBER.search(s.text)]
    done = [
        Figure(
            name=f"figure-{n}",
            shows=f"{s.heading}: {', '.join(x.rstrip('.,') for x in _NUMBER.findall(s.text))}",
            caption=s.heading,
        )
        for n, s in enumerate(with_numbers[:MOST_FIGURES], 1)
    ]
    return FigurePlan(figures=tuple(done) or told.sketch)


def layout(told: LayoutDocuments) -> ContentLayout:
    """Place each figure below the heading its caption repeats, else below the last."""
    headings = [s.heading for s in told.draft.sections] or [told.draft.title]
    placed = (
        Placement(figure=f.name, heading=f.caption if f.caption in headings else headings[-1])
        for f in told.figures
    )
    first = _SENTENCE.split(told.draft.sections[0].text)[0] if told.draft.sections else ""
    return ContentLayout(standfirst=first, placements=tuple(placed))


def check(told: CheckDocuments) -> PieceCheck:
    """Object to every number that no fact holds."""
    borne = {n.rstrip(".,") for f in told.facts for n in _NUMBER.findall(f.text)}
    texts = [told.draft.title, told.standfirst, *(s.text for s in told.draft.sections)]
    texts += [f"{f.shows} {f.caption}" for f in told.figures]
    wrong = {n.rstrip(".,") for text in texts for n in _NUMBER.findall(text)} - borne
    return PieceCheck(objections=tuple(f"{n} is in no fact." for n in sorted(wrong)))


def _sentences(material: Iterable[Material]) -> list[SourcedFact]:
    return [
        SourcedFact(text=sentence.strip(), cites=(m.id,))
        for m in material
        for sentence in _SENTENCE.split(m.text)
        if sentence.strip()
    ]


def _nearest(point: str, notes: Sequence[SourcedFact]) -> str:
    return max((n.text for n in notes), key=lambda text: _shared(point, text), default=point)


def _shared(one: str, other: str) -> int:
    return len(set(_WORD.findall(one.lower())) & set(_WORD.findall(other.lower())))
