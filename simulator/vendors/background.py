"""OpenAI's background mode: a response is taken at once, and asked for by its id until it is done.

Kept in memory. It is billed when it is taken, whoever fetches it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import time

from simulator.book import Book
from simulator.chance import digest
from simulator.config import SimulatorConfig
from simulator.exchange import Asked, Reply
from simulator.latency import seconds


@dataclass
class _Run:
    reply: Reply
    created: float
    due: float
    cancelled: bool = False


class Background:
    """Background responses of one vendor. `solo` answers as if asked in the foreground."""

    def __init__(
        self, vendor: str, solo: Callable[[Asked], Reply], config: SimulatorConfig, book: Book
    ) -> None:
        self._vendor, self._solo, self._config, self._book = vendor, solo, config, book
        self._runs: dict[str, _Run] = {}

    def answer(self, asked: Asked) -> Reply | None:
        """Answer what concerns background responses; None for anything else."""
        parts = asked.path.removeprefix("/v1/").split("/")
        match (asked.method, *parts):
            case ("POST", "responses") if b'"background"' in asked.body:
                return self._take(asked)
            case ("GET", "responses", identity):
                return self._shown(identity)
            case ("POST", "responses", identity, "cancel"):
                if (run := self._runs.get(identity)) and run.due > time():
                    run.cancelled = True
                return self._shown(identity)
        return None

    def _take(self, asked: Asked) -> Reply | None:
        body = json.loads(asked.body)
        if not isinstance(body, dict) or body.pop("background", False) is not True:
            return None
        if body.get("store") is False:
            return _error(400, "Background mode requires 'store' to be true.", "invalid_value")
        reply = self._solo(replace(asked, body=json.dumps(body).encode()))
        if reply.status != 200:
            return reply
        self._book.billed[self._vendor] += 1
        late = seconds(self._vendor, self._config.seed, asked.hash, self._config.speed, None)
        now, number = time(), len(self._runs)
        identity = f"resp_bg{digest(self._vendor, now, number)[:44]}"
        self._runs[identity] = _Run(reply, now, now + late)
        return self._shown(identity)

    def _shown(self, identity: str) -> Reply:
        if (run := self._runs.get(identity)) is None:
            return _error(404, f"Response with id '{identity}' not found.", "not_found")
        body = run.reply.body if isinstance(run.reply.body, dict) else {}
        shown = {**body, "id": identity, "background": True}
        if run.cancelled or run.due > time():
            status = "cancelled" if run.cancelled else "in_progress"
            shown |= {"status": status, "output": [], "usage": None, "completed_at": None}
            shown["incomplete_details"] = None
        return Reply(200, shown)


def _error(status: int, message: str, code: str) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Reply(status, {"error": error})
