"""What a blueprint's case came to, for people: its steps, then its result."""

import json

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.plans.turns import decided
from workflows.data.blueprints.case import BlueprintResult
from workflows.data.common import JSON

_STYLE = {"succeeded": "green", "failed": "red", "skipped": "dim", "not_started": "dim"}


def blueprint(record: BlueprintResult) -> RenderableType:
    """Show what became of each step, and the result field by field."""
    table = Table(box=None, pad_edge=False)
    for column in ("step", "became", "why"):
        table.add_column(column, overflow="fold")
    for name, end in record.steps.items():
        table.add_row(name, Text(end.state, style=_STYLE.get(end.state, "yellow")), Text(end.why))
    late = [
        Text(f"{r.step} went on without {r.late}, which came {r.at:%H:%M:%S}")
        for r in record.revisions
    ]
    head = f"{record.blueprint} (definition {record.sha256[:12]}): {record.outcome or 'under way'}"
    fields = [Text(f"{name}: {_said(value)}") for name, value in record.result.items()]
    turns = [decided(record.decided)] if record.decided else []
    return Group(Text(head, style="bold"), table, *late, *turns, *fields)


def _said(value: JSON) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
