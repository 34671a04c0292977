"""The problem as a mixed-integer program: which way (0 or 1), and when each step begins.

Without limits it is exact and needs no large constants. Limits come in as what is done in all
(time x places, and calls) against what the limit bears until the deadline: less than a schedule
needs, so a schedule is tried out afterwards (see `solved`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from insight.plan.optimise.problem import Problem, loss_allowed
from workflows.data.blueprints.choices import Objective, Wish

SCALE = 1_000.0
"""What the deadline is counted as, so that times of days and of milliseconds are solved alike."""


@dataclass
class Program:
    """Minimise `costs` over columns within bounds, so that each row's sum lies within its own."""

    costs: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[float, float, list[tuple[int, float]]]] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    """Values of a plan that is known already, for a solver to begin with."""

    def column(self, lower: float, upper: float, *, whole: bool = False) -> int:
        """Add a column, free of charge; give its number."""
        self.costs.append(0.0)
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.costs) - 1


@dataclass(frozen=True)
class Answer:
    """What a solver found: a value per column, how it ended, and the gap it could not close."""

    values: tuple[float, ...]
    status: str
    gap: float


def program(
    problem: Problem, wish: Wish, deadline: int, known: Sequence[int]
) -> tuple[Program, list[list[int]]]:
    """Write the program, for all to end by `deadline`; and give the column of each way.

    For `fastest` the deadline is an end that is known to be reached. `known` is a plan to begin
    with.
    """
    made, unit = Program(), SCALE / deadline
    fast = problem.board(problem.quickest())
    earliest, latest = fast.ends(), fast.latest(deadline)
    last = made.column(0.0, SCALE) if wish.objective is Objective.FASTEST else None
    takes = [[way.planned * unit for way in ways] for ways in problem.ways]
    columns: list[list[int]] = []
    begins: list[int] = []
    for step, ways in enumerate(problem.ways):
        least = min(way.planned for way in ways)
        room = latest[step] - earliest[step] + least
        columns.append(
            [made.column(0, float(way.planned <= max(room, least)), whole=True) for way in ways]
        )
        start = (earliest[step] - least) * unit
        begins.append(made.column(start, max(start, (latest[step] - least) * unit)))
        made.rows.append((1.0, 1.0, [(column, 1.0) for column in columns[step]]))
    _flow(made, problem, columns, begins, takes, last)
    _price(made, problem, wish, columns, last)
    _limit(made, problem, columns, deadline)
    made.known = [0.0] * len(made.costs)
    ends = problem.board(known).ends()
    for step, chosen in enumerate(known):
        made.known[columns[step][chosen]] = 1.0
        made.known[begins[step]] = ends[step] * unit - takes[step][chosen]
    if last is not None:
        made.known[last] = max(ends) * unit
    return made, columns


def _flow(
    made: Program,
    problem: Problem,
    columns: list[list[int]],
    begins: list[int],
    takes: list[list[float]],
    last: int | None,
) -> None:
    """Let each step begin when its needs have ended, and the last ones end in time."""
    followed = {need for needs in problem.needs for need in needs}
    for step in range(len(problem.ways)):
        for need in _direct(problem, step):
            before = [(c, -t) for c, t in zip(columns[need], takes[need], strict=True)]
            made.rows.append((0.0, inf, [(begins[step], 1.0), (begins[need], -1.0), *before]))
        if step not in followed:
            end = [(begins[step], 1.0), *zip(columns[step], takes[step], strict=True)]
            if last is not None:
                made.rows.append((-inf, 0.0, [*end, (last, -1.0)]))
            else:
                made.rows.append((-inf, SCALE, end))


def _direct(problem: Problem, step: int) -> list[int]:
    """Leave out needs that another need waits for anyway."""
    needs = problem.needs[step]
    return [
        need
        for need in needs
        if not any(need in problem.needs[other] for other in needs if other > need)
    ]


def _price(
    made: Program, problem: Problem, wish: Wish, columns: list[list[int]], last: int | None
) -> None:
    """Set what is minimised, and the rows of the budget and of quality."""
    cells = [
        (column, way)
        for numbers, ways in zip(columns, problem.ways, strict=True)
        for column, way in zip(numbers, ways, strict=True)
    ]
    costs = [(column, way.micro_usd / 1_000) for column, way in cells]
    losses = [(column, way.loss / 1_000) for column, way in cells]
    if last is not None:
        made.costs[last] = 1.0
    for column, value in costs if wish.objective is Objective.CHEAPEST else losses:
        if wish.objective is not Objective.FASTEST:
            made.costs[column] = value
    if wish.micro_usd is not None:
        made.rows.append((-inf, wish.micro_usd / 1_000, costs))
    if (allowed := loss_allowed(wish)) is not None:
        made.rows.append((-inf, allowed / 1_000, losses))


def _limit(made: Program, problem: Problem, columns: list[list[int]], deadline: int) -> None:
    """Add what limits bear until the deadline."""
    for name, limit in problem.plan.limits.items():
        used = [
            (columns[step][i], step, way.planned)
            for step, ways in enumerate(problem.ways)
            for i, way in enumerate(ways)
            if way.limit == name
        ]
        if limit.at_once is not None and used:
            work = [(c, t / deadline * problem.places(step, name)) for c, step, t in used]
            made.rows.append((-inf, float(limit.at_once), work))
        if limit.per_minute is not None and used:
            calls = [(c, float(problem.steps[step].times)) for c, step, _ in used]
            most = limit.per_minute * (deadline // 60_000 + 1)
            made.rows.append((-inf, float(most), calls))
