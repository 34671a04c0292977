"""How processes that write texts look to a person: the text, and what is still wrong with it."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.facts import plain
from workflows.data.content_generation import ContentGenerated, Objection, Piece
from workflows.data.content_production import (
    ContentDraft,
    ContentPiece,
    ContentSoFar,
    Figure,
    Placement,
    Revision,
)

_STYLE = {"ready": "bold green", "needs_editor": "bold yellow", "not_written": "bold red"}
_STATE = {"as_drafted": "green", "revised": "cyan", "failed": "red"}


def piece(record: ContentPiece) -> RenderableType:
    """Show a finished piece as it is laid out, then its facts, objections, gaps and cost."""
    head = Text(f"{record.case}: ", style="bold")
    head.append(record.outcome.replace("_", " "), style=_STYLE[record.outcome])
    parts: list[RenderableType] = [head]
    if record.draft and record.layout:
        standfirst = record.layout.standfirst
        parts += _draft(record.draft, standfirst, record.figures, record.layout.placements)
    parts += _list("facts", (f"{f.text} [{', '.join(f.cites)}]" for f in record.facts))
    parts += _wrong(record.objections, record.gaps)
    if record.revision:
        parts.append(Text(_revised(record.revision), style="dim"))
    told = "told" if record.announced else "not told, or nobody can tell"
    parts.append(Text(f"{record.cost_usd:.4f} US$; editors' channel: {told}", style="dim"))
    return Group(*parts)


def piece_so_far(record: ContentSoFar) -> RenderableType:
    """Show what there is of a piece: its text, or while there is none, what it will be."""
    parts: list[RenderableType] = []
    figures = record.figures.figures if record.figures else ()
    if record.draft:
        parts += _draft(record.draft, "", figures, ())
    else:
        parts += [Text(f"aim: {plain(record.brief.aim)}")] if record.brief else []
        planned = record.outline.sections if record.outline else ()
        parts += _list("outline", (f"{s.heading}: {s.covers}" for s in planned))
        parts += _list("figures", (f"{f.name}: {f.shows}" for f in figures))
    facts = record.facts.facts if record.facts else ()
    parts += _list("facts", (f"{f.text} [{', '.join(f.cites)}]" for f in facts))
    parts += _wrong((), record.gaps)
    return Group(*parts or [Text("nothing yet", style="dim")])


def generated(record: ContentGenerated) -> RenderableType:
    """Show the pieces, each with what was and what is wrong with it."""
    parts = [part for one in record.pieces for part in _piece(one)]
    parts += _list("still objected to", map(_objection, record.unsettled), "yellow")
    parts += _list("objections that quote what no piece says", map(_objection, record.dropped))
    by = "a model" if record.edit_by == "model" else "code: no model answered"
    cost = f"{record.cost.calls} model calls, {record.cost.usd:.4f} US$"
    return Group(*parts, Text(f"read side by side by {by}; {cost}", style="dim"))


def _draft(
    draft: ContentDraft,
    standfirst: str,
    figures: Sequence[Figure],
    placements: Iterable[Placement],
) -> Iterator[RenderableType]:
    """Write the text, each figure below the heading it stands under, the others at the end."""
    placed = {p.figure: p.heading for p in placements}
    yield Text(f"\n{plain(draft.title)}", style="bold underline")
    if standfirst:
        yield Text(plain(standfirst), style="italic")
    for section in draft.sections:
        yield Text(f"\n{plain(section.heading)}", style="bold")
        yield Text(plain(section.text))
        yield from (_figure(f) for f in figures if placed.get(f.name) == section.heading)
    headings = {s.heading for s in draft.sections}
    yield from (_figure(f) for f in figures if placed.get(f.name) not in headings)
    yield Text()


def _figure(figure: Figure) -> RenderableType:
    text = Text(f"[{plain(figure.name)}] {plain(figure.caption)}", style="cyan")
    text.append(f" ({plain(figure.shows)})", style="dim")
    return Padding(text, (0, 0, 0, 2))


def _piece(one: Piece) -> Iterator[RenderableType]:
    head = Text(one.name, style="bold")
    head.append(f"  {one.state.replace('_', ' ')}", style=_STATE[one.state])
    if one.why:
        head.append(f"  {plain(one.why)}", style="yellow")
    yield head
    yield from (Padding(Text(plain(part)), (0, 0, 0, 2)) for part in one.parts)
    if one.hashtags:
        tags = " ".join(f"#{plain(tag)}" for tag in one.hashtags)
        yield Padding(Text(tags, style="cyan"), (0, 0, 0, 2))
    yield from _list("breaks its limits", one.breaches, "yellow")
    yield from _list("sent back", (f"{plain(o.quote)!r}: {o.why}" for o in one.objections), "dim")
    yield Text()


def _objection(found: Objection) -> str:
    return f"{found.piece}, {found.quote!r}: {found.why}"


def _revised(told: Revision) -> str:
    changes = (("added", told.added), ("changed", told.changed), ("dropped", told.dropped))
    words = [f"{what} {', '.join(map(plain, names))}" for what, names in changes if names]
    since = f"figures begun with {' and '.join(told.began_with)}"
    return f"{since}; with the text: {'; '.join(words) or 'no change'}"


def _wrong(objections: Iterable[str], gaps: Iterable[str]) -> Iterator[RenderableType]:
    yield from _list("objections", objections, "yellow")
    yield from _list("gaps", gaps, "yellow")


def _list(title: str, lines: Iterable[str], style: str = "") -> Iterator[RenderableType]:
    """List some lines below their title; nothing for none."""
    if said := [Text(f"  - {plain(line)}", style=style) for line in lines]:
        yield Text(title, style="italic")
        yield from said
