"""How an order looks to a person: what was sent and paid, or why not and what was taken back."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workflows.data.orders import OrderOutcome, OrderResult


def order(record: OrderResult) -> RenderableType:
    """Show the result of an order, or what is known of it so far."""
    head = Text(f"{record.case}: ", style="bold")
    style = "bold green" if record.outcome is OrderOutcome.FULFILLED else "bold yellow"
    head.append((record.outcome or "under way").replace("_", " "), style=style)
    facts = Table.grid(padding=(0, 2))
    sent = [f"{', '.join(p.skus)} from {p.warehouse}, label {p.label}" for p in record.parcels]
    for name, value in (
        *(("parcel", parcel) for parcel in sent),
        ("paid", f"{record.paid} {record.currency}" if record.paid else "nothing"),
        ("why", record.why),
        ("not needed", ", ".join(f"{name} (released)" for name in record.released)),
        ("undone", ", ".join(record.undone)),
        ("by hand", "; ".join(record.by_hand)),
        ("customer", f"told: {record.told.replace('_', ' ')}" if record.told else "not told yet"),
    ):
        if value:
            facts.add_row(Text(name, style="dim"), Text(value))
    return Group(head, facts)
