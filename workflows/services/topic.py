"""A topic: forwards events to its subscribers, by the rules of `topics`."""

import asyncio
from typing import Any

from pydantic import ValidationError
from temporalio import workflow

from workflows.data.events import TopicMessage, TopicState
from workflows.patterns.publish import deliver
from workflows.patterns.topics import due, receive, settle
from workflows.services.history import full


@workflow.defn(name="topic")
class Topic:
    """One per topic; `activities/services.py` starts it with its first message. It stays."""

    @workflow.init
    def __init__(self, state: TopicState) -> None:
        self._state = state

    @workflow.run
    async def run(self, state: TopicState) -> None:
        """Forward for ever; goes on in a new run when its history is full."""
        while True:
            await workflow.wait_condition(
                lambda: bool(due(self._state)) or full(self._state.continue_after)
            )
            deliveries = due(self._state)
            whys = await asyncio.gather(*(deliver(d.to, d.event) for d in deliveries))
            answered = list(zip(deliveries, whys, strict=True))
            self._state = settle(
                self._state,
                delivered=[d for d, why in answered if why is None],
                gone=[d for d, why in answered if why is not None],
            )
            if full(self._state.continue_after):
                workflow.continue_as_new(self._state)

    @workflow.signal
    def message(self, message: Any) -> None:
        """Take a subscription, its end, or an event. What makes no sense is counted."""
        try:
            taken = TopicMessage.model_validate(message)
        except ValidationError:
            refused = {"refused": self._state.refused + 1}
            self._state = self._state.model_copy(update=refused)
            return
        self._state = receive(self._state, taken)

    @workflow.query
    def state(self) -> TopicState:
        """Who is subscribed and how far they are, the events kept, and what was done so far."""
        return self._state
