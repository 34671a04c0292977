"""The warehouses: `GET /{warehouse}/stock`, reserve, ship, release."""

import re
from collections import Counter
from collections.abc import Mapping

from simulator.book import Book
from simulator.effects.plain import refuse
from simulator.exchange import Asked, Reply
from workflows.data.orders import StockAction, StockLine, StockOrder

_STOCK = re.compile(r"^/([a-z0-9-]+)/stock$")
LEVELS: Mapping[str, Mapping[str, int]] = {
    "hamburg": {"lamp-brass": 100_000, "chair-oak": 100_000, "rug-wool": 3},
    "lyon": {"lamp-brass": 100_000, "chair-oak": 100_000, "mirror-round": 100_000},
    "gdansk": {"lamp-brass": 100_000, "table-ash": 100_000},
}
"""Pieces of invented articles that lie in each warehouse at first."""
DELIVERY: Mapping[str, Mapping[str, str]] = {
    "hamburg": {"DE": "4.90", "FR": "9.80", "PL": "8.20"},
    "lyon": {"DE": "9.60", "FR": "5.10", "PL": "11.90"},
    "gdansk": {"DE": "7.40", "FR": "11.70", "PL": "3.90"},
}
"""Euros for a parcel to a country."""
ANYWHERE_ELSE = "14.50"


class Warehouses:
    """Reservations by warehouse and number; what they hold is not free.

    One that was released stays so: a reservation that comes late is refused.
    """

    def __init__(self, book: Book) -> None:
        self._held = book.held.setdefault("warehouses", {})
        self._lines: dict[str, tuple[StockLine, ...]] = {}

    def subject(self, request: StockOrder) -> str:
        """Name the reservation, with its warehouse."""
        return f"{request.warehouse}:{request.reservation}"

    def impossible(self, request: StockOrder) -> Reply | None:
        """Refuse an unknown warehouse, what is not there, and what was not reserved."""
        if request.warehouse not in LEVELS:
            return refuse(404, f"no warehouse {request.warehouse}")
        name = self.subject(request)
        state = self._held.get(name)
        match request.action:
            case StockAction.RELEASE:
                return None
            case StockAction.RESERVE if state:
                return refuse(409, f"the reservation is {state}")
            case StockAction.RESERVE:
                free = self._free(request.warehouse)
                short = [line.sku for line in request.lines if line.quantity > free[line.sku]]
                return refuse(409, f"not in stock: {', '.join(short)}") if short else None
            case StockAction.SHIP:
                if state != "reserved":
                    return refuse(409, f"the reservation is {state or 'not there'}")
                within = set(request.lines) <= set(self._lines[name])
                return None if within and request.label else refuse(422, "lines and label differ")

    def keep(self, request: StockOrder, reference: str) -> None:  # noqa: ARG002
        """Apply an order: shipping holds only the lines that go."""
        name = self.subject(request)
        match request.action:
            case StockAction.RELEASE:
                self._held[name], self._lines[name] = "released", ()
            case StockAction.RESERVE:
                self._held[name], self._lines[name] = "reserved", request.lines
            case StockAction.SHIP:
                self._held[name], self._lines[name] = "shipped", request.lines

    def show(self, asked: Asked) -> Reply:
        """Show what is free of the articles asked for, and what delivery costs."""
        found = _STOCK.match(asked.path)
        if found is None or (name := found.group(1)) not in LEVELS:
            return refuse(404, "no such warehouse")
        skus = filter(None, asked.query.get("skus", "").split(","))
        free = self._free(name)
        price = DELIVERY[name].get(asked.query.get("country", ""), ANYWHERE_ELSE)
        return Reply(
            200, {"warehouse": name, "free": {s: free[s] for s in skus}, "delivery": price}
        )

    def _free(self, warehouse: str) -> Counter[str]:
        """Count what is free: what lay there less what reservations hold and what was shipped."""
        free = Counter(LEVELS[warehouse])
        for name, lines in self._lines.items():
            if name.startswith(f"{warehouse}:"):
                free.subtract({line.sku: line.quantity for line in lines})
        return free
