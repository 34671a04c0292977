"""The list of faults in force, used up as requests meet them."""

from collections import Counter

from simulator.chance import unit
from simulator.config import Fault
from simulator.exchange import Asked

ITEM = "batch-item"
"""The path of a fault that strikes items of batches."""


class FaultBoard:
    """Faults set at start or at run time; the first that fits a request is taken."""

    def __init__(self, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        self._seed = seed
        self.put(faults)

    def put(self, faults: tuple[Fault, ...]) -> None:
        """Replace all faults."""
        self._faults = list(faults)
        self._came: Counter[str] = Counter()

    def shown(self) -> list[dict[str, object]]:
        """List the faults with the times they still strike."""
        return [fault.model_dump(mode="json") for fault in self._faults]

    def take(self, asked: Asked, model: str) -> Fault | None:
        """Give the fault a request for `model` meets, and count it."""
        fitting = [
            (position, fault)
            for position, fault in enumerate(self._faults)
            if fault.service in (asked.service, "*")
            and fault.path in asked.path
            and fault.body.encode() in asked.body
            and fault.model in ("", model)
        ]
        if any(fault.share < 1 for _, fault in fitting):
            self._came[asked.hash] += 1  # a retry draws anew
        for position, fault in fitting:
            if self._strikes(fault, asked.hash):
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

    def _strikes(self, fault: Fault, request: str) -> bool:
        if fault.share == 1:
            return True
        return unit(self._seed, fault.kind, request, self._came[request]) < fault.share

    def _use(self, position: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[position]
        elif fault.times is not None:
            self._faults[position] = fault.model_copy(update={"times": fault.times - 1})
