"""Where this clone's running stack is reached, told by a file that only lives as long as it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.processes import Locked, lock
from runtime.settings import Settings


@dataclass(frozen=True)
class Addresses:
    """Where the parts of a running stack are reached, and how it was started."""

    nonce: str
    pid: int
    grpc: str
    http: str
    ui: str
    simulator: str
    smtp: str
    speed: float
    live: bool
    codec: str
    encrypted: bool

    def fit(self, settings: Settings) -> Settings:
        """Fill in where the simulator is, and whether payloads are encrypted."""
        return replace(
            settings,
            simulator=settings.simulator or self.simulator,
            simulator_smtp=settings.simulator_smtp or self.smtp,
            encryption="on" if self.encrypted else "off",
        )


def running_stack(data: Path) -> Addresses | None:
    """Give the addresses of the stack this clone runs, None if it runs none.

    A stack holds its lock while it lives, so a left-over file of a dead one is never believed.
    """
    try:
        lock(data / "stack.lock", shared=True).close()
    except Locked:
        try:
            return Addresses(**json.loads((data / "stack.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # it is just starting or stopping
    return None
