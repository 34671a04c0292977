"""What answers them: the product's own doors to models, on a simulator, for workers to be killed.

The simulator's address stands in `simulator.url` of the data folder.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from activities.budgets import BudgetActivities
from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.wire import Wire
from runtime.context import call_context
from runtime.settings import Settings
from store.admission import Admission
from store.database import Store
from tests.flows.gateway import Family, ManyCalls, SharedBudget, many_calls, share
from workflows.calls import ASK_MODEL, OPEN_BUDGET, READ_BUDGET, Call
from workflows.data.budget import BudgetOrder
from workflows.data.llm import ModelRequest

WORKFLOWS = [ManyCalls, SharedBudget, Family]
STEPS = (many_calls, share)


class Gateway:
    """The product's doors to models, opened at the first call of this process."""

    def __init__(self, data: Path) -> None:
        self.data, self.opening = data, asyncio.Lock()
        self.models: ModelActivities | None = None
        self.budgets: BudgetActivities | None = None

    async def open(self) -> tuple[ModelActivities, BudgetActivities]:
        async with self.opening:
            if self.models is None or self.budgets is None:
                url = (self.data / "simulator.url").read_text(encoding="utf-8")
                settings = Settings(
                    data=self.data, simulator=url, retry_pause=timedelta(milliseconds=50)
                )
                store = await Store.open(settings.database)
                worker = call_context().worker
                admission = Admission(store, settings.models.limits, worker)
                desk = CallDesk(store, Wire(settings), admission)
                self.models = ModelActivities(settings, settings.models, desk, {})
                self.budgets = BudgetActivities(store)
            return self.models, self.budgets


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Answer by the product's own code."""
    gateway = Gateway(log.parent)

    async def ask_model(request: ModelRequest) -> Any:
        return await (await gateway.open())[0].ask_model(request)

    async def open_budget(order: BudgetOrder) -> Any:
        return await (await gateway.open())[1].open_budget(order)

    async def read_budget(query: Any) -> Any:
        return await (await gateway.open())[1].read_budget(query)

    return {ASK_MODEL: ask_model, OPEN_BUDGET: open_budget, READ_BUDGET: read_budget}
