"""The stock of an order: all warehouses are asked at once, losers released."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from workflows.calls import STOCK, STOCK_FREE, ask
from workflows.data.orders import (
    Choice,
    OrderCase,
    OrderLine,
    Parcel,
    StockAction,
    StockLine,
    StockOrder,
    StockQuery,
)
from workflows.errors import BraidError
from workflows.patterns.join import join
from workflows.patterns.outcome import Outcome
from workflows.patterns.saga import Saga, current_saga
from workflows.patterns.until import all_settled, outcome
from workflows.rules import orders as rules
from workflows.scope import Scope, enter_scope


class OutOfStock(BraidError):
    """Every warehouse answered, and a line is nowhere."""


class NoWarehouse(BraidError):
    """A line is nowhere, but not every warehouse answered in time."""


@dataclass(frozen=True)
class _Reserved:
    """What a warehouse holds, and the saga's section that releases it."""

    held: rules.Held
    section: Saga


class Stock:
    """Reservations of one order, all under one number of our own."""

    def __init__(self, order: OrderCase, number: str, saga: Saga) -> None:
        self.order, self.number, self.saga = order, number, saga
        self.released: tuple[str, ...] = ()
        self._releasing: list[asyncio.Task[None]] = []

    async def reserve(self) -> tuple[Parcel, ...]:
        """Ask all warehouses at once, choose who sends what, and release the others meanwhile.

        Raises OutOfStock and NoWarehouse.
        """
        policy = self.order.stock
        first = outcome(self._serves_all) | all_settled()
        joined = await join(
            {name: partial(self._ask, name) for name in policy.warehouses},
            until=first if policy.choose is Choice.FIRST else all_settled(),
            deadline=policy.wait,
        )
        found: dict[str, _Reserved] = joined.values
        parcels = rules.parcels(self.order, [r.held for r in found.values()])
        if not parcels and len(found) < len(policy.warehouses):
            silent = ", ".join(n for n in policy.warehouses if n not in found)
            raise NoWarehouse(f"no warehouse has it, and no answer came from {silent}")
        if not parcels:
            raise OutOfStock("no warehouse has it")
        chosen = [p.warehouse for p in parcels]
        losers = [n for n, r in found.items() if r.held.skus and n not in chosen]
        self.released = (*losers, *(u.step.split("/")[0] for u in joined.undone))
        self._releasing = [asyncio.ensure_future(_release(found[n].section)) for n in losers]
        return parcels

    async def ship(self, parcel: Parcel) -> None:
        """Have a parcel packed and collected; what else was reserved there is free again."""
        lines = [line for line in self.order.lines if line.sku in parcel.skus]
        await self._order(StockAction.SHIP, parcel.warehouse, lines, parcel.label)

    async def _ask(self, name: str) -> _Reserved:
        """Look up what a warehouse has, and reserve it there."""
        skus, country = tuple(line.sku for line in self.order.lines), self.order.customer.country
        view = await ask(STOCK_FREE, StockQuery(warehouse=name, skus=skus, country=country))
        section, lines = current_saga() or self.saga, rules.to_reserve(self.order, view)
        if lines:
            await section.step(
                "reserve",
                partial(self._order, StockAction.RESERVE, name, lines),
                partial(self._order, StockAction.RELEASE, name),
                how=f"release reservation {self.number} at {name}",
            )
        held = rules.Held(name, frozenset(line.sku for line in lines), view.delivery)
        return _Reserved(held, section)

    def _serves_all(self, ended: Outcome[Any]) -> bool:
        reserved: _Reserved | None = ended.value
        return reserved is not None and rules.serves_all(self.order, reserved.held)

    async def _order(
        self,
        action: StockAction,
        warehouse: str,
        lines: tuple[OrderLine, ...] | list[OrderLine] = (),
        label: str = "",
    ) -> None:
        await ask(
            STOCK,
            StockOrder(
                action=action,
                warehouse=warehouse,
                reservation=self.number,
                lines=tuple(StockLine(sku=line.sku, quantity=line.quantity) for line in lines),
                label=label,
            ),
        )


async def _release(section: Saga) -> None:
    """Undo a loser's reservation; the saga's block waits for it at its end."""
    enter_scope(Scope("release"))
    await section.undo()
