"""The doors to the budgets of a case, and to what many cases cost."""

from collections.abc import Callable

from activities.failures import final
from runtime.context import CallContext, call_context
from store.budgets import Budgets, Charge
from store.costs import Costs
from store.database import Store
from workflows.data.budget import Amounts, BudgetOrder, BudgetQuery, BudgetView, CostQuery
from workflows.data.common import CostView


def charges_of(
    context: CallContext, budget: str, worst: Callable[[], Amounts]
) -> tuple[Charge, ...]:
    """Say who pays for a call, and how much at most: its case's `budget`, if it names one, and the
    budget of the many cases it belongs to, which it waits for.
    """
    found: tuple[Charge, ...] = (Charge(context.scope, budget, worst()),) if budget else ()
    if context.payer:
        scope, name = context.payer.rsplit(" ", 1)
        found += (Charge(scope, name, worst(), patient=True),)
    return found


class BudgetActivities:
    """Budgets belong to the case (its root workflow), whichever branch or child asks."""

    def __init__(self, store: Store) -> None:
        self._budgets, self._costs = Budgets(store), Costs(store)

    async def read_cost(self, query: CostQuery) -> CostView:
        """Add up what the models of all cases were paid whose id begins, or is, so."""
        return await self._costs.of(query.prefix, whole=query.is_id)

    async def open_budget(self, order: BudgetOrder) -> BudgetView:
        """Open a budget, or set what it allows anew; what was spent stays."""
        return await self._budgets.open(call_context().scope, order)

    async def read_budget(self, query: BudgetQuery) -> BudgetView:
        """Say how a budget stands. Raises BudgetUnknown, which no further attempt mends."""
        view = await self._budgets.view(call_context().scope, query.name)
        if view is None:
            raise final("BudgetUnknown", f"budget {query.name!r} was not opened in this case")
        return view
