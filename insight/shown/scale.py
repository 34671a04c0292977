"""Where on a row a moment is drawn: a linear scale that cuts the longest waits short."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from insight.graph.clocks import Stretch, gaps, merged, total

CUT_CELLS = 3
MOST_CUTS = 4


@dataclass(frozen=True)
class Scale:
    """A row of `cells` cells over a stretch of time.

    `knots` are (moment, cell) in ascending order; between two of them time runs evenly. `cuts`
    are the waits cut short, ascending.
    """

    cells: int
    knots: tuple[tuple[datetime, float], ...]
    cuts: tuple[Stretch, ...]

    def at(self, moment: datetime) -> float:
        """Give the place of a moment, 0 to `cells`; outside the stretch, the nearer end."""
        place = bisect_right(self.knots, moment, key=lambda knot: knot[0])
        if place in (0, len(self.knots)):
            return self.knots[0][1] if place == 0 else self.knots[-1][1]
        (a, low), (b, high) = self.knots[place - 1 : place + 1]
        return low + (high - low) * ((moment - a) / (b - a))

    def cell(self, moment: datetime) -> int:
        """Give the cell a moment falls into, 0 to `cells` - 1."""
        return min(int(self.at(moment)), self.cells - 1)


def scale(busy: Sequence[Stretch], within: Stretch, cells: int) -> Scale:
    """Lay `within` out over `cells` cells.

    A wait longer than all the work together would leave the work no room, so it is drawn three
    cells wide, where the row is wide enough to still show the work.
    """
    cuts = _cuts(busy, within, cells)
    time = within[1] - within[0] - total(cuts)
    room = cells - CUT_CELLS * len(cuts)
    knots, passed, place = [(within[0], 0.0)], within[0], 0.0
    for start, end in cuts:
        place += room * ((start - passed) / time)
        whole = round(place)  # a cut begins and ends on a cell's edge
        knots += [(start, float(whole)), (end, float(whole + CUT_CELLS))]
        passed, place = end, place + CUT_CELLS
    if within[0] < within[1]:
        knots.append((within[1], float(cells)))
    return Scale(cells, tuple(knots), tuple(cuts))


def _cuts(busy: Sequence[Stretch], within: Stretch, cells: int) -> list[Stretch]:
    work = total(merged(busy))
    if not work:
        return []
    long = [(start, end) for start, end in gaps(busy, within) if end - start > work]
    longest = sorted(long, key=lambda wait: wait[0] - wait[1])
    return sorted(longest[: min(MOST_CUTS, cells // (4 * CUT_CELLS))])
