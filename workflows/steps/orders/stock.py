"""The stock of an order: all warehouses are asked at once, losers released."""

import asyncio
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
from workflows.patterns.outcome import Joined, Outcome
from workflows.patterns.saga import Saga, current_saga
from workflows.patterns.together import gather
from workflows.patterns.until import all_settled, outcome
from workflows.rules import orders as rules
from workflows.scope import Scope, enter_scope


class OutOfStock(BraidError):
    """Every warehouse answered, and a line is nowhere."""


class NoWarehouse(BraidError):
    """A line is nowhere, but not every warehouse answered in time."""


class Stock:
    """Reservations of one order, all under one number of our own."""

    def __init__(self, order: OrderCase, number: str, saga: Saga) -> None:
        self.order, self.number, self.saga = order, number, saga
        self._chosen: tuple[str, ...] = ()
        self._sections: dict[str, Saga] = {}
        self._letting_go: asyncio.Task[None] | None = None

    @property
    def released(self) -> tuple[str, ...]:
        """Warehouses that reserved, or may have, and were not chosen."""
        undone = (name for name, section in self._sections.items() if section.undone)
        return tuple(name for name in undone if self._chosen and name not in self._chosen)

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
            late="finish",  # given up below, so that the order need not wait for their release
        )
        found: dict[str, rules.Held] = joined.values
        parcels = rules.parcels(self.order, list(found.values()))
        self._chosen = tuple(p.warehouse for p in parcels)
        self._letting_go = asyncio.ensure_future(self._let_go(joined))
        if not parcels and len(found) < len(policy.warehouses):
            silent = ", ".join(n for n in policy.warehouses if n not in found)
            raise NoWarehouse(f"no warehouse has it, and no answer came from {silent}")
        if not parcels:
            raise OutOfStock("no warehouse has it")
        return parcels

    async def ship(self, parcel: Parcel) -> None:
        """Have a parcel packed and collected; what else was reserved there is free again."""
        lines = [line for line in self.order.lines if line.sku in parcel.skus]
        await self._order(StockAction.SHIP, parcel.warehouse, lines, parcel.label)

    async def let_go(self) -> None:
        """Wait until the losers are released."""
        if self._letting_go is not None:
            await self._letting_go

    async def _ask(self, name: str) -> rules.Held:
        """Look up what a warehouse has, and reserve it there."""
        skus, country = tuple(line.sku for line in self.order.lines), self.order.customer.country
        view = await ask(STOCK_FREE, StockQuery(warehouse=name, skus=skus, country=country))
        lines = rules.to_reserve(self.order, view)
        section = self._sections[name] = current_saga() or self.saga
        if lines:
            await section.step(
                "reserve",
                partial(self._order, StockAction.RESERVE, name, lines),
                partial(self._order, StockAction.RELEASE, name),
                how=f"release reservation {self.number} at {name}",
            )
        return rules.Held(name, frozenset(line.sku for line in lines), view.delivery)

    def _serves_all(self, ended: Outcome[Any]) -> bool:
        held: rules.Held | None = ended.value
        return held is not None and rules.serves_all(self.order, held)

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

    async def _let_go(self, joined: Joined) -> None:
        """Give up whoever is late, and release what was not chosen."""
        enter_scope(Scope("release"))
        await joined.cancel_late()
        losers = [s for name, s in self._sections.items() if name not in self._chosen]
        await gather(*(section.undo() for section in losers))
