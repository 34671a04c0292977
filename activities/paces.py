"""The door to the paces: how much slower than planned runs by choices are."""

from runtime.context import call_context
from store.database import Store
from store.paces import Paces
from workflows.data.paces import Pace


class PaceActivities:
    """Keeps paces, of real runs or of simulated ones."""

    def __init__(self, store: Store, *, simulated: bool) -> None:
        self._paces = Paces(store, simulated=simulated)

    async def keep_pace(self, pace: Pace) -> Pace:
        """Keep a pace for the next run; that of a shadow counts for nobody."""
        if not call_context().shadow:
            await self._paces.keep(pace)
        return pace
