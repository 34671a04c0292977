"""Purse: one budget for all that is attempted at once, set aside before anything starts."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

from workflows.errors import Unusable
from workflows.patterns.bounds import NOTHING, Budget
from workflows.patterns.clock import wait_for


class Purse:
    """A budget being spent, by one loop or by several at once that were given the same purse.

    An attempt's price is set aside before it starts, so that attempts running at once can never
    together pass the total unless one reports more than its price; from then on that is the price.
    """

    def __init__(
        self, budget: Budget | None, spent: Decimal = NOTHING, unclear: Decimal = NOTHING
    ) -> None:
        self.total = budget.total if budget else None
        self.price = budget.per_attempt if budget else NOTHING
        self.spent, self.unclear, self.set_aside = spent, unclear, NOTHING
        self._settled = asyncio.Event()

    @property
    def left(self) -> Decimal | None:
        """What is neither spent nor set aside; None without a budget."""
        if self.total is None:
            return None
        return self.total - self.spent - self.unclear - self.set_aside

    async def reserve(self, attempts: int, within: timedelta | None) -> "Reserve | None":
        """Set aside the price of so many attempts; None if they are too dear.

        Waits, at most `within`, while attempts of other loops may yet cost less than set aside.
        """
        while (left := self.left) is not None and left < self.price * attempts:
            if left + self.set_aside < self.price * attempts:
                return None
            if not await wait_for(self._settled, within, "budget set aside by others"):
                return None
        self.set_aside += self.price * attempts
        return Reserve(self, self.price, attempts)

    def book(self, price: Decimal, cost: Decimal, unclear: Decimal) -> None:
        """Put in place of a price that was set aside what was spent and what is unclear."""
        self.set_aside -= price
        self.spent += cost
        self.unclear += unclear
        if self.total is not None:
            self.price = max(self.price, cost)
        self._settled.set()
        self._settled = asyncio.Event()


class Reserve:
    """What is set aside for the attempts of one round."""

    def __init__(self, purse: Purse, price: Decimal, attempts: int) -> None:
        self._purse, self._price, self._attempts = purse, price, attempts

    def slip(self) -> "Slip":
        """Give an attempt its share."""
        self._attempts -= 1
        return Slip(self._purse, self._price)

    def give_back(self) -> None:
        """Free the shares nobody took."""
        self._purse.book(self._price * self._attempts, NOTHING, NOTHING)
        self._attempts = 0


class Slip:
    """What one attempt is known to have cost. `clear` once it has reported everything."""

    def __init__(self, purse: Purse, price: Decimal) -> None:
        self._purse, self._price = purse, price
        self.cost, self.clear = NOTHING, False
        self.draft: Any = None

    def add(self, cost: Decimal, what: str) -> None:
        """Note a cost. Raises Unusable for what is none."""
        if not cost.is_finite() or cost < 0:
            raise Unusable(f"{what} reports a cost of {cost}; it is 0 or more")
        self.cost += cost

    def settle(self) -> Decimal:
        """Book the attempt, which ended. Gives what is unclear: the rest of its share, unless
        it reported everything.
        """
        unclear = NOTHING if self.clear else max(self._price - self.cost, NOTHING)
        self._purse.book(self._price, self.cost, unclear)
        return unclear
