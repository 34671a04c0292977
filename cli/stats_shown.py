"""How statistics look in a terminal: most important first, within 80 columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from insight.shown.inks import WAITS
from insight.shown.words import counted, dollars, length
from insight.statistics.compare import Difference, Finding, Group
from insight.statistics.figures import Figure, Ratio, Unit
from insight.statistics.significance import LEAST
from insight.statistics.stats import Stats
from insight.statistics.worth import Satisfaction, Savings

SHOWN = 10
"""Lines of a table; `--json` has them all."""
WIDEST = 28
"""Cells of a name."""
_WORDED = {f"critical: {wait}": f"critical: {ink.word}" for wait, ink in WAITS.items()} | {
    f"({wait})": f"({ink.word})" for wait, ink in WAITS.items()
}


def report(
    of: Stats,
    by: str,
    grouped: Sequence[Group],
    sides: tuple[int, int] | None,
    compared: Sequence[Difference],
) -> RenderableType:
    """Show a process: its figures, then what was asked for besides."""
    parts: list[RenderableType] = [_head(of), _figures(of)]
    if sides is not None:
        parts.append(_compared(compared, sides))
    if of.bottlenecks:
        parts.append(_bottlenecks(of))
    parts += [_groups("path", of.paths), *_dead(of)]
    if grouped:
        parts.append(_groups(by, grouped))
    if of.iterations:
        parts.append(_iterations(of.iterations))
    parts.append(_sections(of))
    newer = of.cases - of.cases // 2
    halves = (of.cases - newer, newer)
    parts.append(
        _differences(f"drift: older half ({halves[0]}) and newer ({newer})", of.drift, halves)
    )
    parts.append(_satisfaction(of.satisfaction))
    if of.savings is not None:
        parts.append(_savings(of.savings))
    return Stack(*(line for part in parts for line in (part, Text())))


def overview(of: Iterable[Stats], still_open: int) -> RenderableType:
    """Show several workflow types, a line each; open runs are only counted."""
    table = _table("workflow type", "cases", "p50", "p95", "errors")
    table.add_column("most time on", no_wrap=True, overflow="ellipsis", max_width=20)
    for one in of:
        figure = one.figures[0]
        first = one.bottlenecks[0] if one.bottlenecks else None
        table.add_row(
            _name(one.process, 22),
            str(one.cases),
            *(value(v, Unit.SECONDS) for v in (figure.p50, figure.p95)),
            _percent(one.errors),
            f"{first.share:.0%} {_worded(first.name)}" if first else "",
        )
    if still_open:
        table.caption = f"left out: {counted(still_open, 'open run')}"
        table.caption_justify = "left"
    return table


def value(found: float | None, unit: Unit) -> str:
    """Write a figure in its unit; nothing for what is not known."""
    if found is None:
        return ""
    if unit is Unit.SECONDS:
        return length(timedelta(seconds=found))
    if unit is Unit.SHARE:
        return f"{found:.1%}" if found >= 0.01 or not found else f"{found:.2%}"
    if unit is Unit.USD:
        return dollars(found)
    return f"{found:,.0f}" if unit is Unit.TOKENS else f"{found:,.3g}"


def ratio(of: Ratio) -> str:
    """Write a ratio with what it is of."""
    return f"{of.share:.1%} ({of.part} of {of.of})"


def _percent(of: Ratio) -> str:
    return f"{of.share:.0%}"


def _worded(name: str) -> str:
    """Call a wait what a report of one run calls it."""
    return _WORDED.get(name, name or "(case)")


def _name(text: str, widest: int = WIDEST) -> Text:
    name = Text(_worded(text), no_wrap=True, overflow="ellipsis")
    name.truncate(widest, overflow="ellipsis")
    return name


def _table(first: str, *columns: str, title: str = "") -> Table:
    table = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _head(of: Stats) -> Text:
    text = Text(f"{of.process}: {counted(of.cases, 'closed case')}", style="bold")
    text.append(f"  {of.since:%Y-%m-%d %H:%M} to {of.until:%Y-%m-%d %H:%M} UTC", style="not bold")
    states = ", ".join(f"{status} {count}" for status, count in of.statuses.items())
    text.append(f"\n{states}; errors {ratio(of.errors)}; {of.running} running", style="not bold")
    daily = "1 case" if of.rates.per_day == 1 else f"{of.rates.per_day:,.3g} cases"
    rates = f"\n{daily} a day, {of.rates.per_hour:,.3g} an hour"
    if of.rates.items:
        rates += f"; {of.rates.items:,} items, {of.rates.items_per_day:,.3g} a day"
    text.append(rates, style="not bold")
    if of.simulated:
        simulated = f"\nmodel calls simulated in {counted(of.simulated, 'case')}: nothing paid"
        text.append(simulated, style="dim")
    if of.with_children:
        children = f"\n{counted(of.with_children, 'case')} had children: "
        text.append(children + "their cost is in their own statistics", style="dim")
    return text


_SUMMED = (Unit.SECONDS, Unit.USD, Unit.TOKENS)


def _figures(of: Stats) -> RenderableType:
    table = _table("a case", "n", "p50", "p95", "per 100 cases", "per day")
    for one in of.figures:
        rates = (one.mean * 100, one.total / of.rates.days) if one.unit in _SUMMED else ()
        name = f"{one.name}{' US$' if one.unit is Unit.USD else ''}"
        shown = (one.p50, one.p95, *rates)
        table.add_row(_name(name), str(one.n), *(value(v, one.unit) for v in shown))
    few = "; p95 of fewer than 20 cases is the most there was" if of.cases < 20 else ""
    return Stack(table, Text(f"critical: on the critical path{few}", style="dim"))


def _bottlenecks(of: Stats) -> Table:
    table = _table(
        *("on the critical path", "share", "in cases", "older half", "newer", "trend"),
        title="where the time goes",
    )
    for one in of.bottlenecks[:SHOWN]:
        rising = "up" if one.newer > one.older else "down"
        trend = rising if one.trend is Finding.DIFFERS else str(one.trend)
        table.add_row(
            _name(one.name),
            f"{one.share:.1%}",
            f"{one.cases.part} of {one.cases.of}",
            *(f"{one.older:.1%}" if one.cases.of > 1 else "", f"{one.newer:.1%}", trend),
        )
    return table


def _groups(by: str, of: Sequence[Group]) -> RenderableType:
    columns = ("cases", "p50", "US$", "rating", "sure", "errors")
    table = _table(by, *columns, title=f"by {by}")
    for one in of[:SHOWN]:
        table.add_row(
            _name(one.name),
            f"{one.runs.part} ({_percent(one.runs)})",
            value(one.p50, Unit.SECONDS),
            value(one.usd, Unit.USD),
            "" if one.rating is None else f"{one.rating:.1f} ({one.rated})",
            "" if one.confidence is None else f"{one.confidence:.2f}",
            f"{one.errors.part}",
        )
    told = Text("outcomes, and what differs: all others -> these\n", style="italic")
    for one in of[:SHOWN]:
        outcomes = ", ".join(f"{name} {count}" for name, count in one.outcomes.items())
        told.append(f"  {one.name or '(case)'}: {outcomes}\n", style="not italic dim")
        for found in one.differs:
            told.append(f"    differs: {_change(found)}\n", style="not italic yellow")
    if len(of) > SHOWN:
        told.append(f"  and {len(of) - SHOWN} more, see --json\n", style="dim")
    told.rstrip()
    return Stack(table, told)


def _dead(of: Stats) -> list[RenderableType]:
    if not of.dead:
        return []
    return [
        Text(
            f"paths nobody took in {counted(of.cases, 'case')}: {', '.join(of.dead)}",
            style="yellow",
        )
    ]


def _iterations(of: Sequence[Figure]) -> Table:
    table = _table("rounds", "cases", "p50", "p95", "mean", title="iterations")
    for one in of[:SHOWN]:
        table.add_row(
            _name(one.name), str(one.n), f"{one.p50:g}", f"{one.p95:g}", f"{one.mean:.2f}"
        )
    return table


def _sections(of: Stats) -> RenderableType:
    bad = [one for one in of.sections if one.failed.part or one.retries]
    if not bad:
        return Text(f"no call failed or was retried, in {counted(of.cases, 'case')}")
    table = _table(
        "section", "cases with a failed call", "calls", "retries", title="failures by section"
    )
    for one in bad[:SHOWN]:
        table.add_row(_name(one.name), ratio(one.failed), str(one.calls), str(one.retries))
    return table


def _change(of: Difference) -> str:
    figures = " -> ".join(value(v, of.unit) or "?" for v in (of.before, of.after))
    chance = "" if of.p is None else f" (p {of.p:.2g})"
    return f"{_worded(of.name)} {figures}{chance}"


def _differences(title: str, found: Sequence[Difference], sides: tuple[int, int]) -> RenderableType:
    """Show what differs; what may be chance is only counted, and too few cases are said so."""
    text = Text(title, style="italic")
    if min(sides) < LEAST:
        text.append(f"\n  too few cases to tell: {LEAST} are needed on each side", style="dim")
        return text
    differs = [one for one in found if one.finding is Finding.DIFFERS]
    for one in differs:
        text.append(f"\n  {_change(one)}", style="not italic yellow")
    rest = sum(one.finding is Finding.NO_EVIDENCE for one in found)
    few = len(found) - len(differs) - rest
    if not differs:
        text.append("\n  no evidence of a difference", style="not italic")
    counts = f"{len(found)} measures compared" + (f", {few} with too few cases" if few else "")
    text.append(f"\n  {counts}; p is corrected for their number", style="dim")
    return text


def _compared(found: Sequence[Difference], sides: tuple[int, int]) -> Table:
    title = f"before ({sides[0]} cases) and after ({sides[1]}); medians and shares"
    table = _table("measure", "before", "after", "p", "finding", title=title)
    for one in found:
        shown = (value(one.before, one.unit), value(one.after, one.unit))
        chance = "" if one.p is None else f"{one.p:.2g}"
        style = "yellow" if one.finding is Finding.DIFFERS else ""
        table.add_row(_name(one.name), *shown, chance, one.finding, style=style)
    return table


def _satisfaction(of: Satisfaction) -> Text:
    text = Text("satisfaction", style="italic")
    rated = (
        f"rated {of.rating:.1f} of 5 on average, {_stars(of.stars)}; {ratio(of.rated)} rated"
        if of.rating is not None
        else f"no case of {of.rated.of} is rated: starter.py rate CASE 1-5"
    )
    text.append(f"\n  {rated}", style="not italic")
    drafts = of.drafts
    if of.unchanged.of or drafts.withheld:
        sent = f"sent unchanged: {ratio(of.unchanged)}" if of.unchanged.of else "sent: none"
        said = f"drafts {sent}; not sent: {drafts.withheld}"
        text.append(f"\n  {said}", style="not italic")
    return text


def _stars(stars: Mapping[int, int]) -> str:
    return ", ".join(f"{count} x {star}" for star, count in stars.items())


def _savings(of: Savings) -> Text:
    text = Text("saved", style="italic")
    money = "" if of.money is None else f" = {of.money:,.2f} at the rate given"
    text.append(f"\n  {of.hours:,.2f} hours{money}", style="not italic bold")
    text.append(
        f"\n  {counted(of.cases, 'completed case')} by hand {of.by_hand:,.2f} h, less people's"
        f" {of.people:,.2f} h;\n  model calls {dollars(of.models)} US$ are not taken off",
        style="not italic",
    )
    text.append(f"\n  assumed: {of.assumed}", style="dim")
    return text
