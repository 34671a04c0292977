"""A plan drawn in time: a row a step, the critical path darker, long waits cut short."""

from datetime import UTC, datetime, timedelta

from rich.text import Text

from insight.graph.flow import Wait
from insight.plan.critical import Critical, Place
from insight.shown.inks import BESIDE, CUT, WAITS, Ink
from insight.shown.scale import Scale, scale

_START = datetime(2000, 1, 1, tzinfo=UTC)
_SLACK = Ink("·", ".", "dim", "may be so late")


def bars(found: Critical, cells: int, *, plain: bool) -> list[Text]:
    """Draw each step in the order of its places, `cells` wide."""
    busy = [(_at(p.start), _at(p.end)) for p in found.places if not p.waits]
    row = scale(busy, (_START, _at(found.bound)), cells)
    return [_bar(place, row, plain=plain) for place in found.places]


def legend(found: Critical, *, plain: bool) -> Text:
    """Say what is drawn how."""
    inks = [WAITS[Wait.RUN], BESIDE, _SLACK]
    words = ["on the critical path", "beside it", _SLACK.word]
    if any(place.waits for place in found.places):
        inks += [WAITS[Wait.PERSON], CUT]
        words += ["waits for people or events", CUT.word]
    line = Text()
    for ink, word in zip(inks, words, strict=True):
        line.append(ink.plain if plain else ink.glyph, style=ink.style)
        line.append(f" {word}  ", style="dim")
    return line


def _at(seconds: float) -> datetime:
    return _START + timedelta(seconds=seconds)


def _bar(place: Place, row: Scale, *, plain: bool) -> Text:
    ink = WAITS[Wait.PERSON] if place.waits else WAITS[Wait.RUN] if place.critical else BESIDE
    cells: list[Ink | None] = [None] * row.cells
    first, last = row.cell(_at(place.start)), row.at(_at(place.end))
    end = max(first + 1, round(last))
    for cell in range(end, round(row.at(_at(place.latest)))):
        cells[cell] = _SLACK
    if place.seconds:
        cells[first:end] = [ink] * (end - first)
    for start, stop in row.cuts:
        middle = (row.cell(start) + round(row.at(stop))) // 2
        if place.waits and first <= middle < end:
            cells[middle] = CUT
    line = Text()
    for drawn in cells[: row.cells]:
        line.append(
            " " if drawn is None else drawn.plain if plain else drawn.glyph,
            style="" if drawn is None else drawn.style,
        )
    return line
