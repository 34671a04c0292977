"""The doors to the budgets of a case."""

from activities.failures import final
from runtime.context import call_context
from store.budgets import Budgets
from store.database import Store
from workflows.data.budget import BudgetOrder, BudgetQuery, BudgetView


class BudgetActivities:
    """Budgets belong to the case (its root workflow), whichever branch or child asks."""

    def __init__(self, store: Store) -> None:
        self._budgets = Budgets(store)

    async def open_budget(self, order: BudgetOrder) -> BudgetView:
        """Open a budget, or set what it allows anew; what was spent stays."""
        return await self._budgets.open(call_context().scope, order)

    async def read_budget(self, query: BudgetQuery) -> BudgetView:
        """Say how a budget stands. Raises BudgetUnknown, which no further attempt mends."""
        view = await self._budgets.view(call_context().scope, query.name)
        if view is None:
            raise final("BudgetUnknown", f"budget {query.name!r} was not opened in this case")
        return view
