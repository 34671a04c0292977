"""How an analysed plan looks in a terminal: the graph in time first, then what follows from it."""

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.plans.gantt import bars, legend
from cli.plans.reading import Planned
from insight.plan.analysis import Analysis
from insight.plan.clusters import Cluster
from insight.plan.montecarlo import Guess, Simulated
from insight.plan.readiness import Question
from insight.plan.savings import Savings
from insight.plan.sheet import Sheet, seconds
from insight.shown.words import clear, counted, fitted, percent

WIDEST = 24
"""Cells of a step's name."""
_FIGURES = 30
"""Cells of the figures beside the bars."""
_LEAST = 10
_SHOWN = 8
"""Parts of a stage that are named."""


def shown(
    of: Planned, found: Analysis, questions: Sequence[Question], console: Console
) -> RenderableType:
    """Show one plan, within the console's width."""
    parts: list[RenderableType] = [
        _head(of, found, plain=console.options.ascii_only),
        _steps(found, console),
        *_limits(found),
    ]
    parts += _clusters(found)
    if found.savings:
        parts.append(_savings(found.savings, found.usd))
    parts += [_sheet(found.sheet), _readiness(questions)]
    return Group(*(line for part in parts for line in (part, Text())))


def _head(of: Planned, found: Analysis, *, plain: bool) -> RenderableType:
    way, many, sign = found.critical, found.simulated, "+-" if plain else "±"
    title = f"{found.name}: {counted(len(of.plan.steps), 'step')}"
    free = f", {found.free} of which can run beside another" if found.free else ""
    lines = [Text(title + free, style="bold"), Text(found.sheet.verdict), Text()]
    table = _table("", "")
    table.add_row("bound", f"{seconds(way.bound)} along {' -> '.join(way.path)}")
    table.add_row("in order", seconds(way.in_order))
    if way.waiting:
        people = f"{seconds(way.waiting)} of it waiting for people or events"
        table.add_row("", people)
    if way.machine_in_order != way.in_order:
        alone = f"{seconds(way.machine)} at least, {seconds(way.machine_in_order)} in order"
        table.add_row("machine alone", alone)
    table.add_row("expected", _expected(many, sign))
    if many.works < 1:
        table.add_row("all steps work", percent(many.works))
    if many.in_time is not None:
        table.add_row("within the deadline", _share(many.in_time, sign))
    table.add_row("durations", _durations(of))
    for number, line in enumerate(of.assumed):
        table.add_row("" if number else "assumed", line)
    return Group(*lines, table)


def _expected(many: Simulated, sign: str) -> str:
    quantiles = {"p50": many.p50, "p95": many.p95, "p99": many.p99}
    said = ", ".join(f"{name} {_time(guess, sign)}" for name, guess in quantiles.items())
    return f"{said}; {many.runs:,} runs, seed {many.seed}"


def _time(guess: Guess, sign: str) -> str:
    error = float(f"{guess.error:.2g}")
    return seconds(guess.value) + (f" {sign} {seconds(error)}" if error else "")


def _share(guess: Guess, sign: str) -> str:
    return f"{percent(guess.value)} {sign} {guess.error * 100:.1f} points"


def _durations(of: Planned) -> str:
    if of.snapshot is None:
        return "as given by `takes`, else guessed by kind; models scatter as the catalogue says"
    count = len(of.learned)
    return f"learned of {counted(count, 'step')} (snapshot {of.snapshot}), else as given"


def _steps(found: Analysis, console: Console) -> RenderableType:
    plain = console.options.ascii_only
    name = min(WIDEST, max(len(place.step) for place in found.critical.places))
    cells = max(_LEAST, console.width - name - _FIGURES)
    chance = {binding.step: binding for binding in found.simulated.bindings}
    table = _table("step", "in time", "takes", "slack", "critical")
    for column in table.columns[2:]:
        column.justify = "right"
    for place, bar in zip(
        found.critical.places, bars(found.critical, cells, plain=plain), strict=True
    ):
        slack = seconds(place.slack) if place.slack else "-"
        label = fitted(clear(place.step, plain=plain), name, plain).rstrip()
        often = percent(chance[place.step].criticality) if place.seconds else ""
        table.add_row(label, bar, seconds(place.seconds), slack, often)
    return Group(table, legend(found.critical, plain=plain))


def _limits(found: Analysis) -> Iterator[RenderableType]:
    held = found.contention
    if not held.demands:
        return
    table = _table("asked for", "most at once", "bears at once", "a minute", "calls", "busy")
    for column in table.columns[1:]:
        column.justify = "right"
    for demand in held.demands:
        used = found.simulated.usage.get(demand.limit)
        table.add_row(
            demand.limit,
            str(demand.peak),
            str(demand.at_once or "not said"),
            str(demand.per_minute or ""),
            f"{demand.calls:,}",
            "" if used is None else percent(used),
        )
    yield table
    if held.took > found.bound:
        by = (
            f" ({held.bound_by} allows no less than {seconds(held.bound)})" if held.bound_by else ""
        )
        yield Text(f"under these limits: {seconds(held.took)}{by}")


def _clusters(found: Analysis) -> Iterator[RenderableType]:
    for stage in found.stages:
        after = f"after {stage.after}" if stage.after else "from the start"
        title = f"{after}: {len(stage.clusters)} independent parts, balance {stage.balance:.2f}"
        table = _table(title, "longest way")
        table.columns[1].justify = "right"
        for cluster in sorted(stage.clusters, key=lambda c: -c.length)[:_SHOWN]:
            table.add_row(_names(cluster), seconds(cluster.length))
        if (more := len(stage.clusters) - _SHOWN) > 0:
            table.add_row(f"and {more} more: --json", "")
        yield table


def _names(cluster: Cluster) -> str:
    shown_names = ", ".join(cluster.steps[:4])
    more = len(cluster.steps) - 4
    return shown_names if more <= 0 else f"{shown_names} and {more} more"


def _savings(saved: Savings, usd: float) -> RenderableType:
    table = _table("saved a year", "hours", "money")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row(f"{seconds(saved.seconds)} a case", f"{saved.hours:,.1f}", _money(saved.money))
    less = f"less {seconds(saved.overhead)} of coordination"
    table.add_row(less, f"{saved.net_hours:,.1f}", _money(saved.net_money))
    month = f"models cost {saved.month_models:,.2f} US dollars a month ({usd:.4f} a case)"
    if saved.month_value is not None:
        month += f", the time saved is worth {saved.month_value:,.2f}"
    return Group(table, Text(month, style="dim"))


def _money(value: float | None) -> str:
    return "say --hourly" if value is None else f"{value:,.0f}"


def _sheet(sheet: Sheet) -> RenderableType:
    table = _table("dimension", "", "why")
    table.columns[1].justify = "right"
    for line in sheet.lines:
        table.add_row(line.dimension.value, f"{line.score:+d}" if line.score else "0", line.reason)
    table.add_row("total", f"{sheet.total:+d}", "above 0 speaks for parallel, below for in order")
    return table


def _readiness(questions: Sequence[Question]) -> RenderableType:
    table = _table("before it runs", "", "")
    words = {True: "yes", False: "no", None: "?"}
    for question in questions:
        table.add_row(question.asks, words[question.well], question.says)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
