"""The keeper of a pool: lends its resources to processes in turn, by the rules of `keeping`."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow

from workflows.data.events import Event
from workflows.data.resources import KeeperMessage, KeeperState, Notice
from workflows.patterns.keeping import Turn, expire, gone, next_expiry, take
from workflows.patterns.publish import deliver
from workflows.services.history import full


@workflow.defn(name="keeper")
class Keeper:
    """One per pool; `activities/services.py` starts it with its first message."""

    @workflow.init
    def __init__(self, state: KeeperState) -> None:
        self._notices = list(state.untold)
        self._state = state.model_copy(update={"untold": ()})

    @workflow.run
    async def run(self, state: KeeperState) -> KeeperState:
        """Lend until nobody has asked for long; goes on in a new run when its history is full."""
        while True:
            busy = await self._something_to_do()
            self._keep(expire(self._state, workflow.now()))
            if not self._notices and not busy:
                return self._state
            await self._tell()
            if full(self._state.continue_after):
                untold = {"untold": tuple(self._notices)}
                workflow.continue_as_new(self._state.model_copy(update=untold))

    @workflow.signal
    def message(self, message: Any) -> None:
        """Take a request, a renewal or a release. One that makes no sense is logged."""
        try:
            taken = KeeperMessage.model_validate(message)
        except ValidationError as error:
            workflow.logger.warning("message refused", extra={"errors": error.error_count()})
            return
        self._keep(take(self._state, taken, workflow.now()))

    @workflow.query
    def state(self) -> KeeperState:
        """Who holds what, who waits, and what was done so far."""
        return self._state

    def _keep(self, turn: Turn) -> None:
        self._state = turn.state
        self._notices += turn.notices

    async def _something_to_do(self) -> bool:
        """Wait for a notice to send or the next end of a lease; give False after a long idle."""
        until = next_expiry(self._state)
        left = self._state.idle if until is None else until - workflow.now()
        before = self._state
        try:
            await workflow.wait_condition(
                lambda: (
                    bool(self._notices)
                    or next_expiry(self._state) != until
                    or full(self._state.continue_after)
                ),
                timeout=max(left, timedelta(0)),
                timeout_summary="idle" if until is None else "a lease ends",
            )
        except TimeoutError:
            return until is not None or self._state is not before
        return True

    async def _tell(self) -> None:
        """Send the notices, those to one process in order; forget processes that have ended."""
        now, self._notices = _one_each(self._notices)
        whys = await asyncio.gather(*(deliver(n.to, self._event(n)) for n in now))
        for notice, why in zip(now, whys, strict=True):
            if why is not None:
                self._keep(gone(self._state, notice.to, workflow.now()))

    def _event(self, notice: Notice) -> Event:
        sender = workflow.info().workflow_id
        return Event(name=notice.event, id=notice.event, sender=sender, body=notice.body)


def _one_each(notices: list[Notice]) -> tuple[list[Notice], list[Notice]]:
    """Part the first notice for each process from those that must come after it."""
    first = {n.to: n for n in reversed(notices)}
    now = list(first.values())[::-1]
    return now, [n for n in notices if n is not first[n.to]]
