"""How an explained run looks to a person: Gantt, where the time went, calls and cost by branch."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from insight.history.spans import WORK
from insight.report import BranchLine, Report
from insight.shown.account import account
from insight.shown.branches import graph
from insight.shown.rows import Row, rows
from insight.shown.timeline import gantt
from insight.shown.words import clear, dollars, length

_ASKED = "in, out: tokens of models; window: how full the fullest call's was"


def explanation(
    known: Report, console: Console, *, times: bool = False, with_graph: bool = False
) -> RenderableType:
    """Show who ran when, the critical path, causes of waits, parallelism, calls and cost."""
    found = rows(known, None) if times else rows(known)
    parts: list[RenderableType] = [gantt(known, console.width, times=times)]
    if with_graph:
        parts += [Text(), graph(known, console.width)]
    if known.flow.path:
        parts += [Text(), account(known, console.width)]
    if len(found) > 1 or _asked(known):
        parts += [Text(), _table(known, found, plain=console.options.ascii_only)]
    if _asked(known):
        parts.append(Text(_ASKED, style="dim italic"))
    return Group(*parts)


def _asked(known: Report) -> bool:
    """Whether models were asked: tokens and cost are shown only then."""
    return any(span.usd is not None for span in known.spans)


def _table(known: Report, found: Sequence[Row], *, plain: bool) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)  # fits 80 columns
    asked = _asked(known)
    names = ("calls", "attempts", "machine", "waiting")
    table.add_column("branch", no_wrap=True, overflow="crop" if plain else "ellipsis")
    for column in (*names, *(("in", "out", "window", "US$") if asked else ())):
        table.add_column(column, justify="right", no_wrap=True)
    for row in found:
        if row.line is None and not row.busy:
            continue  # messages and timers of no branch
        cells = _cells(row)
        table.add_row(Text(clear(row.label, plain=plain)), *cells, *(_cost(row) if asked else ()))
    if asked:
        total = (*_tokens(known), dollars(known.usd))
        table.add_row("all", "", "", "", "", *total, style="bold")
    return table


def _cells(row: Row) -> tuple[str, ...]:
    """Write calls, attempts, machine and waiting time; what has no branch only works."""
    work = [span for span in row.spans if span.kind in WORK]
    waiting = length(row.line.waiting) if row.line else ""
    attempts = sum(span.attempt for span in work)
    return str(len(work)), str(attempts), length(row.busy), waiting


def _cost(row: Row) -> tuple[str, ...]:
    paid = [span.usd for span in row.spans if span.usd is not None]
    return (*(_tokens(row.line) if row.line else ("", "", "")), dollars(sum(paid)) if paid else "")


def _tokens(of: BranchLine | Report) -> tuple[str, str, str]:
    """Write tokens in and out, and how full the fullest window was; nothing for no model call."""
    if not of.input_tokens and of.window_share is None:
        return "", "", ""
    share = "" if of.window_share is None else f"{of.window_share:.1%}"
    return str(of.input_tokens), str(of.output_tokens), share
