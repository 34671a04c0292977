"""How processes that read texts look to a person: a line a text, and what came of all."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflows.data.document_analysis import AnalysisResult
from workflows.data.sentiment import SentimentResult

SHOWN = 20
"""Remarks of customers that are listed, the least sure first; `--json` has them all."""
_RISK = {"high": "bold red", "medium": "yellow", "low": "green"}


def analysis(record: AnalysisResult) -> RenderableType:
    """Show what is in each document, and the summary."""
    totals = record.totals
    table = Table(box=None, pad_edge=False)
    for column in ("document", "kind", "risk", "sentiment", "agreed", "because"):
        table.add_column(column, overflow="fold")
    for found in record.documents:
        risk = str(found.risk or "disputed")
        why = found.risk_quote or ", ".join(t.topic for t in found.topics)
        table.add_row(
            found.id,
            str(found.kind or "disputed"),
            Text(risk, style=_RISK.get(risk, "magenta")),
            str(found.sentiment or "disputed"),
            f"{found.agreement:.0%}",
            Text(why),
        )
    for lost in record.unread:
        table.add_row(lost.id, "", Text("unread", style="red"), "", "", Text(lost.why))
    head = f"{totals.documents} documents: {totals.agreed} agreed on, {totals.disputed} disputed,"
    said = record.summary.value
    claims = [Text(f"- {c.text} [{', '.join(c.cites)}]") for c in said.claims]
    return Group(
        Text(f"{head} {totals.unread} unread", style="bold"),
        table,
        Text(f"summary by {record.summary.by}: {said.headline}", style="bold"),
        *claims,
        Text(f"{record.cost.calls} model calls, {record.cost.usd:.4f} US$", style="dim"),
    )


def sentiment(record: SentimentResult) -> RenderableType:
    """Show how many customers feel how, and those nobody is sure of."""
    felt = ", ".join(f"{count} {tone}" for tone, count in record.totals.items()) or "none rated"
    head = Text(f"{record.case}: {len(record.tones)} remarks: {felt}", style="bold")
    if record.unanswered:
        head.append(f", {record.unanswered} unanswered", style="bold red")
    table = Table(box=None, pad_edge=False)
    for column in ("remark", "feels", "confidence", "asked", "because"):
        table.add_column(column, overflow="fold")
    listed = sorted(record.tones, key=lambda t: t.confidence)[:SHOWN]
    for tone in listed:
        if tone.sentiment is None:
            table.add_row(tone.id, Text("unanswered", style="red"), "", "", Text(tone.why))
        else:
            table.add_row(tone.id, str(tone.sentiment), f"{tone.confidence:.2f}", tone.asked, "")
    left = len(record.tones) - len(listed)
    more = [Text(f"and {left} more, none less sure (--json has them all)", style="dim")]
    cost = f"{record.cost.calls} model calls, {record.cost.usd:.4f} US$"
    packing = f"packing: {record.saving}" if record.saving else ""
    spent = Text("; ".join(filter(None, (packing, cost))), style="dim")
    return Group(head, table, *(more if left else ()), spent)
