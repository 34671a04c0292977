"""The list of faults in force, used up as requests meet them."""

from simulator.config import Fault

ITEM = "batch-item"
"""The path of a fault that strikes items of batches."""


class FaultBoard:
    """Faults set at start or at run time; the first that fits a request is taken."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._faults = list(faults)

    def put(self, faults: tuple[Fault, ...]) -> None:
        """Replace all faults."""
        self._faults = list(faults)

    def shown(self) -> list[dict[str, object]]:
        """List the faults with the times they still strike."""
        return [fault.model_dump(mode="json") for fault in self._faults]

    def take(self, service: str, path: str) -> Fault | None:
        """Give the fault a request meets, and count it."""
        for position, fault in enumerate(self._faults):
            if fault.service in (service, "*") and fault.path in path:
                self._use(position, fault)
                return fault
        return None

    def take_item(self, service: str) -> Fault | None:
        """Give the fault the next item of a batch meets, and count it: one whose path is ITEM."""
        for position, fault in enumerate(self._faults):
            if fault.service in (service, "*") and fault.path == ITEM:
                self._use(position, fault)
                return fault
        return None

    def _use(self, position: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[position]
        elif fault.times is not None:
            self._faults[position] = fault.model_copy(update={"times": fault.times - 1})
