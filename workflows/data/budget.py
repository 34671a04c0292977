"""Records of budgets: what a case may spend on model calls, and what became of it."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.common import Record
from workflows.data.degrade import Left

BudgetName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Amounts(Record):
    """Money in US dollars, tokens (input and output together) and calls."""

    usd: Decimal = Decimal(0)
    tokens: int = 0
    calls: int = 0


class BudgetOrder(Record):
    """Open a budget of this case, or set what it allows anew. None is no bound."""

    name: BudgetName
    usd: Annotated[Decimal, Field(gt=0)] | None = None
    tokens: Annotated[int, Field(gt=0)] | None = None
    calls: Annotated[int, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.usd is None and self.tokens is None and self.calls is None:
            raise ValueError(f"budget {self.name!r} bounds nothing; give usd, tokens or calls")
        return self


class BudgetQuery(Record):
    """How does a budget of this case stand?"""

    name: BudgetName


class CostQuery(Record):
    """What did the models of all cases cost whose workflow id begins with `prefix`, or is it?"""

    prefix: Annotated[str, StringConstraints(min_length=1)]
    is_id: bool = False


class BudgetView(Record):
    """How a budget stands. `held` is set aside for calls under way at their dearest; `unclear`
    was set aside for calls that may have been billed and never answered: it counts as spent. It is
    `short` while a call waits for more than is left, and nothing is held that might come back.
    """

    name: str
    usd: Decimal | None = None
    tokens: int | None = None
    calls: int | None = None
    spent: Amounts = Amounts()
    held: Amounts = Amounts()
    unclear: Amounts = Amounts()
    short: bool = False

    def left(self, unit: str) -> Left | None:
        """Give what is left of `usd`, `tokens` or `calls`; None where that is not bounded."""
        total = getattr(self, unit)
        if total is None:
            return None
        gone = sum(Decimal(getattr(a, unit)) for a in (self.spent, self.held, self.unclear))
        return Left(left=Decimal(total) - gone, of=Decimal(total))

    @property
    def scarcest(self) -> Left:
        """Give what is left of the unit that runs out first."""
        found = [left for unit in ("usd", "tokens", "calls") if (left := self.left(unit))]
        return min(found, key=lambda left: left.left / left.of)
