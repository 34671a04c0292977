"""The door to promotions: as what a case that a schedule starts runs."""

from activities.failures import final
from store.database import Store
from store.promotions import Promotions
from workflows.data.promotion import NewCase, PromotionQuery


class PromotionActivities:
    """Asks at the start of each case, so that a promotion holds from then on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read_promotion(self, query: PromotionQuery) -> NewCase:
        """Say as what a case runs. Raises NotConfigured if the candidate cannot take its input."""
        found = await Promotions(self._store, query.service).of(query.process)
        if found is None:
            return NewCase(runs=None, given=query.given)
        try:
            given = found.runs.given(query.given)
        except ValueError as wrong:
            raise final("NotConfigured", f"{query.process} as promoted: {wrong}") from wrong
        short = found.runs.model_copy(update={"blueprint": None, "others": {}})
        return NewCase(runs=short, given=given)
