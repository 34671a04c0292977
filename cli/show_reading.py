"""How processes that read or write texts look to a person: a line a text, then what came of it."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflows.data.document_analysis import AnalysisResult

_RISK = {"high": "bold red", "medium": "yellow", "low": "green"}


def reading(record: object) -> RenderableType | None:
    """Show the result of such a process; None for any other record."""
    return _analysis(record) if isinstance(record, AnalysisResult) else None


def _analysis(record: AnalysisResult) -> RenderableType:
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
