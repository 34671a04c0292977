"""What vendors answer later: batches of OpenAI and Anthropic, and OpenAI's background mode."""

from collections.abc import Callable
from dataclasses import replace

from simulator.book import Book
from simulator.config import SimulatorConfig
from simulator.exchange import Asked, Reply, Service
from simulator.faults import FaultBoard
from simulator.state import Batched, Cancelled, StateFile
from simulator.vendors.background import Background
from simulator.vendors.batches import BatchHouse
from simulator.vendors.batches_anthropic import AnthropicBatches
from simulator.vendors.batches_openai import OpenAiBatches

Solo = Callable[[Asked], Reply]
"""Answers a request to a vendor as if it had come alone, and bills nothing."""


class Later:
    """The batches of all vendors of one simulator."""

    def __init__(
        self, config: SimulatorConfig, book: Book, faults: FaultBoard, state: StateFile
    ) -> None:
        self._config, self._book, self._faults, self._state = config, book, faults, state
        self._houses: dict[str, BatchHouse] = {}

    def restore(self, line: Batched | Cancelled) -> None:
        """Take up what the state file says of a batch."""
        self._houses[line.vendor].restore(line)

    def beside(self, name: str, service: Service, solo: Solo) -> Service:
        """Add to a vendor's service what it answers later."""
        ways: list[Callable[[Asked], Reply | None]] = []
        house = BatchHouse(name, solo, self._config, self._book, self._faults, self._state)
        if name == "openai":
            ways.append(Background(name, solo, self._config, self._book).answer)
            ways.append(OpenAiBatches(house).answer)
        elif name == "anthropic":
            ways.append(AnthropicBatches(house).answer)
        else:
            return service
        self._houses[name] = house

        def answer(asked: Asked) -> Reply:
            for way in ways:
                if (reply := way(asked)) is not None:
                    return reply
            return service.answer(asked)

        return replace(service, answer=answer)
