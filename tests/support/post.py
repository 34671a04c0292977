"""A mail server on loopback with a board of faults, and nothing else of the simulated world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from simulator.config import Fault
from simulator.connection import listen
from simulator.effects import smtp
from simulator.effects.records import Mail
from simulator.exchange import Asked
from simulator.faults import FaultBoard


@dataclass
class Post:
    """Keeps the mails it took, and counts the connections."""

    url: str = ""
    board: FaultBoard = field(default_factory=lambda: FaultBoard(7))
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self, kind: str, times: int | None = 1, status: int | None = None) -> None:
        """Meet the next connections with a fault."""
        given = {"service": "mail", "kind": kind, "times": times, "status": status, "seconds": 0.01}
        self.board.put((Fault.model_validate(given),))

    def _come(self) -> Fault | None:
        self.connections += 1
        return self.board.take(Asked(service="mail", method="SMTP", path="/messages"), "")

    def _take(self, mail: Mail) -> str:
        self.mails.append(mail)
        self.taken.set()
        return f"mail-{len(self.mails)}"

    @property
    def desk(self) -> smtp.Desk:
        return smtp.Desk(
            come=self._come,
            enter=lambda: 0.0,
            leave=lambda: None,
            late=lambda _mail, _fault: 0.0,
            take=self._take,
        )


@asynccontextmanager
async def post_office() -> AsyncIterator[Post]:
    post = Post()
    with listen(0) as bound:
        post.url = f"smtp://127.0.0.1:{bound.getsockname()[1]}"
        async with smtp.serving(post.desk, bound):
            yield post
