"""Content production: what stands in for a model, what a fact must cite, what was revised. Pure."""

from collections.abc import Iterable, Sequence

from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentLayout,
    ContentOrder,
    ContentOutcome,
    ContentOutline,
    Figure,
    FigurePlan,
    OutlineSection,
    Placement,
    Revision,
    SourcedFact,
)


def brief_of(order: ContentOrder) -> ContentBrief:
    """Make the plain brief: the order's own words."""
    return ContentBrief(
        aim=f"Tell {order.audience} about {order.topic}", tone="plain", points=order.messages
    )


def outline_of(brief: ContentBrief) -> ContentOutline:
    """Make the plain outline: a section for each point."""
    return ContentOutline(sections=tuple(OutlineSection(heading=p, covers=p) for p in brief.points))


def sourced(facts: Iterable[SourcedFact], order: ContentOrder) -> tuple[SourcedFact, ...]:
    """Keep the facts that cite material of the order, and nothing else."""
    known = {m.id for m in order.material}
    return tuple(f for f in facts if f.cites and known.issuperset(f.cites))


def layout_of(draft: ContentDraft, figures: Sequence[Figure]) -> ContentLayout:
    """Make the plain layout: figures in their order, one a section, the rest below the last."""
    headings = [s.heading for s in draft.sections] or [draft.title]
    placed = (
        Placement(figure=f.name, heading=headings[min(n, len(headings) - 1)])
        for n, f in enumerate(figures)
    )
    return ContentLayout(standfirst="", placements=tuple(placed))


def fits(layout: ContentLayout, draft: ContentDraft, figures: Sequence[Figure]) -> bool:
    """Say whether a layout places each figure once, below a heading that is there."""
    placed = [p.figure for p in layout.placements]
    headings = {s.heading for s in draft.sections}
    once = sorted(placed) == sorted(f.name for f in figures)
    return once and all(p.heading in headings for p in layout.placements)


def revision(sketch: FigurePlan, final: FigurePlan, began: Sequence[str]) -> Revision:
    """Compare the figures as begun with the figures as finished."""
    before, after = ({f.name: f for f in plan.figures} for plan in (sketch, final))
    return Revision(
        began_with=tuple(began),
        ended_with=("order", "brief", "draft"),
        added=tuple(n for n in after if n not in before),
        changed=tuple(n for n in after if n in before and after[n] != before[n]),
        dropped=tuple(n for n in before if n not in after),
    )


def outcome(
    draft: ContentDraft | None, objections: Sequence[str], gaps: Sequence[str]
) -> ContentOutcome:
    """Say what became of the piece; only one without gap or objection is ready."""
    if draft is None:
        return ContentOutcome.NOT_WRITTEN
    return ContentOutcome.NEEDS_EDITOR if objections or gaps else ContentOutcome.READY
